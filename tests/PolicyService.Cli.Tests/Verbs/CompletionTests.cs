using System.Diagnostics;
using PolicyService.Cli.Tests.Running;

namespace PolicyService.Cli.Tests.Verbs;

/// <summary>The completion function of bash, called as bash calls it, with the real policyctl behind it.</summary>
public sealed class CompletionTests
{
    [Theory]
    [InlineData("policyctl ", "access attestor completion demo doctor evaluate export import payload policy tree verify version")]
    [InlineData("policyctl ev", "evaluate")]
    [InlineData("policyctl policy ", "history lint")]
    [InlineData("policyctl attestor ", "pin")]
    [InlineData("policyctl policy lint --f", "--format")]
    [InlineData("policyctl policy lint --format ", "json sarif text")]
    [InlineData("policyctl completion ", "bash zsh")]
    [InlineData("policyctl verify attestation --algorithm ED", "ED25519")]
    [InlineData("policyctl evaluate --policies ", "")]
    public async Task Bash_completes(string line, string expected)
    {
        var run = await Bash($$"""
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
        var run = await Bash("source <(policyctl completion bash); complete -p policyctl");

        Assert.Equal("complete -o default -F _policyctl policyctl\n", run.Text);
    }

    private static Task<Run> Bash(string script)
    {
        var policyctl = Policyctl.StartInfo([], []);
        script = $"policyctl() {{ '{policyctl.FileName}' '{policyctl.ArgumentList[0]}' \"$@\"; }}\n{script}";
        return Policyctl.RunAsync(new ProcessStartInfo("bash", ["--norc", "--noprofile", "-c", script])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        });
    }
}
