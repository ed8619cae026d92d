using System.Text.RegularExpressions;

namespace PolicyService.Core.Tests.Cases;

/// <summary>Which attack numbers of the project's list a case folder answers; a trailing <c>*</c> stands for any ending.</summary>
internal static class CaseAttacks
{
    private static readonly (string Attack, string[] Cases)[] Table =
    [
        ("1", ["image-tag-is-no-digest", "image-neither-tag-nor-digest", "image-tag-two-attestors"]),
        ("2", ["image-tag-under-always-allow", "allowlist-star-covers-tag", "allowlist-exact-tag"]),
        ("3", ["image-tag-and-digest-attested", "image-tag-and-other-digest"]),
        ("6", ["image-sha512-is-no-digest", "image-sha384-is-no-digest", "image-other-algorithm-is-no-digest", "image-invalid-*"]),
        ("13", ["image-spelled-*", "image-short-name-attested", "image-short-name-with-organisation"]),
        ("14", ["image-host-in-upper-case", "image-port-is-part-of-the-host", "image-invalid-percent-encoded", "image-invalid-look-alike-letter"]),
        ("15", ["resource-without-scheme", "resource-with-http"]),
        ("16", ["digest-covers-any-repository", "bind-*"]),
        ("17", ["allowlist-star-*"]),
        ("18", ["allowlist-double-star-*"]),
        ("19", ["allowlist-double-star-covers-evil-sibling", "allowlist-double-star-behind-slash-spares-evil-sibling"]),
        ("20", ["allowlist-exact-*"]),
        ("25", ["allowlist-dot-is-literal"]),
        ("31", ["no-policy-two-rule-maps"]),
        ("32", ["rule-cluster-*", "cluster-invalid-*"]),
        ("34", ["cluster-unlisted-gets-the-default-rule", "rule-cluster-other", "cluster-unknown"]),
        ("35", ["no-policy-*"]),
        ("37", ["no-policy-document-refused"]),
        ("39", ["platform-scope-*", "platform-signing-scope-*"]),
        ("40", ["platform-scope-only-the-most-specific-counts"]),
        ("41", ["platform-allowlist-of-another-set", "platform-allowlist-of-one-check-spares-only-it", "platform-allowlist-does-not-exempt-from-project", "platform-project-allowlist-does-not-exempt"]),
        ("42", ["attestors-two-*"]),
        ("43", ["attestors-shared-key-one-note-twice", "key-id-two-for-one-key-is-one-attestor", "attestors-same-one-listed-twice"]),
        ("44", ["attestors-shared-key-*"]),
        ("45", ["note-of-another-attestor", "note-of-same-id-in-another-project", "platform-signing-does-not-spare-the-attestor"]),
        ("46", ["key-id-unknown", "key-id-unknown-though-key-is-right", "key-id-in-other-case", "key-id-percent-encoded"]),
        ("47", ["attestors-key-id-twice"]),
        ("48", ["key-id-of-the-other-key", "key-id-swapped-between-keys", "signature-by-stranger-under-our-key-id", "platform-signing-wrong-key-under-our-id"]),
        ("49", ["attestors-without-keys", "attestors-without-keys-dry-run"]),
        ("50", ["signatures-bad-then-good", "signatures-good-then-bad", "signatures-one-good-ninety-nine-bad", "signatures-bad-attestation-newer-than-good"]),
        ("51", ["attestors-all-keys-unusable", "algorithm-declared-larger-than-key"]),
        ("52", ["algorithm-p*-signature-*", "signature-trailing-byte", "signature-empty"]),
        ("53", ["jwt-*"]),
        ("54", ["pgp-attached-is-another-payload", "pgp-cleartext", "pgp-key-expired", "pgp-key-revoked*", "pgp-signature-expired"]),
        ("55", ["payload-*"]),
        ("56", ["payload-type-missing", "payload-unknown-type", "payload-cosign-type-in-an-occurrence", "inline-cosign-type"]),
        ("57", ["digest-of-another-image-replayed", "digest-resource-of-another-image", "inline-of-another-digest", "platform-signing-*-digest"]),
        ("58", ["signature-over-pae*", "jwt-over-pae", "jwt-as-a-signature", "signature-list-empty"]),
        ("59", ["payload-not-json", "payload-empty"]),
        ("95", ["attestation-file-malformed-is-skipped", "attestors-document-refused", "documents-options-refused"]),
        ("99", ["break-glass-annotation-alone-does-nothing", "break-glass-label-alone-does-nothing"]),
        ("100", ["break-glass-over-conformant", "break-glass-over-allowlisted"]),
        ("101", ["break-glass-over-*"]),
        ("103", ["break-glass-with-empty-justification"]),
        ("104", ["mode-*-dry-run", "image-tag-is-no-digest-dry-run", "attestors-*-dry-run", "platform-always-deny-dry-run"]),
        ("105", ["attestors-dangling-dry-run", "attestors-all-keys-unusable-dry-run", "platform-dangling-dry-run", "documents-options-refused-dry-run"]),
        ("118", ["platform-unavailable-vulnerabilityCheck"]),
        ("120", ["platform-non-conformant-beats-error", "platform-unavailable-*", "platform-signing-non-conformant-beats-error", "attestors-dangling-beside-unsatisfied"]),
        ("121", ["platform-checks-empty", "platform-check-sets-empty", "platform-always-deny-enforced"]),
    ];

    /// <summary>Names in the table that no case has.</summary>
    public static IEnumerable<string> Unmatched(IEnumerable<string> names) =>
        Table.SelectMany(row => row.Cases).Where(pattern => !names.Any(name => Matches(pattern, name)));

    public static TheoryDataRow<string> RowOf(string name)
    {
        var row = new TheoryDataRow<string>(name);
        foreach (var (attack, _) in Table.Where(row => row.Cases.Any(pattern => Matches(pattern, name))))
        {
            row.WithTrait("attack", attack);
        }

        return row;
    }

    private static bool Matches(string pattern, string name) =>
        Regex.IsMatch(name, $"^{Regex.Escape(pattern).Replace("\\*", ".*", StringComparison.Ordinal)}$", RegexOptions.CultureInvariant);
}
