using PolicyService.Core;
using PolicyService.Core.Attestations;
using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;
using PolicyService.Evidence.Grafeas;

namespace PolicyService.Evidence;

/// <summary>What the store said of a digest: by note and project, or nothing because it failed.</summary>
internal sealed record StoredAttestations(IReadOnlyDictionary<OccurrenceParent, ParentOccurrences>? Found, EvidenceFailure? Failure)
{
    public static StoredAttestations None { get; } = new(null, null);

    private static EvidenceFailure Limit { get; } = new(
        ReasonCode.EvidenceLimit, "OCCURRENCES_PER_DIGEST", $"more than {Limits.SignaturesPerDigest} attestations of the digest, or too large ones", IsOwnFault: false);

    public IReadOnlyList<Attestation> Of(IReadOnlyList<OccurrenceParent> parents) =>
        Found is null ? [] : [.. parents.SelectMany(parent => Found.GetValueOrDefault(parent)?.Attestations ?? [])];

    public IEnumerable<EvidenceFailure> FailuresOf(IReadOnlyList<OccurrenceParent> parents) =>
        parents.Count == 0 ? []
        : Failure is not null ? [Failure]
        : parents.Any(parent => Found?.GetValueOrDefault(parent) is { IsCut: true }) ? [Limit]
        : [];
}
