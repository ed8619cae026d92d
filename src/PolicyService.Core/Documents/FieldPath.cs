using System.Globalization;

namespace PolicyService.Core.Documents;

/// <summary>Names a place in a document as Google's APIs name a field: <c>userOwnedGrafeasNote.publicKeys[0].id</c>.</summary>
public static class FieldPath
{
    /// <summary>The field a problem is about; empty if it is the document itself.</summary>
    /// <param name="document">The document the problem was found in.</param>
    /// <param name="problem">The problem.</param>
    public static string Of(DocumentNode document, DocumentProblem problem)
    {
        var path = Find(document, problem.Mark);
        return problem.Missing.Length == 0 ? path : Join(path, problem.Missing);
    }

    /// <summary>Goes down along the last thing that begins no later: what follows cannot hold the place, so a large document costs little.</summary>
    private static string Find(DocumentNode? node, Mark mark)
    {
        var path = "";
        while (node is not null && node.Mark != mark)
        {
            switch (node)
            {
                case MappingNode mapping when mapping.Entries.LastOrDefault(entry => !IsAfter(entry.Mark, mark)) is { } entry:
                    path = Join(path, Shown.Value(entry.Key));
                    node = entry.Mark == mark ? null : entry.Value;
                    break;
                case SequenceNode sequence when LastIndex(sequence, mark) is var index and >= 0:
                    path = string.Create(CultureInfo.InvariantCulture, $"{path}[{index}]");
                    node = sequence.Items[index];
                    break;
                default:
                    return path;
            }
        }

        return path;
    }

    private static int LastIndex(SequenceNode sequence, Mark mark)
    {
        var index = sequence.Items.Count - 1;
        while (index >= 0 && IsAfter(sequence.Items[index].Mark, mark))
        {
            index--;
        }

        return index;
    }

    private static bool IsAfter(Mark left, Mark right) => left.Line > right.Line || (left.Line == right.Line && left.Column > right.Column);

    private static string Join(string path, string field) => path.Length == 0 ? field : $"{path}.{field}";
}
