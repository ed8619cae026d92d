using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Checks;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Core.Verification;

namespace PolicyService.Core.Decisions;

/// <summary>What the verification of one signature of one attestation gave.</summary>
/// <param name="Attestation">What was signed.</param>
/// <param name="KeyId">The key that was said to have made the signature, or that verified it; null: it names none, and none verifies it.</param>
/// <param name="Result">What verifying it gave.</param>
public sealed record AttestationFact(Attestation Attestation, KeyId? KeyId, VerificationResult Result)
{
    /// <summary>The attestation is about this index, whose bytes list the image as a child; null: it is about the image itself.</summary>
    public Digest? Index { get; init; }
}

/// <summary>Evidence that could not be had: never the same as evidence that is not there.</summary>
/// <param name="Code">One of the ERROR codes.</param>
/// <param name="Detail">Source and class, for programs: <c>GRAFEAS:TIMEOUT</c>.</param>
/// <param name="Explanation">For people; lower case, no full stop.</param>
/// <param name="IsOwnFault">Our own service or store failed; false for anything an image's author can cause.</param>
public sealed record EvidenceFailure(ReasonCode Code, string Detail, string Explanation, bool IsOwnFault)
{
    /// <summary>The key that could not be had, if that is what failed.</summary>
    public string KeyId { get; init; } = "";

    /// <summary>What to do; empty: what the code suggests.</summary>
    public string Remedy { get; init; } = "";
}

/// <summary>All that was found for one attestor and one digest.</summary>
public sealed record AttestorEvidence(IReadOnlyList<AttestationFact> Facts, IReadOnlyList<EvidenceFailure> Failures)
{
    /// <summary>There is none, and everything was looked at.</summary>
    public static AttestorEvidence Nothing { get; } = new([], []);

    /// <summary>What stands for evidence nobody collected: an error, not an absence.</summary>
    public static AttestorEvidence NotCollected { get; } =
        new([], [new EvidenceFailure(ReasonCode.EvidenceUnavailable, "INTERNAL:NOT_COLLECTED", "its evidence was not collected", IsOwnFault: true)]);
}

/// <summary>All fetched inputs of one evaluation.</summary>
/// <param name="Attestors">Evidence by attestor.</param>
/// <param name="Time">When the oldest of it was read from its source; null if there is none.</param>
public sealed record EvidenceSet(IReadOnlyDictionary<AttestorName, AttestorEvidence> Attestors, DateTimeOffset? Time)
{
    private static readonly IReadOnlyDictionary<Authenticator, AttestorEvidence> NoAuthenticators = new Dictionary<Authenticator, AttestorEvidence>();

    public static EvidenceSet Empty { get; } = new(new Dictionary<AttestorName, AttestorEvidence>(), null);

    /// <summary>Evidence by authenticator of a check.</summary>
    public IReadOnlyDictionary<Authenticator, AttestorEvidence> Authenticators { get; init; } = NoAuthenticators;

    /// <summary>With what else was found for the same attestors.</summary>
    public EvidenceSet With(EvidenceSet other) => this with
    {
        Attestors = Attestors.ToDictionary(pair => pair.Key, pair => other.Attestors.TryGetValue(pair.Key, out var more)
            ? new AttestorEvidence([.. pair.Value.Facts, .. more.Facts], [.. pair.Value.Failures, .. more.Failures.Except(pair.Value.Failures)])
            : pair.Value),
        Time = other.Time < Time ? other.Time : Time,
    };

    public AttestorEvidence Of(AttestorName attestor) => Attestors.GetValueOrDefault(attestor) ?? AttestorEvidence.NotCollected;

    public AttestorEvidence Of(Authenticator authenticator) => Authenticators.GetValueOrDefault(authenticator) ?? AttestorEvidence.NotCollected;
}
