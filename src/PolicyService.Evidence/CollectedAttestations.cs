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
internal sealed record CollectedAttestations(FoundOccurrences? Found, IReadOnlyList<FailedQuestion> Failed)
{
    private static readonly IReadOnlyDictionary<RemoteQuestion, RemoteAnswer> Nothing = new Dictionary<RemoteQuestion, RemoteAnswer>();

    public static CollectedAttestations None { get; } = new(null, []);

    private static EvidenceFailure Limit { get; } = new(
        ReasonCode.EvidenceLimit, "OCCURRENCES_PER_DIGEST", $"more than {Limits.SignaturesPerDigest} attestations of the digest, or too large ones", IsOwnFault: false);

    /// <summary>What was asked elsewhere, and what came of it.</summary>
    public IReadOnlyDictionary<RemoteQuestion, RemoteAnswer> Remote { get; init; } = Nothing;

    /// <summary>When the oldest of it was read at its source; null: only the store was asked.</summary>
    public DateTimeOffset? RemoteReadAt => Remote.Count == 0 ? null : Remote.Values.Where(answer => answer.Items.Count > 0 || answer.Failure is RemoteFailure.None).Min(answer => (DateTimeOffset?)answer.ReadAt);

    /// <summary>The attestations that concern an attestor or check, newest first.</summary>
    public IReadOnlyList<Attestation> Of(EvidencePlaces places, TimeSpan grace, DateTimeOffset now)
    {
        var stored = places.Parents.Count == 1 ? StoredOf(places.Parents[0]) : [.. places.Parents.SelectMany(StoredOf)];
        return Remote.Count == 0
            ? stored
            : [.. stored.Concat(RemoteOf(places).SelectMany(one => one.Answer.Attestations(grace, now))).OrderByDescending(attestation => attestation.FirstSeen ?? DateTimeOffset.MinValue)];
    }

    public IEnumerable<EvidenceFailure> FailuresOf(EvidencePlaces places)
    {
        var isStoreCut = IsCut(places.Parents);
        if (!isStoreCut && Failed.Count == 0 && Remote.Count == 0)
        {
            return [];
        }

        var isCut = isStoreCut || RemoteOf(places).Any(one => one.Answer.IsCut);
        return Failed.Where(question => question.Parents.Any(places.Parents.Contains)).Select(question => question.Failure).Concat(isCut ? [Limit] : [])
            .Concat(RemoteOf(places).Where(one => one.Answer.Failure is not RemoteFailure.None).Select(one => one.Question.FailureOf(one.Answer.Failure)).Distinct());
    }

    private IReadOnlyList<Attestation> StoredOf(OccurrenceParent parent) => Found?.Find(parent)?.Attestations ?? [];

    private bool IsCut(IReadOnlyList<OccurrenceParent> parents)
    {
        for (var index = 0; index < parents.Count; index++)
        {
            if (Found?.Find(parents[index]) is { IsCut: true })
            {
                return true;
            }
        }

        return false;
    }

    private IEnumerable<(RemoteQuestion Question, RemoteAnswer Answer)> RemoteOf(EvidencePlaces places) =>
        places.Questions.Where(Remote.ContainsKey).Select(question => (question, Remote[question]));
}

/// <summary>Where the evidence of one attestor or check may lie.</summary>
/// <param name="Parents">Notes and projects of the store.</param>
/// <param name="Questions">What sources elsewhere may know.</param>
internal sealed record EvidencePlaces(IReadOnlyList<OccurrenceParent> Parents, IReadOnlyList<RemoteQuestion> Questions);

/// <summary>A question the store did not answer.</summary>
/// <param name="Parents">What was asked about.</param>
/// <param name="Failure">Why there is no answer.</param>
internal sealed record FailedQuestion(IReadOnlyCollection<OccurrenceParent> Parents, EvidenceFailure Failure);
