using PolicyService.Core.Documents;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Linting;

/// <summary>What can be wrong with options that are well-formed.</summary>
internal static class OptionsRules
{
    public static IEnumerable<LintFinding> Lint(LintedFile file, LintedDirectory directory) =>
        FailOpen(file).Concat(Revocations(file, directory)).Concat(Attestors(file, directory));

    private static IEnumerable<LintFinding> FailOpen(LintedFile file)
    {
        const string Field = "failMode";
        var node = NodePath.Find(file.Tree, Field);
        if (NodePath.Text(node) == "OPEN")
        {
            yield return Finding(NodePath.MarkOf(file.Tree, Field), "");
        }

        foreach (var entry in NodePath.Entries(node).Where(entry => NodePath.Text(entry.Value) == "OPEN"))
        {
            yield return Finding(entry.Mark, $" for {entry.Key}");
        }

        LintFinding Finding(Mark mark, string platform) => file.Finding(
            LintRule.FailOpen, mark, $"`failMode: OPEN`{platform} admits images unchecked whenever the service or its store fails", "write CLOSED, unless an outage costs more there than an image that nobody vouched for");
    }

    private static IEnumerable<LintFinding> Revocations(LintedFile file, LintedDirectory directory)
    {
        foreach (var revocation in NodePath.Items(NodePath.Find(file.Tree, "revocations")))
        {
            var name = NodePath.Text(NodePath.Find(revocation, "attestor"));
            if (AttestorName.TryParse(name, out var attestor) && !directory.Attestors.Contains(attestor))
            {
                yield return file.Finding(
                    LintRule.RevocationOfNobody, NodePath.MarkOf(revocation, "attestor"), $"{name} does not exist, so this revokes nothing", "mend the attestor's name, or remove the revocation");
            }
        }
    }

    private static IEnumerable<LintFinding> Attestors(LintedFile file, LintedDirectory directory)
    {
        foreach (var entry in NodePath.Entries(NodePath.Find(file.Tree, "attestors")))
        {
            if (AttestorName.TryParse(entry.Key, out var attestor) && !directory.Attestors.Contains(attestor))
            {
                yield return file.Finding(LintRule.OptionsOfNobody, entry.Mark, $"{entry.Key} does not exist, so its options hold for nobody", "mend the attestor's name, or remove its options");
            }
        }
    }
}
