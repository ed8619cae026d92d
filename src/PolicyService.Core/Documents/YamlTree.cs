using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace PolicyService.Core.Documents;

/// <summary>
/// Builds the tree from YAML events. Anchors, aliases and tags are refused: no document needs them, and they are how
/// small files become large ones or mean something other than they seem to.
/// </summary>
internal static class YamlTree
{
    public static IReadOnlyList<DocumentNode> Read(string text, ProblemList problems)
    {
        var nodes = new List<DocumentNode>();
        var parser = new Parser(new StringReader(text));
        try
        {
            parser.Consume<StreamStart>();
            while (!parser.Accept<StreamEnd>(out _))
            {
                parser.Consume<DocumentStart>();
                // gcloud ends a listing with `---`, which begins a document without content.
                if (ReadNode(parser, 0, problems) is { } node && !(node.IsNull && node is ScalarNode { Text: "" }))
                {
                    nodes.Add(node);
                }

                parser.Consume<DocumentEnd>();
            }
        }
        catch (YamlException exception)
        {
            problems.Error(MarkOf(exception.Start), $"not YAML: {Shown.Value(exception.Message)}", "mend the syntax at this place");
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentException)
        {
            // The library says so of some texts that are no YAML, instead of where they cease to be it: `...` and then `?`, half a
            // surrogate pair, a tag that is no URI.
            problems.Error(MarkOf(parser.Current?.End ?? YamlDotNet.Core.Mark.Empty), "not YAML: the text is broken off or malformed", "mend the syntax behind this place");
        }

        return nodes;
    }

    private static DocumentNode? ReadNode(Parser parser, int depth, ProblemList problems)
    {
        if (parser.Accept<AnchorAlias>(out var alias))
        {
            throw new YamlException(alias!.Start, alias.End, "aliases are not taken, write the value out");
        }

        RefuseDecoration(parser.Current as NodeEvent);
        if (parser.TryConsume<Scalar>(out var scalar))
        {
            return new ScalarNode(scalar.Value, scalar.Style is not ScalarStyle.Plain, MarkOf(scalar.Start));
        }

        if (depth == Limits.Depth)
        {
            throw new YamlException(parser.Current!.Start, parser.Current.End, $"nested deeper than {Limits.Depth}");
        }

        return parser.Accept<SequenceStart>(out _) ? ReadSequence(parser, depth, problems) : ReadMapping(parser, depth, problems);
    }

    private static SequenceNode ReadSequence(Parser parser, int depth, ProblemList problems)
    {
        var start = parser.Consume<SequenceStart>();
        var items = new List<DocumentNode>();
        while (!parser.TryConsume<SequenceEnd>(out _))
        {
            if (ReadNode(parser, depth + 1, problems) is { } item)
            {
                items.Add(item);
            }
        }

        return new SequenceNode(items, MarkOf(start.Start));
    }

    private static MappingNode ReadMapping(Parser parser, int depth, ProblemList problems)
    {
        var start = parser.Consume<MappingStart>();
        var entries = new List<MappingEntry>();
        var keys = new HashSet<string>(StringComparer.Ordinal);
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            RefuseDecoration(parser.Current as NodeEvent);
            if (!parser.TryConsume<Scalar>(out var key))
            {
                throw new YamlException(parser.Current!.Start, parser.Current.End, "a key must be a string");
            }

            var mark = MarkOf(key.Start);
            if (!keys.Add(key.Value))
            {
                problems.Error(mark, $"the key `{Shown.Value(key.Value)}` stands twice", "keep one of the two");
            }

            if (ReadNode(parser, depth + 1, problems) is { } value)
            {
                entries.Add(new MappingEntry(key.Value, mark, value));
            }
        }

        // The library has no place for the mapping that `[key: value]` has without braces: it says the start of the text.
        var hasPlace = start.End.Index > 0 || entries.Count == 0;
        return new MappingNode(entries, hasPlace ? MarkOf(start.Start) : entries[0].Mark);
    }

    private static void RefuseDecoration(NodeEvent? node)
    {
        if (node is { Anchor.IsEmpty: false })
        {
            throw new YamlException(node.Start, node.End, "anchors are not taken, write the value out");
        }

        if (node is { Tag.IsEmpty: false })
        {
            throw new YamlException(node.Start, node.End, "tags are not taken, quote the value if it is a string");
        }
    }

    private static Mark MarkOf(YamlDotNet.Core.Mark mark) => new((int)mark.Line, (int)mark.Column);
}
