using PolicyService.Core.Attestations;
using PolicyService.Core.Checks;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Core.Verification;

namespace PolicyService.Core.Decisions;

/// <summary>The steps that every attestation goes through, whoever asks for it: an attestor or a check (SEMANTICS section 9, "Details").</summary>
internal static class AttestationSteps
{
    /// <summary>The step that stops an attestation for a check, in the order of the specification; null if none does.</summary>
    public static (AttestorDetail? Detail, string Why) Stop(AttestationFact fact, Digest digest, DateTimeOffset now) =>
        fact.Result is not VerificationResult.Verified verified
            ? Rejection(fact.Result)
            : Payload(fact.Attestation, verified.Payload) ?? AboutDigest(fact.Attestation, verified.Payload, digest) ?? Validity(verified, now) ?? (null, "");

    public static (AttestorDetail?, string) Rejection(VerificationResult result) => result switch
    {
        VerificationResult.Rejected { Reason: RejectionReason.KeyUnknown } rejected => (AttestorDetail.KeyUnknown, rejected.Explanation),
        VerificationResult.Rejected { Reason: RejectionReason.PayloadInvalid } rejected => (AttestorDetail.PayloadInvalid, rejected.Explanation),
        VerificationResult.Rejected rejected => (AttestorDetail.SignatureInvalid, rejected.Explanation),
        _ => (AttestorDetail.SignatureInvalid, "the signature was not verified"),
    };

    /// <summary>Each source has its own type of payload; a signature made for another purpose does not count.</summary>
    public static (AttestorDetail?, string)? Payload(Attestation attestation, SimpleSigningPayload payload)
    {
        var wanted = attestation.Source is EvidenceSource.Registry ? SimpleSigningType.Cosign : SimpleSigningType.BinaryAuthorization;
        return payload.Type == wanted ? null : (AttestorDetail.PayloadInvalid, $"the payload's critical.type is not that of {(wanted is SimpleSigningType.Cosign ? "cosign" : "Binary Authorization")}");
    }

    public static (AttestorDetail?, string)? AboutDigest(Attestation attestation, SimpleSigningPayload payload, Digest digest)
    {
        var agrees = payload.Digest == digest && (attestation.Source is not EvidenceSource.Grafeas || attestation.ResourceDigest == digest);
        return agrees ? null : (AttestorDetail.DigestMismatch, $"what was signed is about {payload.Digest}");
    }

    /// <summary>A signature that holds for a time only: PGP keys and signatures expire, and JWTs say when they hold.</summary>
    public static (AttestorDetail?, string)? Validity(VerificationResult.Verified verified, DateTimeOffset now)
    {
        for (var index = 0; index < verified.Periods.Count; index++)
        {
            if (verified.Periods[index].Contains(now))
            {
                return null;
            }
        }

        return (AttestorDetail.Expired, verified.Periods.Count == 0 ? "the signature holds at no time" : verified.Periods[0].Explain(now));
    }
}
