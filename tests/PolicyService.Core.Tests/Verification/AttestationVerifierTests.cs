using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Core.Tests.Attestors;
using PolicyService.Core.Verification;

namespace PolicyService.Core.Tests.Verification;

/// <summary>The limits on what one attestor's evidence may cost (SEMANTICS section 7), each at its edge. The signature "good" is one.</summary>
public sealed class AttestationVerifierTests
{
    private static readonly byte[] Good = "good"u8.ToArray();
    private static readonly byte[] Bad = "bad"u8.ToArray();
    private static readonly PublicKey Key = TestKey.Of(SignatureAlgorithm.EcdsaP256Sha256).Read();
    private static readonly Digest Image = Digest.Of("image"u8);
    private static readonly SimpleSigningPayload Payload = new("r.example/a", Image, SimpleSigningType.BinaryAuthorization);

    private int _checks;

    [Fact]
    [Trait("attack", "50")]
    public void Hundredth_signature_of_a_key_counts() => Assert.True(IsSatisfied(Verify(["k"], [.. Repeat("k", Bad, 99), Of("k", Good)])));

    [Fact]
    [Trait("attack", "50"), Trait("attack", "76")]
    public void Hundred_and_first_signature_of_a_key_is_a_limit()
    {
        var evidence = Verify(["k"], [.. Repeat("k", Bad, 100), Of("k", Good)]);

        Assert.False(IsSatisfied(evidence));
        AssertLimit("SIGNATURES_PER_KEY", evidence);
        Assert.Equal(100, _checks);
    }

    [Fact]
    public void Hundred_bad_signatures_are_no_limit() => Assert.Empty(Verify(["k"], Repeat("k", Bad, 100)).Failures);

    [Fact]
    public void Limit_of_one_key_spares_another() => Assert.True(IsSatisfied(Verify(["k", "l"], [.. Repeat("k", Bad, 150), Of("l", Good)])));

    [Fact]
    public void Signature_found_before_a_limit_counts() => Assert.True(IsSatisfied(Verify(["k"], [Of("k", Good), .. Repeat("k", Bad, 200)])));

    [Fact]
    [Trait("attack", "76")]
    public void Thousand_signatures_are_read()
    {
        var keys = Enumerable.Range(0, 11).Select(index => $"k{index}").ToArray();

        Assert.Empty(Verify(keys, [.. keys[..10].SelectMany(key => Repeat(key, Bad, 100))]).Failures);
        Assert.True(IsSatisfied(Verify(keys, [.. keys[..9].SelectMany(key => Repeat(key, Bad, 100)), .. Repeat("k9", Bad, 99), Of("k10", Good)])));
        _checks = 0;
        var evidence = Verify(keys, [.. keys[..10].SelectMany(key => Repeat(key, Bad, 100)), Of("k10", Good)]);
        Assert.False(IsSatisfied(evidence));
        AssertLimit("SIGNATURES_PER_DIGEST", evidence);
        Assert.Equal(1_000, _checks);
    }

    [Fact]
    [Trait("attack", "46"), Trait("attack", "76")]
    public void Foreign_key_ids_are_counted_nowhere_and_cost_nothing()
    {
        var evidence = Verify(["k"], [.. Enumerable.Range(0, 10_000).Select(index => Of($"foreign-{index}", Good)), Of("k", Good)]);

        Assert.True(IsSatisfied(evidence));
        Assert.Empty(evidence.Failures);
        Assert.Equal(1, _checks);
        Assert.InRange(evidence.Facts.Count, 1, 2);
    }

    [Fact]
    public void Payload_of_64_KiB_is_verified_and_a_byte_more_is_a_limit()
    {
        Assert.True(IsSatisfied(Verify(["k"], [Of("k", Good, payload: Limits.PayloadBytes)])));
        AssertLimit("PAYLOAD_BYTES", Verify(["k"], [Of("k", Good, payload: Limits.PayloadBytes + 1)]));
        Assert.True(IsSatisfied(Verify(["k"], [Of("k", Good, payload: Limits.PayloadBytes + 1), Of("k", Good)])));
    }

    [Fact]
    public void Signature_of_16_KiB_is_verified_and_a_byte_more_is_a_limit()
    {
        Assert.Empty(Verify(["k"], [Of("k", new byte[Limits.SignatureBytes])]).Failures);
        Assert.Equal(1, _checks);
        AssertLimit("SIGNATURE_BYTES", Verify(["k"], [Of("k", new byte[Limits.SignatureBytes + 1])]));
        Assert.Equal(1, _checks);
    }

    [Fact]
    public void Oversized_attestation_of_a_foreign_key_is_no_limit() =>
        Assert.Empty(Verify(["k"], [Of("foreign", new byte[Limits.SignatureBytes + 1], payload: Limits.PayloadBytes + 1)]).Failures);

    [Fact]
    public void Ten_thousand_oversized_attestations_are_one_failure() =>
        AssertLimit("PAYLOAD_BYTES", Verify(["k"], [.. Enumerable.Repeat(Of("k", Good, payload: Limits.PayloadBytes + 1), 500)]));

    [Fact]
    public void Time_that_ran_out_is_a_deadline_and_no_absence()
    {
        using var ended = new CancellationTokenSource();
        ended.Cancel();
        var evidence = AttestationVerifier.Verify(AttestorOf("k"), [Of("k", Good)], Keys, Check, ended.Token);

        Assert.Empty(evidence.Facts);
        Assert.Equal((ReasonCode.Deadline, false), (Assert.Single(evidence.Failures).Code, evidence.Failures[0].IsOwnFault));
        Assert.Equal(0, _checks);
    }

    [Fact]
    public void Time_that_runs_out_keeps_what_was_found()
    {
        using var ending = new CancellationTokenSource();
        var evidence = AttestationVerifier.Verify(AttestorOf("k"), [Of("k", Good), Of("k", Good)], Keys, EndAfterOne, ending.Token);

        Assert.True(IsSatisfied(evidence));
        Assert.Equal(ReasonCode.Deadline, Assert.Single(evidence.Failures).Code);

        VerificationResult EndAfterOne(VerificationKey key, Attestation attestation, AttestationSignature signature)
        {
            ending.Cancel();
            return Check(key, attestation, signature);
        }
    }

    [Fact]
    [Trait("attack", "51")]
    public void Signature_of_an_unusable_key_is_rejected_and_never_checked()
    {
        Assert.True(KeyId.TryParse("k", out var id));
        var evidence = Ask(new Attestor(Named(), Noted(), [new AttestorKey(id, null, "spoilt")]), [Of("k", Good)]);

        Assert.Equal(RejectionReason.KeyUnknown, Assert.IsType<VerificationResult.Rejected>(Assert.Single(evidence.Facts).Result).Reason);
        Assert.Equal(0, _checks);
    }

    [Fact]
    public void Signature_is_checked_with_the_key_it_names_alone()
    {
        var asked = new List<VerificationKey>();
        var other = TestKey.Of(SignatureAlgorithm.EcdsaP384Sha384).Read();
        Assert.True(KeyId.TryParse("k", out var first));
        Assert.True(KeyId.TryParse("l", out var second));
        var attestor = new Attestor(Named(), Noted(), [new AttestorKey(first, Key, null), new AttestorKey(second, other, null)]);

        AttestationVerifier.Verify(attestor, [Of("l", Good)], Keys, Remember, TestContext.Current.CancellationToken);

        Assert.Equal([other], asked);

        VerificationResult Remember(VerificationKey key, Attestation attestation, AttestationSignature signature)
        {
            asked.Add(key);
            return Check(key, attestation, signature);
        }
    }

    [Fact]
    [Trait("attack", "59")]
    public void Payload_is_parsed_only_when_the_signature_holds()
    {
        var key = TestKey.Of(SignatureAlgorithm.EcdsaP256Sha256);
        var junk = "junk"u8.ToArray();
        Assert.True(KeyId.TryParse("k", out var id));

        Assert.Equal(RejectionReason.SignatureInvalid, Reason(Bad));
        Assert.Equal(RejectionReason.PayloadInvalid, Reason(key.Sign(junk)));
        Assert.Equal(RejectionReason.PayloadInvalid, Reason(key.Sign(DssePae.Encode(DssePae.SimpleSigningType, junk))));

        RejectionReason Reason(byte[] value)
        {
            var signature = new AttestationSignature(id, value);
            var result = AttestationVerifier.VerifySignature(key.Read(), new Attestation(junk, [signature]) { Source = EvidenceSource.Grafeas }, signature);
            return Assert.IsType<VerificationResult.Rejected>(result).Reason;
        }
    }

    private static KeyResolution Keys(RemoteKey key) => throw new InvalidOperationException("no key here is kept elsewhere");

    private AttestorEvidence Verify(string[] keys, IReadOnlyList<Attestation> attestations) => Ask(AttestorOf(keys), attestations);

    private AttestorEvidence Ask(Attestor attestor, IReadOnlyList<Attestation> attestations) =>
        AttestationVerifier.Verify(attestor, attestations, Keys, Check, TestContext.Current.CancellationToken);

    private VerificationResult Check(VerificationKey key, Attestation attestation, AttestationSignature signature)
    {
        _checks++;
        return signature.Value.Span.SequenceEqual(Good)
            ? new VerificationResult.Verified(Payload)
            : new VerificationResult.Rejected(RejectionReason.SignatureInvalid, "it is bad");
    }

    private static bool IsSatisfied(AttestorEvidence evidence) => evidence.Facts.Any(fact => fact.Result is VerificationResult.Verified);

    private static void AssertLimit(string detail, AttestorEvidence evidence)
    {
        var failure = Assert.Single(evidence.Failures);
        Assert.Equal((ReasonCode.EvidenceLimit, detail, false), (failure.Code, failure.Detail, failure.IsOwnFault));
    }

    private static Attestor AttestorOf(params string[] keys) => new(Named(), Noted(), [.. keys.Select(key =>
    {
        Assert.True(KeyId.TryParse(key, out var id));
        return new AttestorKey(id, Key, null);
    })]);

    private static AttestorName Named()
    {
        Assert.True(AttestorName.TryParse("projects/p/attestors/a", out var name));
        return name;
    }

    private static NoteName Noted()
    {
        Assert.True(NoteName.TryParse("projects/p/notes/n", out var note));
        return note;
    }

    private static Attestation[] Repeat(string key, byte[] signature, int count) => [.. Enumerable.Range(0, count).Select(_ => Of(key, signature))];

    private static Attestation Of(string key, byte[] signature, int payload = 1)
    {
        Assert.True(KeyId.TryParse(key, out var id));
        return new Attestation(new byte[payload], [new AttestationSignature(id, signature)]) { Source = EvidenceSource.Grafeas, ResourceDigest = Image };
    }
}
