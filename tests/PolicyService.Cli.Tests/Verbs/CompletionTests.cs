using System.Diagnostics;
using PolicyService.Cli.Tests.Running;

namespace PolicyService.Cli.Tests.Verbs;

/// <summary>The completion scripts, sourced by the shells themselves, with the real policyctl behind them.</summary>
public sealed class CompletionTests
{
    /// <summary>Where the shell is missing its script is still looked at; the name of the test says which of the two happened.</summary>
    private static readonly string? Zsh = OnPath("zsh");

    public static TheoryData<string> ZshRuns => [Zsh is null ? "zsh is not here: the script as text" : "in zsh"];

    [Theory]
    [InlineData("policyctl ", "completion demo evaluate export import payload policy verify version")]
    [InlineData("policyctl ev", "evaluate")]
    [InlineData("policyctl policy ", "history lint")]
    [InlineData("policyctl policy lint --f", "--format")]
    [InlineData("policyctl policy lint --format ", "json sarif text")]
    [InlineData("policyctl completion ", "bash zsh")]
    [InlineData("policyctl verify attestation --algorithm ED", "ED25519")]
    [InlineData("policyctl evaluate --policies ", "")]
    public async Task Bash_completes(string line, string expected)
    {
        var run = await Shell("bash", $$"""
            source <(policyctl completion bash)
            COMP_LINE='{{line}}'
            COMP_POINT=${#COMP_LINE}
            read -ra COMP_WORDS <<<"$COMP_LINE"
            if [[ $COMP_LINE == *' ' ]]; then COMP_WORDS+=(''); fi
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            $(complete -p policyctl | sed 's/.*-F \([^ ]*\) .*/\1/')
            printf '%s\n' "${COMPREPLY[@]}" | grep -v '^-' | sort | tr '\n' ' '
            printf '%s\n' "${COMPREPLY[@]}" | grep -- '^--format' | tr '\n' ' '
            """);

        Assert.Equal("", run.Error);
        Assert.Equal(expected, run.Text.Trim());
    }

    [Fact]
    public async Task Bash_completes_files_where_policyctl_knows_no_words()
    {
        var run = await Shell("bash", "source <(policyctl completion bash); complete -p policyctl");

        Assert.Equal("complete -o default -F _policyctl policyctl\n", run.Text);
    }

    [Theory, MemberData(nameof(ZshRuns))]
    public async Task Zsh_completes(string how)
    {
        if (Zsh is null)
        {
            var script = await Policyctl.RunHereAsync("completion", "zsh");

            Assert.StartsWith("#compdef policyctl\n", script.Text, StringComparison.Ordinal);
            Assert.Contains("\"[suggest:${#line}]\"", script.Text, StringComparison.Ordinal);
            return;
        }

        var run = await Shell(Zsh, """
            compdef() { print -r -- "compdef $*"; }
            compadd() { shift; print -r -- ${(P)1}; }
            source <(policyctl completion zsh)
            words=(policyctl policy lint --format s); CURRENT=5; PREFIX=s
            _policyctl
            """);

        Assert.Equal(("", "compdef _policyctl policyctl\nsarif\n"), (run.Error, run.Text));
        Assert.NotEmpty(how);
    }

    private static Task<Run> Shell(string shell, string script)
    {
        var policyctl = Policyctl.StartInfo([], []);
        script = $"policyctl() {{ '{policyctl.FileName}' '{policyctl.ArgumentList[0]}' \"$@\"; }}\n{script}";
        var start = new ProcessStartInfo(shell, shell.EndsWith("zsh", StringComparison.Ordinal) ? ["-f", "-c", script] : ["--norc", "--noprofile", "-c", script])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return Policyctl.RunAsync(start);
    }

    private static string? OnPath(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}
