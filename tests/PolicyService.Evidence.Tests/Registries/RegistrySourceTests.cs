using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Decisions;
using PolicyService.Core.Images;
using PolicyService.Core.Verification;
using PolicyService.Evidence.Registries;
using PolicyService.Tests.Registries;

namespace PolicyService.Evidence.Tests.Registries;

/// <summary>A signature of a registry is nothing to an attestor that takes none, whoever hands it over.</summary>
public sealed class RegistrySourceTests
{
    private static readonly byte[] Payload = CosignWriter.Payload("a.test/i", $"{Attestations.Image}");

    private readonly Evaluation _evaluation = new();

    [Theory]
    [InlineData("[REGISTRY]", 1)]
    [InlineData("[GRAFEAS, INLINE, REGISTRY]", 1)]
    [InlineData("[GRAFEAS, INLINE]", 0)]
    [InlineData("[GRAFEAS]", 0)]
    public void Signature_of_a_registry_is_for_those_who_take_it(string sources, int facts)
    {
        var signature = RegistrySignature.Of("a.test/i", Attestations.Image, SignatureFormat.OverPayload, Payload, [_evaluation.Key.Sign(Payload)]).Attestation;
        _evaluation.Options = $"registries: [{{host: a.test}}]\nevidenceSources: {sources}";
        Assert.True(ImageReference.TryParse(_evaluation.Image, out var image));
        var snapshot = _evaluation.Snapshot;
        var request = new EvaluationRequest(image, "here.test") { Grants = CallerGrants.All };
        var selection = Assert.IsType<SelectionResult.Selected>(snapshot.Select(request, new SnapshotAge(false, TimeSpan.Zero, Attestations.Start))).Selection;

        var evidence = LocalEvidence.Collect(snapshot, selection, Assert.Single(selection.NeedEvidence), Attestations.Image, [signature], Nowhere, AttestationVerifier.VerifySignature, TestContext.Current.CancellationToken);

        Assert.Equal(facts, evidence.Facts.Count(fact => fact.Result is VerificationResult.Verified));
        Assert.Equal(facts, evidence.Facts.Count);
    }

    private static KeyResolution Nowhere(RemoteKey key) => throw new InvalidOperationException("no key here is kept elsewhere");
}
