using System.Collections.Frozen;
using System.Globalization;
using System.Runtime.CompilerServices;
using PolicyService.Core.Documents;

namespace PolicyService.Core.Linting;

/// <summary>Finds a value in a document again, to say where it stands.</summary>
internal static class NodePath
{
    /// <summary>A mapping of fewer fields is searched one by one; of more it has an index, because a policy may have ten thousands of rules.</summary>
    private const int IndexedFrom = 32;

    private static readonly ConditionalWeakTable<MappingNode, FrozenDictionary<string, MappingEntry>> Indices = [];

    /// <summary>The place of a field or item; of its nearest parent if it is not there.</summary>
    /// <param name="node">The document.</param>
    /// <param name="steps">Names of fields, or numbers of items from 0.</param>
    public static Mark MarkOf(DocumentNode? node, params ReadOnlySpan<string> steps)
    {
        var mark = node?.Mark ?? new Mark(1, 1);
        foreach (var step in steps)
        {
            switch (node)
            {
                case MappingNode mapping when EntryOf(mapping, step) is { } entry:
                    (node, mark) = (entry.Value, entry.Mark);
                    break;
                case SequenceNode sequence when int.TryParse(step, CultureInfo.InvariantCulture, out var index) && index < sequence.Items.Count:
                    node = sequence.Items[index];
                    mark = node.Mark;
                    break;
                default:
                    return mark;
            }
        }

        return mark;
    }

    /// <summary>The node at a path; null if it is not there.</summary>
    public static DocumentNode? Find(DocumentNode? node, params ReadOnlySpan<string> steps)
    {
        foreach (var step in steps)
        {
            node = node switch
            {
                MappingNode mapping => EntryOf(mapping, step)?.Value,
                SequenceNode sequence when int.TryParse(step, CultureInfo.InvariantCulture, out var index) && index < sequence.Items.Count => sequence.Items[index],
                _ => null,
            };
        }

        return node;
    }

    public static IReadOnlyList<DocumentNode> Items(DocumentNode? node) => node is SequenceNode sequence ? sequence.Items : [];

    public static IReadOnlyList<MappingEntry> Entries(DocumentNode? node) => node is MappingNode mapping ? mapping.Entries : [];

    public static string Text(DocumentNode? node) => node is ScalarNode { IsNull: false } scalar ? scalar.Text : "";

    private static MappingEntry? EntryOf(MappingNode mapping, string key) => mapping.Entries.Count < IndexedFrom
        ? mapping.Entries.FirstOrDefault(entry => entry.Key == key)
        : Indices.GetValue(mapping, large => large.Entries.DistinctBy(entry => entry.Key).ToFrozenDictionary(entry => entry.Key, StringComparer.Ordinal)).GetValueOrDefault(key);
}
