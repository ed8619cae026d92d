using System.Globalization;
using PolicyService.Core.Attestors;
using PolicyService.Core.Documents;
using PolicyService.Core.Verification.Pgp;

namespace PolicyService.Core.Linting;

/// <summary>What can be wrong with an attestor that is well-formed.</summary>
internal static class AttestorRules
{
    /// <summary>NIST SP 800-131A allows 112 bits of strength, which is RSA with 2,048 bits, until the end of 2030; 3,072 bits have 128.</summary>
    private const int StrongRsaBits = 3072;

    /// <summary>How long before its end a key is spoken of: time to make another and to attest anew what runs.</summary>
    private static readonly TimeSpan ExpiryNotice = TimeSpan.FromDays(30);

    private static readonly string[] NoteFields = ["userOwnedGrafeasNote", "userOwnedDrydockNote"];

    public static IEnumerable<LintFinding> Lint(LintedFile file, Attestor attestor, LintedDirectory directory) =>
        Use(file, attestor, directory).Concat(Usable(file, attestor, directory.Time)).Concat(Keys(file, attestor, directory.Time)).Concat(Shared(file, attestor, directory));

    private static Mark MarkOfKeys(LintedFile file, params ReadOnlySpan<string> rest)
    {
        var field = NoteFields.FirstOrDefault(name => NodePath.Find(file.Tree, name) is not null) ?? NoteFields[0];
        return NodePath.MarkOf(file.Tree, [field, "publicKeys", .. rest]);
    }

    private static IEnumerable<LintFinding> Use(LintedFile file, Attestor attestor, LintedDirectory directory)
    {
        if (directory.HasPolicies && !directory.UsedAttestors.Contains(attestor.Name))
        {
            yield return file.Finding(LintRule.UnusedAttestor, NodePath.MarkOf(file.Tree, "name"), $"no rule names {attestor.Name}", "name it in requireAttestationsBy, or delete the file");
        }
    }

    private static IEnumerable<LintFinding> Usable(LintedFile file, Attestor attestor, DateTimeOffset time)
    {
        if (attestor.Keys.Count == 0)
        {
            yield return file.Finding(LintRule.AttestorWithoutKeys, MarkOfKeys(file), $"{attestor.Name} has no keys, so nothing satisfies it", "add a public key");
        }
        else if (attestor.Keys.All(key => key.Problem is not null))
        {
            yield return file.Finding(LintRule.AttestorUnusable, MarkOfKeys(file), $"no key of {attestor.Name} is usable", "replace the keys; every rule that needs the attestor is a POLICY_CONFIG_ERROR");
        }
        else if (attestor.Keys.All(key => key.Problem is not null || !Holds(key, time)))
        {
            yield return file.Finding(LintRule.AttestorUnusable, MarkOfKeys(file), $"no key of {attestor.Name} holds now, so nothing satisfies it", "add a key that holds, and attest with it what is to run");
        }
    }

    private static IEnumerable<LintFinding> Keys(LintedFile file, Attestor attestor, DateTimeOffset time)
    {
        for (var index = 0; index < attestor.Keys.Count; index++)
        {
            var key = attestor.Keys[index];
            var mark = MarkOfKeys(file, PolicyLinter.Number(index));
            if (Weakness(key) is { } why)
            {
                yield return file.Finding(LintRule.WeakKey, mark, $"the key `{key.Id}` is {why}", "plan for an ECDSA_P256_SHA256 or ED25519 key");
            }

            if (!Holds(key, time))
            {
                yield return file.Finding(LintRule.KeyExpired, mark, $"the key `{key.Id}` verifies nothing now: it {Explain(Signers(key), time)}", "extend it with `gpg --quick-set-expire` and export it again, or replace it");
            }
            else if (Signers(key).Select(signer => signer.Period.Until).Where(until => until > time && until - time <= ExpiryNotice).Order().FirstOrDefault() is var end && end != default)
            {
                yield return file.Finding(
                    LintRule.KeyExpiresSoon, mark, $"the key `{key.Id}`, or a subkey of it, expires at {Text(end)}; its attestations count no more then", "extend it with `gpg --quick-set-expire` and export it again, or add another and attest anew what runs");
            }
        }
    }

    /// <summary>The PGP keys of a block that may sign; a key of any other form has none, and no end.</summary>
    private static IEnumerable<PgpSigner> Signers(AttestorKey key) => key.Key is PgpKey pgp ? pgp.Signers.Where(signer => signer.Problem is null) : [];

    private static bool Holds(AttestorKey key, DateTimeOffset time) => key.Key is not PgpKey || Signers(key).Any(signer => signer.Period.Contains(time));

    /// <summary>Of several that hold no more, the one that held longest.</summary>
    private static string Explain(IEnumerable<PgpSigner> signers, DateTimeOffset time)
    {
        var period = signers.Select(signer => signer.Period).MaxBy(period => period.Until);
        return period.Until <= period.From ? "holds at no time" : time < period.From ? $"does not hold before {Text(period.From)}" : $"expired at {Text(period.Until)}";
    }

    private static string Text(DateTimeOffset time) => time.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static string? Weakness(AttestorKey key)
    {
        var bits = key switch
        {
            { Key: PublicKey known } => RsaBits(known.Algorithm),
            { Remote: { } remote } => RsaBits(remote.Algorithm),
            { Key: PgpKey pgp } => pgp.RsaBits,
            _ => null,
        };
        return bits < StrongRsaBits ? string.Create(CultureInfo.InvariantCulture, $"RSA with {bits:N0} bits, which NIST allows until 2030 only") : null;
    }

    private static int? RsaBits(SignatureAlgorithm algorithm) => algorithm is SignatureAlgorithm.RsaPss2048Sha256 or SignatureAlgorithm.RsaPkcs1With2048Sha256 ? 2048 : null;

    private static IEnumerable<LintFinding> Shared(LintedFile file, Attestor attestor, LintedDirectory directory)
    {
        if (directory.SharingWith(attestor) is { Count: > 0 } others)
        {
            var more = others.Count == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $" and {others.Count - 1} more");
            yield return file.Finding(LintRule.SharedKey, MarkOfKeys(file), $"{attestor.Name} and {others[0]}{more} share a key, so one signer speaks for all of them", "give each attestor a key of its own");
        }
    }
}
