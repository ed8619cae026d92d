using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Core.Tests.Documents;
using PolicyService.Core.Verification;

namespace PolicyService.Core.Tests.Decisions;

/// <summary>Evidence that no directory gives: from registries, mislaid, or not collected at all.</summary>
public sealed class EvaluatorTests
{
    private const string Policy = """
        name: projects/p/policy
        defaultAdmissionRule:
          evaluationMode: REQUIRE_ATTESTATION
          enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG
          requireAttestationsBy: [projects/p/attestors/a]
        """;
    private const string Attestor = "name: projects/p/attestors/a\nuserOwnedGrafeasNote: {noteReference: projects/p/notes/n, publicKeys: [{id: //cloudkms.googleapis.com/v1/projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1}]}\n";
    private const string Options = "pinnedKeys: {//cloudkms.googleapis.com/v1/projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1: \"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}\n";

    private static readonly DateTimeOffset Now = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly Digest Image = Digest.Of("image"u8);
    private static readonly Digest Other = Digest.Of("other"u8);

    [Fact]
    public void Evidence_that_was_not_collected_is_an_error()
    {
        var decision = Evaluator.Evaluate(Selected(), EvidenceSet.Empty, Now);

        Assert.Equal((Verdict.Deny, Conformance.Error, FailMode.Closed), (decision.Verdict, decision.Conformance, decision.FailMode));
        Assert.Equal((ReasonCode.EvidenceUnavailable, "INTERNAL:NOT_COLLECTED"), (Assert.Single(decision.Reasons).Code, decision.Reasons[0].Detail));
    }

    [Fact]
    [Trait("attack", "57")]
    public void Occurrence_of_another_image_does_not_count_though_its_payload_agrees()
    {
        Assert.Equal("", DetailOf(EvidenceSource.Grafeas, SimpleSigningType.BinaryAuthorization, Image, Image));
        Assert.Equal("DIGEST_MISMATCH", DetailOf(EvidenceSource.Grafeas, SimpleSigningType.BinaryAuthorization, Image, Other));
        Assert.Equal("DIGEST_MISMATCH", DetailOf(EvidenceSource.Grafeas, SimpleSigningType.BinaryAuthorization, Image, null));
        Assert.Equal("DIGEST_MISMATCH", DetailOf(EvidenceSource.Grafeas, SimpleSigningType.BinaryAuthorization, Other, Image));
    }

    [Theory]
    [InlineData(EvidenceSource.Grafeas, SimpleSigningType.Cosign)]
    [InlineData(EvidenceSource.Inline, SimpleSigningType.Cosign)]
    [InlineData(EvidenceSource.Registry, SimpleSigningType.BinaryAuthorization)]
    [InlineData(EvidenceSource.Registry, SimpleSigningType.Unspecified)]
    [Trait("attack", "56")]
    public void Payload_of_another_sources_type_does_not_count(EvidenceSource source, SimpleSigningType type) =>
        Assert.Equal("PAYLOAD_INVALID", DetailOf(source, type, Image, Image));

    [Theory]
    [InlineData(EvidenceSource.Inline, SimpleSigningType.BinaryAuthorization)]
    [InlineData(EvidenceSource.Registry, SimpleSigningType.Cosign)]
    public void Sources_without_occurrence_need_no_resource(EvidenceSource source, SimpleSigningType type)
    {
        Assert.Equal("", DetailOf(source, type, Image, null));
        Assert.Equal("DIGEST_MISMATCH", DetailOf(source, type, Other, null));
    }

    [Fact]
    public void Satisfied_attestor_names_its_evidence_by_hash()
    {
        var evidence = Evidence(EvidenceSource.Grafeas, SimpleSigningType.BinaryAuthorization, Image, Image);

        Assert.Equal([Digest.Of("payload"u8)], Evaluator.Evaluate(Selected(), evidence, Now).Evidence);
    }

    [Fact]
    [Trait("attack", "120")]
    public void Conformances_combine_to_the_worst_that_is_certain()
    {
        Conformance[] all = [Conformance.Unspecified, Conformance.Conformant, Conformance.NonConformant, Conformance.Error];
        foreach (var first in all)
        {
            foreach (var second in all)
            {
                var expected = first is Conformance.NonConformant || second is Conformance.NonConformant ? Conformance.NonConformant
                    : first is Conformance.Conformant && second is Conformance.Conformant ? Conformance.Conformant
                    : Conformance.Error;

                Assert.Equal(expected, Evaluator.Combine([first, second]));
            }
        }

        Assert.Equal(Conformance.Error, Evaluator.Combine([]));
        Assert.Equal(Conformance.Error, Evaluator.Combine([Conformance.Unspecified]));
    }

    private static string DetailOf(EvidenceSource source, SimpleSigningType type, Digest signed, Digest? resource) =>
        Assert.Single(Evaluator.Evaluate(Selected(), Evidence(source, type, signed, resource), Now).Reasons).Detail;

    private static EvidenceSet Evidence(EvidenceSource source, SimpleSigningType type, Digest signed, Digest? resource)
    {
        Assert.True(AttestorName.TryParse("projects/p/attestors/a", out var attestor));
        Assert.True(KeyId.TryParse("//cloudkms.googleapis.com/v1/projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1", out var key));
        var attestation = new Attestation("payload"u8.ToArray(), []) { Source = source, ResourceDigest = resource };
        var fact = new AttestationFact(attestation, key, new VerificationResult.Verified(new SimpleSigningPayload("r.example/a", signed, type)));
        return new EvidenceSet(new Dictionary<AttestorName, AttestorEvidence> { [attestor] = new([fact], []) }, null);
    }

    [Theory, InlineData("MONITOR"), InlineData("ENFORCE")]
    public void Policy_that_cannot_be_evaluated_changes_no_verdict_where_it_only_monitors(string mode)
    {
        Assert.True(PlatformPolicyName.TryParse("projects/p/platforms/gke/policies/x", out var name));
        var set = DocumentFiles.Assemble(
            [
                Reading.Of("policy.yaml", "name: projects/p/policy\ndefaultAdmissionRule: {evaluationMode: ALWAYS_ALLOW, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG}\n"),
                Reading.Of("clusters.yaml", $$"""clusters: {us-east1.prod: {project: p, platform: GKE, platformPolicies: [{name: {{name}}, mode: {{mode}}}] } }"""),
            ],
            []);
        var policy = new PlatformPolicy { Name = name, Allowlist = NamePatternSet.Empty, CheckSets = [new CheckSet("", new CheckSetScope("", ""), NamePatternSet.Empty, [new Throwing()])] };
        var snapshot = PolicySnapshot.Build(new DocumentSet { Projects = [new ProjectDocuments { Id = "p", Policy = set.Projects[0].Policy, PlatformPolicies = [policy] }], Clusters = set.Clusters }, generation: 1);
        Assert.True(ImageReference.TryParse($"r.example/a@{Image}", out var image));
        var selection = Assert.IsType<SelectionResult.Selected>(snapshot.Select(new EvaluationRequest(image, "us-east1.prod"), new SnapshotAge(false, TimeSpan.Zero, Now))).Selection;

        if (mode == "ENFORCE")
        {
            Assert.Throws<InvalidOperationException>(() => Evaluator.Evaluate(selection, EvidenceSet.Empty, Now));
        }
        else
        {
            Assert.Equal(Verdict.Allow, Evaluator.Evaluate(selection, EvidenceSet.Empty, Now).Verdict);
        }
    }

    private sealed record Throwing() : Check("throwing", "", NamePatternSet.Empty)
    {
        protected override CheckResult Judge(CheckInput input) => throw new InvalidOperationException("a bug");
    }

    private static Selection Selected()
    {
        ParsedDocument[] files = [Reading.Of("policy.yaml", Policy), Reading.Of("attestors/a.yaml", Attestor), Reading.Of("options.yaml", Options)];
        Assert.True(ImageReference.TryParse($"r.example/a@{Image}", out var image));
        var result = PolicySnapshot.Build(DocumentFiles.Assemble(files, []), generation: 1)
            .Select(new EvaluationRequest(image, "us-east1.prod"), new SnapshotAge(false, TimeSpan.Zero, Now));
        return Assert.IsType<SelectionResult.Selected>(result).Selection;
    }
}
