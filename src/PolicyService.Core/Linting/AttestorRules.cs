using PolicyService.Core.Attestors;
using PolicyService.Core.Documents;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Linting;

/// <summary>What can be wrong with an attestor that is well-formed.</summary>
internal static class AttestorRules
{
    private static readonly string[] NoteFields = ["userOwnedGrafeasNote", "userOwnedDrydockNote"];

    public static IEnumerable<LintFinding> Lint(LintedFile file, Attestor attestor, LintedFile[] all) =>
        Use(file, attestor, all).Concat(Keys(file, attestor)).Concat(Shared(file, attestor, all));

    private static Mark MarkOfKeys(LintedFile file, params ReadOnlySpan<string> rest)
    {
        var field = NoteFields.FirstOrDefault(name => NodePath.Find(file.Tree, name) is not null) ?? NoteFields[0];
        return NodePath.MarkOf(file.Tree, [field, "publicKeys", .. rest]);
    }

    private static IEnumerable<LintFinding> Use(LintedFile file, Attestor attestor, LintedFile[] all)
    {
        var policies = all.Select(other => other.Parsed.Content).OfType<Policy>().ToArray();
        var isUsed = policies.Any(policy => policy.SpecificRules.Values.Append(policy.DefaultRule).Any(rule => rule.RequireAttestationsBy.Contains(attestor.Name)));
        if (!isUsed && policies.Length > 0)
        {
            yield return file.Finding(LintRule.UnusedAttestor, NodePath.MarkOf(file.Tree, "name"), $"no rule names {attestor.Name}", "name it in requireAttestationsBy, or delete the file");
        }
    }

    private static IEnumerable<LintFinding> Keys(LintedFile file, Attestor attestor)
    {
        if (attestor.Keys.Count == 0)
        {
            yield return file.Finding(LintRule.AttestorWithoutKeys, MarkOfKeys(file), $"{attestor.Name} has no keys, so nothing satisfies it", "add a public key");
        }
        else if (attestor.Keys.All(key => key.Problem is not null))
        {
            yield return file.Finding(LintRule.AttestorUnusable, MarkOfKeys(file), $"no key of {attestor.Name} is usable", "replace the keys; every rule that needs the attestor is a POLICY_CONFIG_ERROR");
        }

        for (var index = 0; index < attestor.Keys.Count; index++)
        {
            if (attestor.Keys[index].Key is PublicKey key && Weakness(key.Algorithm) is { } why)
            {
                yield return file.Finding(LintRule.WeakKey, MarkOfKeys(file, PolicyLinter.Number(index)), $"the key `{attestor.Keys[index].Id}` is {why}", "plan for an ECDSA_P256_SHA256 or ED25519 key");
            }
        }
    }

    /// <summary>NIST SP 800-131A allows 112 bits of strength, which is RSA with 2,048 bits, until the end of 2030.</summary>
    private static string? Weakness(SignatureAlgorithm algorithm) => algorithm switch
    {
        SignatureAlgorithm.RsaPss2048Sha256 or SignatureAlgorithm.RsaPkcs1With2048Sha256 => "RSA with 2,048 bits, which NIST allows until 2030 only",
        _ => null,
    };

    private static IEnumerable<LintFinding> Shared(LintedFile file, Attestor attestor, LintedFile[] all)
    {
        foreach (var other in all.Select(candidate => candidate.Parsed.Content).OfType<Attestor>())
        {
            if (other.Name != attestor.Name && other.Material.Overlaps(attestor.Material))
            {
                yield return file.Finding(LintRule.SharedKey, MarkOfKeys(file), $"{attestor.Name} and {other.Name} share a key, so one signer speaks for both", "give each attestor a key of its own");
            }
        }
    }
}
