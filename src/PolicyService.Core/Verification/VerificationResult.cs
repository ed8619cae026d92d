using PolicyService.Core.Attestations;

namespace PolicyService.Core.Verification;

/// <summary>Why a signature does not count.</summary>
public enum RejectionReason
{
    Unspecified,
    KeyUnknown,
    SignatureInvalid,
    PayloadInvalid,
}

/// <summary>Either <see cref="Verified"/> or <see cref="Rejected"/>; the private constructor closes the set.</summary>
public abstract record VerificationResult
{
    private VerificationResult()
    {
    }

    /// <summary>The signature holds, at the times it says. Only this case carries data that came from the attestation.</summary>
    public sealed record Verified(SimpleSigningPayload Payload) : VerificationResult
    {
        private static readonly ValidityPeriod[] AtAnyTime = [ValidityPeriod.Always];

        /// <summary>When it holds: within any one of these. Judged at every decision, so that the rest can be remembered.</summary>
        public IReadOnlyList<ValidityPeriod> Periods { get; init; } = AtAnyTime;
    }

    /// <summary>The signature does not hold, or what it signs is no payload.</summary>
    public sealed record Rejected(RejectionReason Reason, string Explanation) : VerificationResult;
}
