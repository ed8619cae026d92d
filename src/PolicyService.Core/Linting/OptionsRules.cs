using PolicyService.Core.Documents;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Linting;

/// <summary>What can be wrong with options that are well-formed.</summary>
internal static class OptionsRules
{
    public static IEnumerable<LintFinding> Lint(LintedFile file, LintedDirectory directory) =>
        FailOpen(file).Concat(Revocations(file, directory)).Concat(Attestors(file, directory)).Concat(Registries(file)).Concat(Ages(file, directory));

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

    private static IEnumerable<LintFinding> Registries(LintedFile file)
    {
        const string Sources = "evidenceSources";
        if (file.Parsed.Content is not ProjectOptions options)
        {
            yield break;
        }

        var nodes = NodePath.Entries(NodePath.Find(file.Tree, "attestors")).Select(entry => entry.Value).Append(file.Tree);
        foreach (var node in options.Registries.Count > 0 ? [] : nodes.Where(node => NodePath.Items(NodePath.Find(node, Sources)).Any(source => NodePath.Text(source) == "REGISTRY")))
        {
            yield return file.Finding(LintRule.RegistryOfNobody, NodePath.MarkOf(node, Sources), "REGISTRY is a source, and `registries` lists no host, so none is asked", "list the hosts that may be asked, or remove REGISTRY");
        }

        foreach (var node in NodePath.Items(NodePath.Find(file.Tree, "registries")))
        {
            if (NodePath.Text(NodePath.Find(node, "host")) is { } text && RegistryOptions.TryParseHost(text, out var host)
                && options.Registries.TryGetValue(host, out var registry) && registry is { IsInsecure: true, Credentials: not RegistryCredentials.None })
            {
                yield return file.Finding(LintRule.CredentialsInClear, NodePath.MarkOf(node, "insecure"), $"`{Shown.Value(text)}` gets credentials over plain HTTP", "give the registry TLS (--Registries:Ca trusts an authority of your own), or remove `credentials`");
            }
        }
    }

    private static IEnumerable<LintFinding> Ages(LintedFile file, LintedDirectory directory)
    {
        if (file.Parsed.Content is not ProjectOptions options)
        {
            yield break;
        }

        foreach (var attestor in directory.UsedAttestors.Where(directory.Attestors.Contains).Where(attestor => options.MaxAgeOf(attestor) is not null && options.SourcesOf(attestor) is [EvidenceSource.Registry]).OrderBy(attestor => attestor.ToString(), StringComparer.Ordinal))
        {
            var own = NodePath.Find(NodePath.Find(file.Tree, "attestors"), attestor.ToString());
            var mark = NodePath.Find(own, "maxAttestationAge") is not null ? NodePath.MarkOf(own, "maxAttestationAge") : NodePath.MarkOf(file.Tree, "maxAttestationAge");
            yield return file.Finding(LintRule.NeverYoung, mark, $"{attestor} takes signatures of registries alone, and nobody knows how old they are", "let it take GRAFEAS too, or remove maxAttestationAge for it");
        }
    }
}
