using System.Diagnostics;
using PolicyService.Cli.Tests.Running;

namespace PolicyService.Cli.Tests.Verbs;

/// <summary>Completion as a person has it: keys typed at the prompt of an interactive shell, which zsh runs in a pseudo-terminal.</summary>
public sealed class TypedCompletionTests : IDisposable
{
    private const string Patience = "180"; // seconds: several starts of .NET, on a machine that does much else

    /// <summary>
    /// Starts the shell, waits for its prompt, types and reads until the mark. The words that would complete are printed by a widget
    /// that stands where the menu of completions does; what it is given is what zsh itself would show.
    /// </summary>
    private const string Type = """
        zmodload zsh/zpty
        cd -- "$WORK"
        zpty shell "$@"
        zpty -w shell "source '$SETUP'"
        zpty -r shell out '*THE-PROMPT*' || exit 9
        zpty -w -n shell "$KEYS"
        zpty -r shell out '*THE-END*' || exit 9
        print -r -- "$out"
        zpty -d shell
        """;

    private const string SetUpZsh = """
        LISTMAX=0 PS1= RPS1=
        autoload -Uz compinit
        compinit -u -d "$ZDOTDIR/dump"
        if [[ -n $SOURCED ]]; then source <(policyctl completion zsh); fi
        compadd() {
          if (( ! ${@[(I)-[OADx]*]} )); then
            local -a words
            builtin compadd -A words "$@"
            print -rl -- "word:"$^words
          fi
          builtin compadd "$@"
        }
        words-here() { print; _main_complete; print -r -- THE-END }
        zle -C words-here list-choices words-here
        bindkey '^Xw' words-here
        shown() { print -r -- "line:$*"; print -r -- THE-END }
        zle-line-init() { print -r -- THE-PROMPT }
        zle -N zle-line-init

        """;

    private const string SetUpBash = """
        source <(policyctl completion bash)
        shown() { printf 'line:%s\nTHE-%s\n' "$*" END; }
        PS1='THE-PROMPT'

        """;

    private readonly Folder _folder = new();

    public TypedCompletionTests()
    {
        _folder.Write("work/policies-here/policy.yaml", "");
        _folder.Write("work/words.txt", "");
    }

    public static TheoryData<string, string> Words => new()
    {
        { "policyctl ", "access attestor completion demo doctor evaluate export import payload policy tree verify version" },
        { "policyctl ev", "evaluate" },
        { "policyctl policy l", "lint" },
        { "policyctl policy lint --f", "--format" },
        { "policyctl policy lint --format ", "json sarif text" },
        { "policyctl policy lint --format s", "sarif" },
        { "policyctl completion ", "bash zsh" },
        { "policyctl verify attestation --algorithm ED", "ED25519" },
        { "policyctl evaluate --policies pol", "policies-here" }, // no words: the shell's own files
    };

    public void Dispose() => _folder.Dispose();

    [Theory, MemberData(nameof(Words))]
    public async Task Zsh_offers_the_words_that_fit(string typed, string expected) =>
        Assert.Equal(expected, string.Join(' ', (await InZsh("sourced", $"{typed}\u0018w", "word:")).Where(word => !word.StartsWith('-') || typed.Contains('-', StringComparison.Ordinal))));

    [Theory]
    [InlineData("sourced", "policyctl ev", "policyctl evaluate")]
    [InlineData("in fpath", "policyctl ev", "policyctl evaluate")]
    [InlineData("in fpath", "policyctl policy lint --format s", "policyctl policy lint --format sarif")]
    [InlineData("in fpath", "policyctl policy lint pol", "policyctl policy lint policies-here")]
    public async Task Zsh_completes_at_the_press_of_tab(string how, string typed, string expected) =>
        Assert.Equal(expected, Assert.Single(await InZsh(how, $"{typed}\t\u0001shown \r", "line:")));

    [Theory]
    [InlineData("policyctl ev", "policyctl evaluate")]
    [InlineData("policyctl policy lint --format s", "policyctl policy lint --format sarif")]
    [InlineData("policyctl policy lint pol", "policyctl policy lint policies-here/")]
    public async Task Bash_completes_at_the_press_of_tab(string typed, string expected) =>
        Assert.Equal(expected, Assert.Single(await Typed("bash --norc --noprofile -i", SetUpBash, $"{typed}\t\u0001shown \r", "line:")));

    private async Task<string[]> InZsh(string how, string keys, string mark)
    {
        var isSourced = how == "sourced";
        if (!isSourced)
        {
            _folder.Write("functions/_policyctl", (await Policyctl.RunHereAsync("completion", "zsh")).Output);
        }

        var setUp = isSourced ? "SOURCED=1\n" : $"fpath=('{_folder["functions"]}' $fpath)\n";
        return await Typed("zsh -f -i", setUp + SetUpZsh, keys, mark);
    }

    /// <summary>The lines that begin with the mark, sorted, each once.</summary>
    private async Task<string[]> Typed(string shell, string setUp, string keys, string mark)
    {
        var policyctl = Policyctl.StartInfo([], []);
        var start = new ProcessStartInfo("timeout", ["--kill-after=9", Patience, "zsh", "-f", "-c", Type, "-", .. shell.Split(' ')])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["ZDOTDIR"] = _folder.Path;
        start.Environment["WORK"] = _folder["work"];
        start.Environment["KEYS"] = keys;
        start.Environment["TERM"] = "dumb";
        start.Environment["SETUP"] = _folder.Write("setup", $"policyctl() {{ '{policyctl.FileName}' '{policyctl.ArgumentList[0]}' \"$@\"; }}\n{setUp}");

        var run = await Policyctl.RunAsync(start);

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        return [.. run.Text.Split('\n', '\r').Where(line => line.StartsWith(mark, StringComparison.Ordinal)).Select(line => line[mark.Length..].Trim()).Distinct().Order(StringComparer.Ordinal)];
    }
}
