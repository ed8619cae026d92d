using System.CommandLine;
using System.CommandLine.Parsing;

namespace PolicyService.Cli.Inputs;

/// <summary>Options and arguments that take one word of a few, exactly as written, and offer them for completion.</summary>
internal static class Choices
{
    public static void OneOf(this Option<string> option, params string[] words)
    {
        option.CompletionSources.Add(words);
        option.Validators.Add(result => Check(result, option.Name, result.GetValueOrDefault<string>(), words));
    }

    public static void OneOf(this Argument<string> argument, params string[] words)
    {
        argument.CompletionSources.Add(words);
        argument.Validators.Add(result => Check(result, argument.Name, result.GetValueOrDefault<string>(), words));
    }

    private static void Check(SymbolResult result, string name, string? value, string[] words)
    {
        if (!words.Contains(value, StringComparer.Ordinal))
        {
            result.AddError($"{name}: write {string.Join(" or ", words)}");
        }
    }
}
