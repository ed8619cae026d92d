using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Core.Tests.Attestors;
using PolicyService.Core.Verification;

namespace PolicyService.Core.Tests.Verification;

/// <summary>Keys kept in a key service: what the verifier believes of what it is handed, and what it says without.</summary>
public sealed class RemoteKeyTests
{
    private const string Resource = "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/";
    private static readonly TestKey Kept = TestKey.Of(SignatureAlgorithm.EcdsaP256Sha256);
    private static readonly Digest Image = Digest.Of("image"u8);
    private static readonly byte[] Payload = SimpleSigningPayload.Write("r.example/a", Image);

    private int _asked;

    public static TheoryData<KeyFailure> Failures => [.. KeyFailures.All];

    [Fact]
    public void Signature_of_the_pinned_key_verifies()
    {
        var evidence = Ask([Remote(1)], [Signed(1)], Found(Kept));

        Assert.IsType<VerificationResult.Verified>(Assert.Single(evidence.Facts).Result);
        Assert.Empty(evidence.Failures);
    }

    [Theory]
    [InlineData(SignatureAlgorithm.EcdsaP256Sha256, true)]
    [InlineData(SignatureAlgorithm.EcdsaP384Sha384, false)]
    [Trait("attack", "51")]
    public void Declared_algorithm_binds(SignatureAlgorithm declared, bool counts)
    {
        var evidence = Ask([Remote(1, declared)], [Signed(1)], Found(Kept));

        Assert.Equal(counts ? [] : ["KMS:OTHER_ALGORITHM"], evidence.Failures.Select(failure => failure.Detail));
        Assert.Equal(counts, evidence.Facts.Count == 1);
    }

    [Fact]
    public void Key_without_a_pin_is_not_even_asked_for()
    {
        var evidence = Ask([Remote(1) is var key ? key with { Remote = key.Remote! with { Pin = null } } : key], [Signed(1)], Found(Kept));

        Assert.Equal(0, _asked);
        Assert.Empty(evidence.Facts);
        var failure = Assert.Single(evidence.Failures);
        Assert.Equal((ReasonCode.KeyUnavailable, "KMS:NOT_PINNED", false), (failure.Code, failure.Detail, failure.IsOwnFault));
        Assert.Contains("policyctl attestor pin", failure.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("attack", "48")]
    public void Another_key_than_the_pinned_one_verifies_nothing_whoever_hands_it_over()
    {
        var other = TestKey.Of(SignatureAlgorithm.EcdsaP384Sha384);
        var evidence = Ask([Remote(1)], [Signed(1, other)], Found(other));

        Assert.Empty(evidence.Facts);
        Assert.Equal("KMS:OTHER_KEY", Assert.Single(evidence.Failures).Detail);
    }

    [Theory, MemberData(nameof(Failures))]
    [Trait("attack", "83")]
    public void Failure_is_a_class_of_its_own_and_never_our_own_fault(KeyFailure failure)
    {
        var evidence = Ask([Remote(1)], [Signed(1)], _ => new KeyResolution.Missing(failure));

        Assert.Empty(evidence.Facts);
        var found = Assert.Single(evidence.Failures);
        var expected = failure is KeyFailure.Deadline ? (ReasonCode.Deadline, "KMS") : (ReasonCode.KeyUnavailable, $"KMS:{KeyFailures.Name(failure)}");
        Assert.Equal(expected, (found.Code, found.Detail));
        Assert.False(found.IsOwnFault);
        Assert.Equal($"//cloudkms.googleapis.com/v1/{Resource}1", found.KeyId);
        Assert.NotEmpty(found.Remedy);
    }

    [Fact]
    public void Failures_have_names_of_their_own() =>
        Assert.Equal(KeyFailures.All.Count, KeyFailures.All.Select(KeyFailures.Name).Distinct(StringComparer.Ordinal).Count());

    [Fact]
    public void Each_key_that_is_missing_is_said_once()
    {
        var evidence = Ask([Remote(1), Remote(2)], [Signed(1), Signed(1), Signed(2)], _ => new KeyResolution.Missing(KeyFailure.Timeout));

        Assert.Equal([$"//cloudkms.googleapis.com/v1/{Resource}1", $"//cloudkms.googleapis.com/v1/{Resource}2"], evidence.Failures.Select(failure => failure.KeyId));
    }

    [Fact]
    public void Key_that_no_signature_names_is_not_asked_for()
    {
        var evidence = Ask([Remote(1), Remote(2)], [Signed(3)], Found(Kept));

        Assert.Equal(0, _asked);
        Assert.Empty(evidence.Failures);
        Assert.Equal(RejectionReason.KeyUnknown, Assert.IsType<VerificationResult.Rejected>(Assert.Single(evidence.Facts).Result).Reason);
    }

    private static KeyLookup Found(TestKey key) => _ => new KeyResolution.Found(key.Read());

    private AttestorEvidence Ask(AttestorKey[] keys, Attestation[] attestations, KeyLookup lookup)
    {
        Assert.True(AttestorName.TryParse("projects/p/attestors/a", out var name));
        Assert.True(NoteName.TryParse("projects/p/notes/n", out var note));
        return AttestationVerifier.Verify(
            new Attestor(name, note, keys), attestations, Count, AttestationVerifier.VerifySignature, TestContext.Current.CancellationToken);

        KeyResolution Count(RemoteKey key)
        {
            _asked++;
            return lookup(key);
        }
    }

    private static AttestorKey Remote(int version, SignatureAlgorithm declared = SignatureAlgorithm.Unspecified)
    {
        Assert.True(KmsKeyName.TryParse(IdOf(version).ToString(), out var name));
        return AttestorKey.Elsewhere(IdOf(version), new RemoteKey(name, declared) { Pin = Kept.Read().Fingerprint });
    }

    private static KeyId IdOf(int version)
    {
        Assert.True(KeyId.TryParse($"//cloudkms.googleapis.com/v1/{Resource}{version}", out var id));
        return id;
    }

    private static Attestation Signed(int version, TestKey? by = null) =>
        new(Payload, [new AttestationSignature(IdOf(version), (by ?? Kept).Sign(Payload))]) { Source = EvidenceSource.Grafeas, ResourceDigest = Image };
}
