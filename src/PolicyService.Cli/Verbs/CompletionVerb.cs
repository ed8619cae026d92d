using System.CommandLine;
using PolicyService.Cli.Inputs;
using PolicyService.Cli.Outputs;

namespace PolicyService.Cli.Verbs;

/// <summary><c>policyctl completion bash|zsh</c>: a script that asks policyctl itself what may come next.</summary>
internal static class CompletionVerb
{
    /// <summary>
    /// Words come from the directive `[suggest]` of the parser, so they never lag behind it. Where it has none the shell completes
    /// files. The lines are split at newlines alone and never evaluated.
    /// </summary>
    private const string Bash = """
        # bash completion for policyctl; try it with: source <(policyctl completion bash)
        _policyctl() {
          local word=${COMP_WORDS[COMP_CWORD]} candidate
          COMPREPLY=()
          while IFS= read -r candidate; do
            if [[ -n $candidate && $candidate == "$word"* ]]; then COMPREPLY+=("$candidate"); fi
          done < <("${COMP_WORDS[0]}" "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null)
        }
        complete -o default -F _policyctl policyctl

        """;

    private const string Zsh = """
        #compdef policyctl
        # zsh completion for policyctl; try it with: source <(policyctl completion zsh)
        _policyctl() {
          local line="${words[1,CURRENT]}"
          local -a candidates
          candidates=("${(@f)$("${words[1]}" "[suggest:${#line}]" "$line" 2>/dev/null)}")
          candidates=(${(M)candidates:#${PREFIX}*})
          if (( ${#candidates} )); then compadd -a candidates; else _files; fi
        }
        if [[ ${funcstack[1]} == _policyctl ]]; then _policyctl "$@"; else compdef _policyctl policyctl; fi

        """;

    public static Command Create(Terminal terminal)
    {
        var shell = new Argument<string>("SHELL") { Description = "bash or zsh" };
        shell.OneOf("bash", "zsh");
        var verb = new Verb(
            "completion",
            "Prints a script that completes policyctl's verbs and options in a shell.",
            """
            policyctl completion bash > ~/.local/share/bash-completion/completions/policyctl
            policyctl completion zsh > "${fpath[1]}/_policyctl"
            """);
        verb.Add(shell);
        verb.SetAction(parsed => terminal.Text.Write((parsed.GetValue(shell) == "bash" ? Bash : Zsh).ReplaceLineEndings("\n")));
        return verb;
    }
}
