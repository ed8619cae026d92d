using System.Globalization;
using PolicyService.Core.Documents;

namespace PolicyService.Core.Linting;

/// <summary>Finds a value in a document again, to say where it stands.</summary>
internal static class NodePath
{
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
                case MappingNode mapping when mapping.Entries.FirstOrDefault(entry => entry.Key == step) is { } entry:
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
                MappingNode mapping => mapping.Entries.FirstOrDefault(entry => entry.Key == step)?.Value,
                SequenceNode sequence when int.TryParse(step, CultureInfo.InvariantCulture, out var index) && index < sequence.Items.Count => sequence.Items[index],
                _ => null,
            };
        }

        return node;
    }

    public static IReadOnlyList<DocumentNode> Items(DocumentNode? node) => node is SequenceNode sequence ? sequence.Items : [];

    public static IReadOnlyList<MappingEntry> Entries(DocumentNode? node) => node is MappingNode mapping ? mapping.Entries : [];

    public static string Text(DocumentNode? node) => node is ScalarNode { IsNull: false } scalar ? scalar.Text : "";
}
