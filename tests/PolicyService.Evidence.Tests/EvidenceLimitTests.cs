using PolicyService.Core;
using PolicyService.Core.Attestations;
using PolicyService.Core.Decisions;
using PolicyService.Core.Policies;

namespace PolicyService.Evidence.Tests;

/// <summary>However many signatures lie on an image, the work is bounded and the answer defined.</summary>
[Trait("attack", "76")]
public sealed class EvidenceLimitTests
{
    private const string PerKey = "Deny: EvidenceLimit SIGNATURES_PER_KEY";
    private const string PerDigest = "Deny: EvidenceLimit SIGNATURES_PER_DIGEST";

    private readonly Evaluation _evaluation = new();

    /// <summary>Bad signatures of the attestor's key, where the good one stands among them, and the answer.</summary>
    public static TheoryData<string, int, int?, string> OfOneKey => new()
    {
        { "as many as are considered", 100, null, "Deny: DeniedByAttestor SIGNATURE_INVALID" },
        { "one more", 101, null, PerKey },
        { "the good one first", 10_000, 0, "Allow: Attested" },
        { "the good one in the middle", 99, 50, "Allow: Attested" },
        { "the good one the last that is considered", 10_000, 99, "Allow: Attested" },
        { "the good one just beyond", 100, 100, PerKey },
        { "ten thousand", 10_000, null, $"{PerKey}, {PerDigest["Deny: ".Length..]}" },
    };

    [Theory, MemberData(nameof(OfOneKey))]
    [Trait("attack", "50")]
    public async Task Signatures_of_one_key_in_many_attestations(string name, int bad, int? good, string answer)
    {
        // They stand in the file in the wrong order: what counts is which is newest.
        _evaluation.Stored = [.. Signatures(bad, good).Select((signature, place) => OfPlace(signature, place)).Reverse()];

        Assert.True(answer == await _evaluation.AnswerAsync(), name);
        Assert.InRange(_evaluation.Check.Count, 1, Limits.SignaturesPerKey);
    }

    [Theory, MemberData(nameof(OfOneKey))]
    public async Task Signatures_of_one_key_in_one_attestation(string name, int bad, int? good, string answer)
    {
        _evaluation.Stored = [Attestations.Of(Attestations.Payload, [.. Signatures(bad, good)])];

        Assert.True(answer == await _evaluation.AnswerAsync(), name);
        Assert.InRange(_evaluation.Check.Count, 1, Limits.SignaturesPerKey);
    }

    [Fact]
    public async Task Facts_and_failures_are_bounded_too()
    {
        _evaluation.Stored = [.. Signatures(10_000, null).Select(OfPlace)];

        var evidence = (await _evaluation.AskAsync()).Evidence.Of(Evaluation.Attestor);

        Assert.Equal(Limits.SignaturesPerKey, evidence.Facts.Count);
        Assert.Equal(2, evidence.Failures.Count);
        Assert.Equal(Limits.SignaturesPerKey, _evaluation.Check.Count);
    }

    [Theory]
    [InlineData(150)]
    [InlineData(1000)]
    [InlineData(10_000)]
    public async Task Foreign_key_ids_fill_nobody_elses_quota(int count)
    {
        var foreign = Enumerable.Range(0, count).Select(number => Attestations.Garbage(Attestations.KeyId($"foreign-{number % 7}"), number));
        _evaluation.Stored = [.. foreign.Select(OfPlace)];
        var evidence = (await _evaluation.AskAsync()).Evidence.Of(Evaluation.Attestor);
        Assert.Equal("Deny: DeniedByAttestor KEY_UNKNOWN", await _evaluation.AnswerAsync());
        Assert.Single(evidence.Facts);
        Assert.Equal(0, _evaluation.Check.Count);

        _evaluation.Stored = [.. _evaluation.Stored, OfPlace(_evaluation.Key.Signature(Attestations.Payload), count)];
        Assert.Equal("Allow: Attested", await _evaluation.AnswerAsync());
        Assert.Equal(1, _evaluation.Check.Count);
    }

    [Theory]
    [InlineData(Limits.SignaturesPerDigest - 1, "Allow: Attested")]
    [InlineData(Limits.SignaturesPerDigest, PerDigest)]
    public async Task Signatures_of_many_keys_have_one_quota_together(int newer, string answer)
    {
        _evaluation.Keys = [.. Enumerable.Range(0, (Limits.SignaturesPerDigest / Limits.SignaturesPerKey) + 1).Select(_ => new TestKey())];
        var bad = Enumerable.Range(0, newer).Select(number => Attestations.Garbage(_evaluation.Keys[number / Limits.SignaturesPerKey].Id, number));
        _evaluation.Stored = [.. bad.Append(_evaluation.Keys[^1].Signature(Attestations.Payload)).Select(OfPlace)];

        Assert.Equal(answer, await _evaluation.AnswerAsync());
        Assert.Equal(Limits.SignaturesPerDigest, _evaluation.Check.Count);
    }

    [Fact]
    public async Task Each_key_has_a_quota_of_its_own()
    {
        _evaluation.Keys = [new TestKey(), new TestKey()];
        var ofFirst = Enumerable.Range(0, 200).Select(number => Attestations.Garbage(_evaluation.Keys[0].Id, number));
        _evaluation.Stored = [.. ofFirst.Append(_evaluation.Keys[1].Signature(Attestations.Payload)).Select(OfPlace)];

        Assert.Equal("Allow: Attested", await _evaluation.AnswerAsync());
        Assert.Equal(Limits.SignaturesPerKey + 1, _evaluation.Check.Count);
    }

    [Fact]
    public async Task Attestation_sent_along_is_newer_than_all_that_are_stored()
    {
        _evaluation.Options = "evidenceSources: [GRAFEAS, INLINE]";
        _evaluation.Stored = [.. Signatures(100, null).Select(OfPlace)];
        var inline = Attestations.Of(EvidenceSource.Inline, Attestations.Payload, null, _evaluation.Key.Signature(Attestations.Payload));
        _evaluation.Inline = [new InlineAttestation(Evaluation.Attestor, inline)];

        Assert.Equal("Allow: Attested", await _evaluation.AnswerAsync());
    }

    [Theory]
    [InlineData(Limits.PayloadBytes, 16, "Deny: DeniedByAttestor SIGNATURE_INVALID")]
    [InlineData(Limits.PayloadBytes + 1, 16, "Deny: EvidenceLimit PAYLOAD_BYTES")]
    [InlineData(16, Limits.SignatureBytes, "Deny: DeniedByAttestor SIGNATURE_INVALID")]
    [InlineData(16, Limits.SignatureBytes + 1, "Deny: EvidenceLimit SIGNATURE_BYTES")]
    public async Task Attestation_beyond_the_limit_on_its_size_is_set_aside(int payload, int signature, string answer)
    {
        var large = Attestations.Of(new byte[payload], new AttestationSignature(_evaluation.Key.Id, new byte[signature]));
        _evaluation.Stored = [large];
        Assert.Equal(answer, await _evaluation.AnswerAsync());
        Assert.InRange(_evaluation.Verified.Count, 0, 1);

        _evaluation.Stored = [large, OfPlace(_evaluation.Key.Signature(Attestations.Payload), 1)];
        Assert.Equal("Allow: Attested", await _evaluation.AnswerAsync());
    }

    private List<AttestationSignature> Signatures(int bad, int? good)
    {
        var signatures = Enumerable.Range(0, bad).Select(number => Attestations.Garbage(_evaluation.Key.Id, number)).ToList();
        if (good is { } place)
        {
            signatures.Insert(place, _evaluation.Key.Signature(Attestations.Payload));
        }

        return signatures;
    }

    /// <summary>An attestation of its own for a signature; a higher place is older.</summary>
    private static Attestation OfPlace(AttestationSignature signature, int place) =>
        Attestations.Of(EvidenceSource.Grafeas, Attestations.Payload, Attestations.Start.AddMilliseconds(-place), signature);
}
