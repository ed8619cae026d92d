using System.Text;
using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;

namespace PolicyService.Cli.Tests.Deploy;

/// <summary>
/// The little of Helm's templates that the chart uses: values by path, the release's namespace, <c>if</c>, <c>range</c>, <c>.</c> and <c>end</c>. Anything else fails.
/// </summary>
internal sealed partial class ChartRenderer(YamlMappingNode values, string releaseNamespace)
{
    public string Render(string template)
    {
        var output = new StringBuilder();
        var parts = Tokens(template);
        var position = 0;
        Block(parts, ref position, output, null, writes: true);
        return position == parts.Count ? output.ToString() : throw new FormatException("an `end` too many");
    }

    /// <summary>Texts and actions in turn; `{{-` takes the white space before it away.</summary>
    private static List<(bool IsAction, string Text)> Tokens(string template)
    {
        var tokens = new List<(bool, string)>();
        var start = 0;
        foreach (Match action in Action().Matches(template))
        {
            var text = template[start..action.Index];
            tokens.Add((false, action.Groups["trim"].Length > 0 ? text.TrimEnd() : text));
            tokens.Add((true, action.Groups["action"].Value));
            start = action.Index + action.Length;
        }

        tokens.Add((false, template[start..]));
        return tokens.Any(token => token is (false, var text) && (text.Contains("{{", StringComparison.Ordinal) || text.Contains("}}", StringComparison.Ordinal)))
            ? throw new FormatException("an action that is not understood")
            : tokens;
    }

    private void Block(List<(bool IsAction, string Text)> tokens, ref int position, StringBuilder output, string? item, bool writes)
    {
        for (; position < tokens.Count; position++)
        {
            var (isAction, text) = tokens[position];
            switch (isAction ? text.Split(' ') : [])
            {
                case []:
                    output.Append(writes ? text : "");
                    break;
                case ["end"]:
                    return;
                case ["if", var path]:
                    position++;
                    Block(tokens, ref position, output, item, writes && Scalar(path) == "true");
                    break;
                case ["range", var path]:
                    var start = ++position;
                    var list = ((YamlSequenceNode)Node(path)).Children.Select(child => ((YamlScalarNode)child).Value!).ToList();
                    Block(tokens, ref position, new StringBuilder(), "", writes: false);
                    foreach (var entry in list)
                    {
                        position = start;
                        Block(tokens, ref position, output, entry, writes);
                    }

                    break;
                case ["."] when item is not null:
                    output.Append(writes ? item : "");
                    break;
                case [".Release.Namespace"]:
                    output.Append(writes ? releaseNamespace : "");
                    break;
                case [var path]:
                    output.Append(writes ? Scalar(path) : "");
                    break;
                default:
                    throw new FormatException($"`{text}` is not understood");
            }
        }
    }

    private string Scalar(string path) => ((YamlScalarNode)Node(path)).Value!;

    private YamlNode Node(string path) => path.StartsWith(".Values.", StringComparison.Ordinal)
        ? path[".Values.".Length..].Split('.').Aggregate((YamlNode)values, (node, name) => node[name])
        : throw new FormatException($"`{path}` is no value");

    [GeneratedRegex(@"\{\{(?<trim>-?) (?<action>[a-z]* ?\.[A-Za-z.]*|end) \}\}")]
    private static partial Regex Action();
}
