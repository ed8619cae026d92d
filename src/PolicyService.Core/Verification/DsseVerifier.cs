using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;

namespace PolicyService.Core.Verification;

/// <summary>
/// Verifies a signature of a DSSE envelope (DSSE v1.0, "Protocol"): over the encoding of payload and type, and never over the payload
/// alone. What is signed is read only then, and only a statement that signs an image counts.
/// </summary>
internal static class DsseVerifier
{
    public static VerificationResult Verify(PublicKey key, Attestation attestation, AttestationSignature signature)
    {
        var payload = attestation.Payload.Span;
        if (!key.Verify(DssePae.Encode(DsseEnvelope.InTotoType, payload), signature.Value.Span))
        {
            return new VerificationResult.Rejected(RejectionReason.SignatureInvalid, "the signature does not verify");
        }

        return InTotoStatement.TryParse(payload, out var statement, out var problem) && statement.TryReadSignature(out var signed, out problem)
            ? new VerificationResult.Verified(signed)
            : new VerificationResult.Rejected(RejectionReason.PayloadInvalid, problem);
    }
}
