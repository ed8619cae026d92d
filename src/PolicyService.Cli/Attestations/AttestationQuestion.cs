using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Core.Verification;

namespace PolicyService.Cli.Attestations;

/// <summary>Does this key's signature of this payload vouch for this image? All inputs read and usable.</summary>
internal sealed record AttestationQuestion(Digest Digest, VerificationKey Key, byte[] Payload, byte[] Signature, DateTimeOffset Now)
{
    /// <summary>The steps of an evaluation, in its order; null if none refuses.</summary>
    public string? Refusal()
    {
        var signature = new AttestationSignature(Key.DefaultId, Signature);
        var attestation = new Attestation(Payload, [signature]) { Source = EvidenceSource.Inline };
        switch (AttestationVerifier.VerifySignature(Key, attestation, signature))
        {
            case VerificationResult.Verified { Payload.Type: not SimpleSigningType.BinaryAuthorization }:
                return "the payload's critical.type is not that of Binary Authorization";
            case VerificationResult.Verified verified when verified.Payload.Digest != Digest:
                return $"what was signed is about {verified.Payload.Digest}, not about {Digest}";
            case VerificationResult.Verified verified:
                return verified.Periods.Any(period => period.Contains(Now)) ? null
                    : verified.Periods.Count > 0 ? verified.Periods[0].Explain(Now)
                    : "the signature holds at no time";
            case VerificationResult.Rejected { Reason: RejectionReason.SignatureInvalid } when IsText(Signature):
                return "the signature does not verify, and its file holds text: give the bytes themselves (`base64 -d`)";
            case VerificationResult.Rejected rejected:
                return rejected.Explanation;
            default:
                return "the signature was not verified";
        }
    }

    /// <summary>Base64 or PEM, as no signature of 8 bytes or more is by chance in practice.</summary>
    private static bool IsText(byte[] signature) => signature.Length > 0 && Array.TrueForAll(signature, value => value is (>= 0x20 and < 0x7f) or (byte)'\n' or (byte)'\r');
}
