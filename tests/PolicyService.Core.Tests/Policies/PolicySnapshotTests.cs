using PolicyService.Core.Attestors;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Core.Tests.Documents;

namespace PolicyService.Core.Tests.Policies;

/// <summary>What is compiled once per version of the documents.</summary>
public sealed class PolicySnapshotTests
{
    private const string Empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    private const string Policy = """
        name: projects/p/policy
        defaultAdmissionRule:
          evaluationMode: REQUIRE_ATTESTATION
          enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG
          requireAttestationsBy: [projects/p/attestors/a, projects/p/attestors/gone, projects/p/attestors/a]
        """;
    private const string Kms = "//cloudkms.googleapis.com/v1/projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1";
    private const string Attestor = $"name: projects/p/attestors/a\nuserOwnedGrafeasNote: {{noteReference: projects/p/notes/n, publicKeys: [{{id: {Kms}}}]}}\n";

    [Fact]
    public void Build_resolves_the_attestors_of_a_rule_once_each()
    {
        var required = Required(("policy.yaml", Policy), ("attestors/a.yaml", Attestor), ("options.yaml", $"pinnedKeys: {{{Kms}: \"{Empty}\"}}\nmaxAttestationAge: 1h\n"));

        Assert.Equal(["projects/p/attestors/a", "projects/p/attestors/gone"], required.Select(one => one.Name.ToString()));
        Assert.True(required[0] is { Problem: null, Attestor.Keys: [{ Remote: { Pin: not null, RevokeOnDisable: false } }], Sources: [EvidenceSource.Grafeas] });
        Assert.Equal(Empty, required[0].Attestor!.Keys[0].Remote!.Pin.ToString());
        Assert.Equal(TimeSpan.FromHours(1), required[0].MaxAge);
        Assert.True(required[1] is { Problem: "the attestor does not exist", Attestor: null });
    }

    [Fact]
    public void Build_leaves_a_remote_key_without_pin_in_the_projects_own_options_unpinned()
    {
        var required = Required(("policy.yaml", Policy), ("attestors/a.yaml", Attestor), ("projects/q/options.yaml", $"pinnedKeys: {{{Kms}: \"{Empty}\"}}\n"));

        Assert.True(required[0] is { Problem: null, Attestor.Keys: [{ Remote: { Pin: null } }] });
    }

    [Fact]
    public void Build_finds_the_pin_whatever_spelling_the_key_has_on_either_side()
    {
        var cosign = Kms.Replace(KmsKeyName.BinaryAuthorizationPrefix, KmsKeyName.CosignPrefix, StringComparison.Ordinal);
        foreach (var (id, pinned) in new[] { (Kms, cosign), (cosign, Kms), (cosign.Replace("cryptoKeyVersions", "versions", StringComparison.Ordinal), cosign) })
        {
            var required = Required(
                ("policy.yaml", Policy), ("attestors/a.yaml", Attestor.Replace(Kms, id, StringComparison.Ordinal)),
                ("options.yaml", $"pinnedKeys: {{{pinned}: \"{Empty}\"}}\nrevokeOnKmsDisable: true\n"));

            Assert.True(required[0].Attestor!.Keys is [{ Remote: { Pin: not null, RevokeOnDisable: true } remote, Id: var kept }] && remote.Name.ToString() == Kms && kept.ToString() == id);
        }
    }

    [Fact]
    public void AttestationsOf_gives_the_newest_first_and_those_of_unknown_age_last()
    {
        var snapshot = Snapshot(
            ("attestations/1.yaml", Occurrence("old", "2026-01-01T00:00:00Z")), ("attestations/2.yaml", Occurrence("unknown", null)),
            ("projects/q/attestations/3.yaml", Occurrence("new", "2026-03-01T00:00:00Z")), ("attestations/4.yaml", Occurrence("middle", "2026-02-01T00:00:00Z")));
        Assert.True(NoteName.TryParse("projects/p/notes/n", out var note));
        Assert.True(Digest.TryParse(Empty, out var digest));

        Assert.Equal(["new", "middle", "old", "unknown"], snapshot.AttestationsOf(note, digest).Select(attestation => attestation.Name));
        Assert.Empty(snapshot.AttestationsOf(note, Digest.Of("other"u8)));
        Assert.True(NoteName.TryParse("projects/q/notes/n", out var other));
        Assert.Empty(snapshot.AttestationsOf(other, digest));
    }

    private static string Occurrence(string name, string? created) => $$"""
        name: {{name}}
        noteName: projects/p/notes/n
        resourceUri: r.example/a@{{Empty}}
        {{(created is null ? "" : $"createTime: {created}")}}
        attestation: {serializedPayload: cA==}
        """;

    private static IReadOnlyList<RequiredAttestor> Required(params (string Path, string Text)[] files) =>
        Snapshot(files).Projects["p"] is var project ? project.Rules[project.Policy!.DefaultRule].Attestors : [];

    private static PolicySnapshot Snapshot(params (string Path, string Text)[] files) => PolicySnapshot.Build(
        DocumentFiles.Assemble([.. files.Select(file => Reading.Of(file.Path, file.Text))], []), generation: 1);
}
