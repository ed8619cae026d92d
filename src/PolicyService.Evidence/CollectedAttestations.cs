using PolicyService.Core;
using PolicyService.Core.Attestations;
using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;
using PolicyService.Evidence.Grafeas;
using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence;

/// <summary>What was collected of a digest beside the documents: what the store said, and what a Container Analysis elsewhere did.</summary>
/// <param name="Found">Of the store, by note and project; null where there is none, or it failed.</param>
/// <param name="Failed">The questions to which the store said nothing, and why.</param>
internal sealed record CollectedAttestations(IReadOnlyDictionary<OccurrenceParent, ParentOccurrences>? Found, IReadOnlyList<FailedQuestion> Failed)
{
    private static readonly IReadOnlyDictionary<RemoteQuestion, RemoteAnswer> Nothing = new Dictionary<RemoteQuestion, RemoteAnswer>();

    public static CollectedAttestations None { get; } = new(null, []);

    private static EvidenceFailure Limit { get; } = new(
        ReasonCode.EvidenceLimit, "OCCURRENCES_PER_DIGEST", $"more than {Limits.SignaturesPerDigest} attestations of the digest, or too large ones", IsOwnFault: false);

    /// <summary>What was asked elsewhere, and what came of it.</summary>
    public IReadOnlyDictionary<RemoteQuestion, RemoteAnswer> Remote { get; init; } = Nothing;

    /// <summary>When the oldest of it was read at its source; null: only the store was asked.</summary>
    public DateTimeOffset? RemoteReadAt => Remote.Values.Where(answer => answer.Occurrences.Count > 0 || answer.Failure is RemoteFailure.None).Min(answer => (DateTimeOffset?)answer.ReadAt);

    /// <summary>The attestations of some notes and projects, newest first.</summary>
    public IReadOnlyList<Attestation> Of(IReadOnlyList<OccurrenceParent> parents, TimeSpan grace, DateTimeOffset now)
    {
        Attestation[] stored = [.. parents.SelectMany(parent => Found?.GetValueOrDefault(parent)?.Attestations ?? [])];
        return Remote.Count == 0
            ? stored
            : [.. stored.Concat(RemoteOf(parents).SelectMany(answer => answer.Attestations(grace, now))).OrderByDescending(attestation => attestation.FirstSeen ?? DateTimeOffset.MinValue)];
    }

    public IEnumerable<EvidenceFailure> FailuresOf(IReadOnlyList<OccurrenceParent> parents)
    {
        if (parents.Count == 0)
        {
            return [];
        }

        var isCut = parents.Any(parent => Found?.GetValueOrDefault(parent) is { IsCut: true }) || RemoteOf(parents).Any(answer => answer.IsCut);
        return Failed.Where(question => question.Parents.Any(parents.Contains)).Select(question => question.Failure).Concat(isCut ? [Limit] : [])
            .Concat(RemoteOf(parents).Where(answer => answer.Failure is not RemoteFailure.None).Select(answer => RemoteFailures.Of(answer.Failure)).Distinct());
    }

    private IEnumerable<RemoteAnswer> RemoteOf(IReadOnlyList<OccurrenceParent> parents) => Remote.Where(pair => parents.Contains(pair.Key.Parent)).Select(pair => pair.Value);
}

/// <summary>A question the store did not answer.</summary>
/// <param name="Parents">What was asked about.</param>
/// <param name="Failure">Why there is no answer.</param>
internal sealed record FailedQuestion(IReadOnlyCollection<OccurrenceParent> Parents, EvidenceFailure Failure);
