using PolicyService.Core.Attestations;

namespace PolicyService.Evidence.Tests;

public sealed class TamperTests
{
    private readonly Evaluation _evaluation = new();

    [Fact]
    public async Task Attestation_with_any_bit_flipped_counts_for_nothing()
    {
        var signature = _evaluation.Key.Sign(Attestations.Payload);
        _evaluation.Stored = [Attestations.Of(Attestations.Payload, new AttestationSignature(_evaluation.Key.Id, signature))];
        Assert.Equal("Allow: Attested", await _evaluation.AnswerAsync());

        // Under the limit of signatures per key each one is verified: one that held would admit the image.
        foreach (var part in Flipped(Attestations.Payload, signature).Chunk(100))
        {
            _evaluation.Stored = part;
            Assert.Equal("Deny: DeniedByAttestor SIGNATURE_INVALID", await _evaluation.AnswerAsync());
        }

        Assert.Equal(1 + (8 * (Attestations.Payload.Length + signature.Length)), _evaluation.Check.Count);
    }

    private IEnumerable<Attestation> Flipped(byte[] payload, byte[] signature)
    {
        for (var bit = 0; bit < 8 * (payload.Length + signature.Length); bit++)
        {
            var (newPayload, newSignature) = ((byte[])payload.Clone(), (byte[])signature.Clone());
            var (bytes, offset) = bit < 8 * payload.Length ? (newPayload, bit) : (newSignature, bit - (8 * payload.Length));
            bytes[offset / 8] ^= (byte)(1 << (offset % 8));
            yield return Attestations.Of(newPayload, new AttestationSignature(_evaluation.Key.Id, newSignature));
        }
    }
}
