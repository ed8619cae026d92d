using System.Text;
using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Core.Tests.Attestors;
using PolicyService.Core.Tests.Verification.Pgp;
using PolicyService.Core.Verification;

namespace PolicyService.Core.Tests.Verification;

/// <summary>Signatures of registries name no key: each is tried with every key that may have made it (SEMANTICS section 1, "Attestors").</summary>
public sealed class UnnamedSignatureTests
{
    private const string Version = "//cloudkms.googleapis.com/v1/projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/";
    private static readonly TestKey First = TestKey.Of(SignatureAlgorithm.EcdsaP256Sha256);
    private static readonly TestKey Second = TestKey.Of(SignatureAlgorithm.Ed25519);
    private static readonly Digest Image = Digest.Of("image"u8);
    private static readonly byte[] Payload = Encoding.UTF8.GetBytes(
        "{\"critical\":{\"identity\":{\"docker-reference\":\"r.example/a\"},\"image\":{\"docker-manifest-digest\":\"" + Image + "\"},\"type\":\"cosign container image signature\"},\"optional\":null}");

    private static readonly byte[] Statement = Encoding.UTF8.GetBytes(
        "{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{\"digest\":{\"sha256\":\"" + Image.Hex + "\"}}],\"predicateType\":\"https://sigstore.dev/cosign/sign/v1\"}");

    private int _checks;

    /// <summary>What covers a statement and is not its encoding under the one type.</summary>
    public static TheoryData<string, byte[]> OtherEncodings => new()
    {
        { "the payload alone", Statement },
        { "another type", DssePae.Encode("application/vnd.in-toto+json2", Statement) },
        { "the type of simple signing", DssePae.Encode(DssePae.SimpleSigningType, Statement) },
        { "no type", DssePae.Encode("", Statement) },
        { "a length moved from the type to the payload", Encoding.UTF8.GetBytes($"DSSEv1 27 application/vnd.in-toto+json {Statement.Length + 1} {Encoding.UTF8.GetString(Statement)}") },
        { "a line break", [.. DssePae.Encode(DsseEnvelope.InTotoType, Statement), (byte)'\n'] },
        { "base64 of the payload", DssePae.Encode(DsseEnvelope.InTotoType, Encoding.ASCII.GetBytes(Convert.ToBase64String(Statement))) },
    };

    [Fact]
    public void Signature_of_any_key_counts_whatever_their_order()
    {
        foreach (var keys in (TestKey[][])[[First, Second], [Second, First]])
        {
            var fact = Assert.Single(Ask([.. keys.Select(Own)], [Of(Payload, Second.Sign(Payload))]).Facts);
            Assert.IsType<VerificationResult.Verified>(fact.Result);
            Assert.Equal(Second.Read().DefaultId, fact.KeyId);
        }
    }

    [Fact]
    public void Signature_of_no_key_is_one_rejection()
    {
        var fact = Assert.Single(Ask([Own(First), Own(Second)], [Of(Payload, [1])]).Facts);
        Assert.Equal(RejectionReason.SignatureInvalid, Assert.IsType<VerificationResult.Rejected>(fact.Result).Reason);
        Assert.Null(fact.KeyId);
        Assert.Equal(2, _checks);
    }

    [Fact]
    public void Payload_that_a_key_signed_and_is_none_is_said_of_that_key()
    {
        var fact = Assert.Single(Ask([Own(First), Own(Second)], [Of("{}"u8.ToArray(), First.Sign("{}"u8.ToArray()))]).Facts);
        Assert.Equal(RejectionReason.PayloadInvalid, Assert.IsType<VerificationResult.Rejected>(fact.Result).Reason);
        Assert.Equal(First.Read().DefaultId, fact.KeyId);
    }

    [Theory]
    [InlineData(EvidenceSource.Grafeas)]
    [InlineData(EvidenceSource.Inline)]
    public void Signature_of_another_source_that_names_no_key_never_counts(EvidenceSource source)
    {
        Assert.Empty(Ask([Own(First)], [Of(Payload, First.Sign(Payload), source: source)]).Facts);
        Assert.Equal(0, _checks);
    }

    [Fact]
    public void Check_that_has_no_keys_for_them_never_counts_them()
    {
        var evidence = AttestationVerifier.Verify(_ => Own(First), [], [Of(Payload, First.Sign(Payload))], Nowhere, Check, TestContext.Current.CancellationToken);
        Assert.Empty(evidence.Facts);
        Assert.Equal(0, _checks);
    }

    [Fact]
    public void Unusable_key_spoils_only_itself()
    {
        Assert.True(KeyId.TryParse("spoilt", out var id));
        Assert.IsType<VerificationResult.Verified>(Assert.Single(Ask([new AttestorKey(id, null, "spoilt"), Own(First)], [Of(Payload, First.Sign(Payload))]).Facts).Result);
    }

    [Fact]
    public void Key_that_cannot_be_had_is_an_error_unless_another_verifies()
    {
        KeyResolution Missing(RemoteKey key) => new KeyResolution.Missing(KeyFailure.ServerError);
        var good = Ask([Remote(1, First), Own(Second)], [Of(Payload, Second.Sign(Payload))], Missing);
        Assert.IsType<VerificationResult.Verified>(Assert.Single(good.Facts).Result);
        Assert.Empty(good.Failures);

        var bad = Ask([Remote(1, First), Remote(2, First), Own(Second)], [Of(Payload, First.Sign(Payload)), Of(Payload, [1])], Missing);
        Assert.Equal([$"{Version}1", $"{Version}2"], bad.Failures.Select(failure => failure.KeyId));
        Assert.All(bad.Failures, failure => Assert.Equal((ReasonCode.KeyUnavailable, "KMS:SERVER_ERROR", false), (failure.Code, failure.Detail, failure.IsOwnFault)));
    }

    [Fact]
    public void Key_kept_elsewhere_verifies()
    {
        var fact = Assert.Single(Ask([Own(Second), Remote(1, First)], [Of(Payload, First.Sign(Payload))], _ => new KeyResolution.Found(First.Read())).Facts);
        Assert.IsType<VerificationResult.Verified>(fact.Result);
        Assert.Equal($"{Version}1", $"{fact.KeyId}");
    }

    [Fact, Trait("attack", "76")]
    public void Hundredth_signature_counts_and_one_more_is_a_limit()
    {
        Assert.Contains(Ask([Own(First), Own(Second)], [.. Bad(99), Of(Payload, Second.Sign(Payload))]).Facts, fact => fact.Result is VerificationResult.Verified);
        _checks = 0;
        var evidence = Ask([Own(First), Own(Second)], [.. Bad(100), Of(Payload, Second.Sign(Payload))]);
        Assert.DoesNotContain(evidence.Facts, fact => fact.Result is VerificationResult.Verified);
        Assert.Equal("SIGNATURES_PER_KEY", Assert.Single(evidence.Failures).Detail);
        Assert.Equal((200, 100), (_checks, evidence.Facts.Count));
    }

    [Fact, Trait("attack", "76")]
    public void Registry_fills_up_no_quota_of_what_names_its_key()
    {
        var named = new Attestation(Payload, [new AttestationSignature(First.Read().DefaultId, First.Sign(Payload))]) { Source = EvidenceSource.Grafeas };
        var evidence = Ask([Own(First)], [.. Bad(1_500), named]);

        Assert.Contains(evidence.Facts, fact => fact.Result is VerificationResult.Verified);
        Assert.Equal(["SIGNATURES_PER_DIGEST", "SIGNATURES_PER_KEY"], evidence.Failures.Select(failure => failure.Detail).Order(StringComparer.Ordinal));
        Assert.Equal(101, _checks);
    }

    [Fact, Trait("attack", "76")]
    public void Thousandth_signature_is_read_and_one_more_is_a_limit()
    {
        var large = Of(new byte[Limits.PayloadBytes + 1], [1]);
        var good = Of(Payload, First.Sign(Payload));
        Assert.Contains(Ask([Own(First)], [.. Enumerable.Repeat(large, Limits.SignaturesPerDigest - 1), good]).Facts, fact => fact.Result is VerificationResult.Verified);
        var evidence = Ask([Own(First)], [.. Enumerable.Repeat(large, Limits.SignaturesPerDigest), good]);
        Assert.Empty(evidence.Facts);
        Assert.Contains(evidence.Failures, failure => failure.Detail == "SIGNATURES_PER_DIGEST");
    }

    [Fact]
    public void Pgp_key_is_never_tried_and_never_missed()
    {
        var forge = new PgpForge(TestKey.RsaKey(2048));
        var pgp = PgpJudge.Key(forge.KeyBlock(forge.Certify()));
        foreach (var format in (SignatureFormat[])[SignatureFormat.OverPayload, SignatureFormat.Dsse])
        {
            _checks = 0;
            var evidence = Ask([new AttestorKey(pgp.DefaultId, pgp, null), Own(First)], [Of(PgpJudge.Payload, forge.Message(), format)]);
            Assert.Equal(RejectionReason.SignatureInvalid, Assert.IsType<VerificationResult.Rejected>(Assert.Single(evidence.Facts).Result).Reason);
            Assert.Empty(evidence.Failures);
            Assert.Equal(1, _checks);
        }
    }

    [Fact, Trait("attack", "58")]
    public void Pgp_key_signs_no_statement()
    {
        var forge = new PgpForge(TestKey.RsaKey(2048));
        var pgp = PgpJudge.Key(forge.KeyBlock(forge.Certify()));
        var (over, dsse) = (Of(PgpJudge.Payload, forge.Message()), Of(PgpJudge.Payload, forge.Message(), SignatureFormat.Dsse));
        Assert.IsType<VerificationResult.Verified>(AttestationVerifier.VerifySignature(pgp, over, over.Signatures[0]));
        Assert.Equal(RejectionReason.SignatureInvalid, Reason(AttestationVerifier.VerifySignature(pgp, dsse, dsse.Signatures[0])));
    }

    [Fact]
    public void Oversized_parts_are_limits()
    {
        Assert.Equal("PAYLOAD_BYTES", Assert.Single(Ask([Own(First)], [Of(new byte[Limits.PayloadBytes + 1], [1])]).Failures).Detail);
        Assert.Equal("SIGNATURE_BYTES", Assert.Single(Ask([Own(First)], [Of(Payload, new byte[Limits.SignatureBytes + 1])]).Failures).Detail);
        Assert.Equal(0, _checks);
    }

    [Fact]
    public void Time_that_runs_out_between_two_keys_is_a_deadline()
    {
        using var ending = new CancellationTokenSource();
        var evidence = AttestationVerifier.Verify(AttestorOf(Own(First), Own(Second)), [Of(Payload, Second.Sign(Payload))], Nowhere, EndAfterOne, ending.Token);

        Assert.Empty(evidence.Facts);
        Assert.Equal(ReasonCode.Deadline, Assert.Single(evidence.Failures).Code);
        Assert.Equal(1, _checks);

        VerificationResult EndAfterOne(VerificationKey key, Attestation attestation, AttestationSignature signature)
        {
            ending.Cancel();
            return Check(key, attestation, signature);
        }
    }

    [Fact]
    public void Statement_that_is_signed_in_its_encoding_counts_as_a_signature_of_its_subject()
    {
        var result = Verify(Statement, First.Sign(DssePae.Encode(DsseEnvelope.InTotoType, Statement)));
        Assert.Equal(new SimpleSigningPayload("", Image, SimpleSigningType.Cosign), Assert.IsType<VerificationResult.Verified>(result).Payload);
    }

    [Theory, Trait("attack", "60")]
    [InlineData("}],\"predicateType\"", "},{\"digest\":{\"sha256\":\"HEX\"}}],\"predicateType\"")]
    [InlineData("https://sigstore.dev/cosign/sign/v1", "https://slsa.dev/provenance/v1")]
    [InlineData("\"sha256\"", "\"sha512\"")]
    public void Statement_that_is_signed_and_is_no_signature_of_one_image_does_not_count(string part, string replacement)
    {
        var text = Encoding.UTF8.GetString(Statement);
        var other = Encoding.UTF8.GetBytes(text.Replace(part, replacement.Replace("HEX", Image.Hex, StringComparison.Ordinal), StringComparison.Ordinal));
        Assert.NotEqual(Statement, other);
        Assert.Equal(RejectionReason.PayloadInvalid, Reason(Verify(other, First.Sign(DssePae.Encode(DsseEnvelope.InTotoType, other)))));
    }

    [Theory, MemberData(nameof(OtherEncodings))]
    [Trait("attack", "58")]
    public void Signature_over_anything_but_the_encoding_does_not_hold(string what, byte[] covered) =>
        Assert.True(Verify(Statement, First.Sign(covered)) is VerificationResult.Rejected { Reason: RejectionReason.SignatureInvalid }, what);

    [Fact]
    [Trait("attack", "58")]
    public void Neither_format_is_read_as_the_other()
    {
        // A statement signed as if it were simple signing, and simple signing signed as if it were a statement.
        Assert.Equal(RejectionReason.PayloadInvalid, Reason(Verify(Statement, First.Sign(Statement), SignatureFormat.OverPayload)));
        Assert.Equal(RejectionReason.PayloadInvalid, Reason(Verify(Payload, First.Sign(DssePae.Encode(DsseEnvelope.InTotoType, Payload)))));
        Assert.Equal(RejectionReason.SignatureInvalid, Reason(Verify(Statement, First.Sign(DssePae.Encode(DsseEnvelope.InTotoType, Statement)), SignatureFormat.OverPayload)));
    }

    [Fact]
    [Trait("attack", "59")]
    public void Statement_is_parsed_only_when_the_signature_holds()
    {
        Assert.Equal(RejectionReason.SignatureInvalid, Reason(Verify("junk"u8.ToArray(), [1])));
        Assert.Equal(RejectionReason.PayloadInvalid, Reason(Verify("junk"u8.ToArray(), First.Sign(DssePae.Encode(DsseEnvelope.InTotoType, "junk"u8)))));
    }

    private static VerificationResult Verify(byte[] payload, byte[] value, SignatureFormat format = SignatureFormat.Dsse)
    {
        var attestation = Of(payload, value, format);
        return AttestationVerifier.VerifySignature(First.Read(), attestation, attestation.Signatures[0]);
    }

    private static RejectionReason Reason(VerificationResult result) => Assert.IsType<VerificationResult.Rejected>(result).Reason;

    private static AttestorKey Own(TestKey key) => new(key.Read().DefaultId, key.Read(), null);

    private static AttestorKey Remote(int version, TestKey key)
    {
        Assert.True(KeyId.TryParse($"{Version}{version}", out var id));
        Assert.True(KmsKeyName.TryParse($"{id}", out var name));
        return AttestorKey.Elsewhere(id, new RemoteKey(name, key.Algorithm) { Pin = key.Read().Fingerprint });
    }

    private static Attestation Of(byte[] payload, byte[] value, SignatureFormat format = SignatureFormat.OverPayload, EvidenceSource source = EvidenceSource.Registry) =>
        new(payload, [new AttestationSignature(null, value, format)]) { Source = source, ResourceDigest = Image };

    private static IEnumerable<Attestation> Bad(int count) => Enumerable.Range(0, count).Select(number => Of(Payload, BitConverter.GetBytes(number)));

    private static KeyResolution Nowhere(RemoteKey key) => throw new InvalidOperationException("no key here is kept elsewhere");

    private static Attestor AttestorOf(params AttestorKey[] keys)
    {
        Assert.True(AttestorName.TryParse("projects/p/attestors/a", out var name));
        Assert.True(NoteName.TryParse("projects/p/notes/n", out var note));
        return new Attestor(name, note, keys);
    }

    private AttestorEvidence Ask(AttestorKey[] keys, Attestation[] attestations, KeyLookup? lookup = null) =>
        AttestationVerifier.Verify(AttestorOf(keys), attestations, lookup ?? Nowhere, Check, TestContext.Current.CancellationToken);

    private VerificationResult Check(VerificationKey key, Attestation attestation, AttestationSignature signature)
    {
        _checks++;
        return AttestationVerifier.VerifySignature(key, attestation, signature);
    }
}
