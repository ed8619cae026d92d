using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Verification;

namespace PolicyService.Evidence.Verification;

/// <summary>Verifies nothing: says what was verified before, and remembers whether that was all.</summary>
internal sealed class Recollection(VerifiedSignatures verified)
{
    private static readonly VerificationResult Unknown = new VerificationResult.Rejected(RejectionReason.SignatureInvalid, "it was not verified");

    /// <summary>Everything asked for was verified before. Otherwise what was found counts for nothing.</summary>
    public bool IsComplete { get; private set; } = true;

    /// <summary>A signature that was not verified is refused.</summary>
    public VerificationResult Check(VerificationKey key, Attestation attestation, AttestationSignature signature)
    {
        if (verified.Recall(key, attestation, signature) is { } result)
        {
            return result;
        }

        IsComplete = false;
        return Unknown;
    }
}
