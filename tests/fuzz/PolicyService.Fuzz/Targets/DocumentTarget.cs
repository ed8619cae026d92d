using PolicyService.Core.Documents;
using PolicyService.Core.Policies;

namespace PolicyService.Fuzz.Targets;

/// <summary>
/// Documents of one kind, read as YAML and as JSON: a document or problems, never both and never neither, and what YAML says is the same
/// when it is written as JSON.
/// </summary>
internal sealed class DocumentTarget(DocumentKind kind)
{
    public void Check(byte[] content)
    {
        foreach (var file in new[] { "input.yaml", "input.json" })
        {
            var problems = Parse(file, content, out var parsed);
            var tree = new ProblemList(file);
            var nodes = DocumentText.Read(content, tree);
            Finding.Unless(nodes.Count == 0 || !tree.HasErrors, "a text with errors gave nodes");
            foreach (var node in nodes)
            {
                CheckPlaces(node, new Mark(1, 1));
                CheckRewritten(node);
            }

            if (nodes is [var only])
            {
                var again = Parse("input.json", TreeJson.Write(only), out var parsedAgain);
                Finding.Unless((parsed is null) == (parsedAgain is null), $"{file} is {(parsed is null ? "refused" : "taken")}, and is not when rewritten as JSON: {Shown(problems, again)}");
                Finding.Unless(Severities(problems).SequenceEqual(Severities(again)), $"{file} has other problems when rewritten as JSON: {Shown(problems, again)}");
            }
        }
    }

    private ProblemList Parse(string file, byte[] content, out object? parsed)
    {
        var problems = new ProblemList(file);
        parsed = DocumentFiles.Parse(new DocumentPlace(kind, ""), content, problems);
        Finding.Unless((parsed is null) == problems.HasErrors, $"{(parsed is null ? "nothing" : "a document")} and {problems.ErrorCount} errors");
        foreach (var problem in problems.Problems)
        {
            Finding.Unless(problem is { Mark: { Line: > 0, Column: > 0 }, Message.Length: > 0, Remedy.Length: > 0 }, $"a problem without place, message or remedy: {problem}");
            Finding.Unless(!problem.ToString().Any(char.IsControl), "a problem repeats a control character");
        }

        return problems;
    }

    /// <summary>Nothing stands before what it is a part of. (Of keys that are empty the library names the line before.)</summary>
    private static void CheckPlaces(DocumentNode node, Mark parent)
    {
        Finding.Unless(IsInOrder(parent, node.Mark), $"what stands at {node.Mark} is a part of what stands at {parent}");
        foreach (var entry in node is MappingNode mapping ? mapping.Entries : [])
        {
            Finding.Unless(IsInOrder(node.Mark, entry.Mark) || entry.Key.Length == 0, $"the key at {entry.Mark} is a part of what stands at {node.Mark}");
            CheckPlaces(entry.Value, node.Mark);
        }

        foreach (var item in node is SequenceNode sequence ? sequence.Items : [])
        {
            CheckPlaces(item, node.Mark);
        }
    }

    private static bool IsInOrder(Mark first, Mark second) => first.Line < second.Line || (first.Line == second.Line && first.Column <= second.Column);

    private static void CheckRewritten(DocumentNode node)
    {
        var problems = new ProblemList("input.json");
        var again = DocumentText.Read(TreeJson.Write(node), problems);
        Finding.Unless(!problems.HasErrors && again.Count == 1, $"the tree as JSON is no JSON: {Shown(problems)}");
        Finding.Unless(TreeJson.Write(again[0]).AsSpan().SequenceEqual(TreeJson.Write(node)), "the tree as JSON is another tree");
    }

    private static IEnumerable<ProblemSeverity> Severities(ProblemList problems) => problems.Problems.Select(problem => problem.Severity);

    private static string Shown(params IEnumerable<ProblemList> problems) => string.Join(" | ", problems.SelectMany(list => list.Problems));
}
