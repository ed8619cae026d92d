using System.Security.Cryptography;
using System.Text;
using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Policies;
using PolicyService.Core.Verification;
using PolicyService.Evidence.Verification;

namespace PolicyService.Evidence.Tests.Verification;

public sealed class VerifiedSignaturesTests
{
    private static readonly TestKey Key = new();
    private static readonly TestKey OtherKey = new();
    private static readonly byte[] OtherPayload = SimpleSigningPayload.Write("a.test/j", Core.Images.Digest.Of("another image"u8));
    private static readonly byte[] NoPayload = Encoding.UTF8.GetBytes("{\"critical\": 7}");

    private readonly CountingCheck _check = new();
    private readonly VerifiedSignatures _memory;

    public VerifiedSignaturesTests() => _memory = new VerifiedSignatures(_check.Verify, 100);

    /// <summary>One signature each; whether it verifies.</summary>
    public static TheoryData<string, bool> Questions => new()
    {
        { "good", true },
        { "signature flipped", false },
        { "no simple-signing payload", false },
        { "of another key", false },
        { "empty", false },
    };

    /// <summary>Pairs of questions that differ in one thing only.</summary>
    public static TheoryData<string> Differences => ["key", "algorithm", "payload", "signature"];

    [Theory, MemberData(nameof(Questions))]
    [Trait("attack", "91")]
    public void Hit_and_miss_give_the_same(string name, bool verifies)
    {
        var (attestation, signature) = Asked(name);
        var direct = AttestationVerifier.VerifySignature(Key.Public, attestation, signature);

        var miss = _memory.Check(Key.Public, attestation, signature);
        var hit = _memory.Check(Key.Public, attestation, signature);

        Assert.Equal(1, _check.Count);
        Assert.Equal(verifies, direct is VerificationResult.Verified);
        Assert.Equal(direct, miss);
        Assert.Equal(direct, hit);
    }

    [Fact]
    [Trait("attack", "91")]
    public void Hit_gives_the_payload_too()
    {
        var signature = Key.Signature(Attestations.Payload);
        _memory.Check(Key.Public, Attestations.Of(Attestations.Payload, signature), signature);

        // Another reading of the same document: other objects, the same bytes.
        var again = new AttestationSignature(Key.Id, signature.Value.ToArray());
        var hit = _memory.Check(Key.Public, Attestations.Of([.. Attestations.Payload], again), again);

        Assert.Equal(1, _check.Count);
        Assert.Equal(new SimpleSigningPayload("a.test/i", Attestations.Image, SimpleSigningType.BinaryAuthorization), Assert.IsType<VerificationResult.Verified>(hit).Payload);
    }

    [Theory, MemberData(nameof(Differences))]
    [Trait("attack", "90")]
    [Trait("attack", "88")]
    public void Different_questions_never_share_an_answer(string difference)
    {
        var (good, bad) = Pair(difference);
        foreach (var order in new[] { new[] { good, bad }, [bad, good] })
        {
            var memory = new VerifiedSignatures();
            foreach (var question in order.Concat(order))
            {
                var result = memory.Check(question.Key, question.Attestation, question.Signature);
                Assert.Equal(question == good, result is VerificationResult.Verified);
            }
        }
    }

    [Fact]
    public void Note_image_time_and_the_id_of_the_key_are_no_part_of_the_question()
    {
        var signature = Key.Signature(Attestations.Payload);
        _memory.Check(Key.Public, Attestations.Of(Attestations.Payload, signature), signature);
        var renamed = new AttestationSignature(Attestations.KeyId("another"), signature.Value.ToArray());
        var elsewhere = new Attestation(Attestations.Payload, [renamed]) { Source = EvidenceSource.Grafeas, Note = Attestations.Note("other") };

        Assert.IsType<VerificationResult.Verified>(_memory.Check(Key.Public, elsewhere, renamed));
        Assert.Equal(1, _check.Count);
    }

    [Fact]
    public void Inline_attestations_are_verified_each_time_and_not_remembered()
    {
        var signature = Key.Signature(Attestations.Payload);
        var inline = Attestations.Of(EvidenceSource.Inline, Attestations.Payload, null, signature);

        Assert.All(Enumerable.Range(0, 3), _ => Assert.IsType<VerificationResult.Verified>(_memory.Check(Key.Public, inline, signature)));

        Assert.Equal(3, _check.Count);
        Assert.Equal(0, _memory.Count);
    }

    [Fact]
    public void Memory_is_bounded_and_forgets_the_oldest_half()
    {
        for (var number = 0; number < 1000; number++)
        {
            Ask(number);
            Assert.InRange(_memory.Count, 1, 100);
        }

        Assert.Equal(1000, _check.Count);
        Ask(999);
        Assert.Equal(1000, _check.Count);
        Ask(0);
        Assert.Equal(1001, _check.Count);
    }

    [Fact]
    public void Memory_of_the_service_is_bounded()
    {
        var memory = new VerifiedSignatures();
        for (var number = 0; number < 120_000; number++)
        {
            Ask(memory, number);
        }

        Assert.InRange(memory.Count, 50_000, 100_000);
    }

    [Fact]
    public void Answer_that_is_asked_for_is_not_forgotten()
    {
        for (var number = 0; number < 1000; number++)
        {
            Ask(number);
            Ask(-1);
        }

        Assert.Equal(1001, _check.Count);
    }

    [Fact]
    public void Many_threads_get_right_answers_and_the_memory_stays_bounded()
    {
        var signatures = Enumerable.Range(0, 300).Select(number => Key.Signature(Attestations.Payload, flipped: number % 3 == 0)).ToArray();
        var wrong = 0;

        Parallel.For(0, 20_000, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = TestContext.Current.CancellationToken }, index =>
        {
            var number = index * 7 % signatures.Length;
            var result = _memory.Check(Key.Public, Attestations.Of(Attestations.Payload, signatures[number]), signatures[number]);
            if (result is VerificationResult.Verified == (number % 3 == 0) || _memory.Count > 200)
            {
                Interlocked.Increment(ref wrong);
            }
        });

        Assert.Equal(0, wrong);
    }

    [Fact]
    [Trait("attack", "86")]
    [Trait("attack", "96")]
    public void Many_callers_of_one_signature_cause_one_verification_once_it_is_known()
    {
        var signature = Key.Signature(Attestations.Payload);
        var attestation = Attestations.Of(Attestations.Payload, signature);
        var options = new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = TestContext.Current.CancellationToken };

        Parallel.For(0, 5000, options, _ => Assert.IsType<VerificationResult.Verified>(_memory.Check(Key.Public, attestation, signature)));

        // Callers that come before the first answer is there verify for themselves: at most one a thread.
        Assert.InRange(_check.Count, 1, 8);
        Assert.Equal(1, _memory.Count);
    }

    private void Ask(int number) => Ask(_memory, number);

    private static void Ask(VerifiedSignatures memory, int number)
    {
        var signature = Attestations.Garbage(Key.Id, number);
        memory.Check(Key.Public, Attestations.Of([1], signature), signature);
    }

    private static (Attestation Attestation, AttestationSignature Signature) Asked(string name)
    {
        var payload = name == "no simple-signing payload" ? NoPayload : Attestations.Payload;
        var signature = name switch
        {
            "of another key" => OtherKey.Signature(payload),
            "empty" => new AttestationSignature(Key.Id, []),
            _ => Key.Signature(payload, flipped: name == "signature flipped"),
        };
        return (Attestations.Of(payload, signature), signature);
    }

    private static (Question Good, Question Bad) Pair(string difference)
    {
        if (difference == "algorithm")
        {
            return AlgorithmPair();
        }

        var signature = Key.Signature(Attestations.Payload);
        var good = new Question(Key.Public, Attestations.Of(Attestations.Payload, signature), signature);
        return (good, difference switch
        {
            "key" => good with { Key = OtherKey.Public },
            "payload" => good with { Attestation = Attestations.Of(OtherPayload, signature) },
            _ => good with { Signature = Key.Signature(Attestations.Payload, flipped: true) },
        });
    }

    /// <summary>One RSA key declared for two algorithms: the same fingerprint, and a signature that holds under one of them.</summary>
    private static (Question Good, Question Bad) AlgorithmPair()
    {
        using var rsa = RSA.Create(2048);
        var pem = rsa.ExportSubjectPublicKeyInfoPem();
        Assert.True(PublicKey.TryReadPem(pem, SignatureAlgorithm.RsaPss2048Sha256, out var pss, out _));
        Assert.True(PublicKey.TryReadPem(pem, SignatureAlgorithm.RsaPkcs1With2048Sha256, out var pkcs1, out _));
        var signature = new AttestationSignature(pss.DefaultId, rsa.SignData(Attestations.Payload, HashAlgorithmName.SHA256, RSASignaturePadding.Pss));
        var good = new Question(pss, Attestations.Of(Attestations.Payload, signature), signature);
        return (good, good with { Key = pkcs1 });
    }

    private sealed record Question(PublicKey Key, Attestation Attestation, AttestationSignature Signature);
}
