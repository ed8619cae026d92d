using PolicyService.Core.Images;
using PolicyService.Core.Policies;

namespace PolicyService.Evidence.Caching;

/// <summary>What evidence is asked for, in full: evidence of one project, source, note or image never answers for another's.</summary>
/// <param name="Project">Whose documents ask.</param>
/// <param name="Source">Where the evidence lives.</param>
/// <param name="Configuration">
/// All of the source's configuration that its answer depends on: address, repository, identity used. A store that is restored from a
/// backup counts its generations anew, so its configuration includes what tells its incarnations apart.
/// </param>
/// <param name="Note">The note it hangs on.</param>
/// <param name="Digest">The image.</param>
public sealed record EvidenceQuestion(string Project, EvidenceSource Source, string Configuration, NoteName Note, Digest Digest)
{
    internal CacheKey Key => CacheKey.Of("evidence", Project, SourceName, Configuration, Note.ToString(), Digest.ToString());

    /// <summary>Named beside the key when a value is sealed.</summary>
    internal string SourceName => $"{Source}";
}

/// <summary>Evidence as a source gave it: neither verified nor judged, which each replica does for itself.</summary>
/// <param name="Generation">
/// The generation of the source that was known before the fetch began, so that the content is never older than it says; 0 for sources
/// that have none, whose evidence only time ends.
/// </param>
/// <param name="FetchedAt">When the fetch began.</param>
/// <param name="Content">The source's own bytes.</param>
public sealed record FetchedEvidence(long Generation, DateTimeOffset FetchedAt, ReadOnlyMemory<byte> Content);

/// <summary>
/// Evidence in Redis (ARCHITECTURE section 3), for fleets with a fleet key only; without one it holds nothing. It saves a fetch and
/// nothing else: no verdict and no result of a verification is ever put there.
/// </summary>
/// <remarks>
/// Redis may replay anything it ever saw, a deleted attestation among it. The seal does not help there: the old value is genuine.
/// The generation does. Deleting an attestation raises the generation of its store, each replica learns the new one by polling, which
/// Redis has no part in, and from then on asks for evidence of that generation or a later one; the replayed value says an earlier one,
/// and that number is under the seal. Until the poll (SEMANTICS section 5: within 1 s) the attestation counts, as it does without Redis.
/// For sources without generations the fetch time does the same, later: evidence is no use once it is as old as the caller says.
/// </remarks>
public sealed class SharedEvidence(RedisLink? link, FleetKey? fleet, CacheCounters counters, TimeProvider time)
{
    private readonly Seal? _seal = fleet is null ? null : new Seal(fleet.Derive(FleetKeyPurpose.Evidence));

    /// <param name="question">What is asked.</param>
    /// <param name="generation">The newest generation of the source that this replica knows; an older answer is a miss.</param>
    /// <param name="maxAge">How old an answer may be, whatever lifetime it was stored with.</param>
    /// <param name="cancellation">The end of the time for the evaluation.</param>
    /// <returns>Null: nothing usable.</returns>
    public async ValueTask<FetchedEvidence?> GetAsync(EvidenceQuestion question, long generation, TimeSpan maxAge, CancellationToken cancellation)
    {
        if (link is null || _seal is null)
        {
            return null;
        }

        var (outcome, bytes) = await link.ReadAsync(question.Key, cancellation);
        var value = default(SealedValue);
        if (outcome is CacheOutcome.Hit)
        {
            outcome = !_seal.TryOpen(question.Key, question.SourceName, bytes, out value) ? CacheOutcome.Lie
                : IsUsable(value, generation, maxAge) ? CacheOutcome.Hit
                : CacheOutcome.Stale;
        }

        counters.Count(CacheLevel.Redis, outcome);
        return outcome is CacheOutcome.Hit ? new FetchedEvidence(value.Generation, value.FetchedAt, value.Content) : null;
    }

    /// <summary>Offers what was fetched to the other replicas; what is too large or too old is not kept.</summary>
    public void Offer(EvidenceQuestion question, FetchedEvidence fetched, TimeSpan lifetime)
    {
        if (link is not null && _seal is not null && fetched.Content.Length <= Core.Limits.SharedValueBytes - Seal.Overhead)
        {
            var left = fetched.FetchedAt + lifetime - time.GetUtcNow();
            link.Write(question.Key, _seal.Close(question.Key, question.SourceName, new SealedValue(fetched.Generation, fetched.FetchedAt, lifetime, fetched.Content)), left);
        }
    }

    private bool IsUsable(SealedValue value, long generation, TimeSpan maxAge)
    {
        var now = time.GetUtcNow();
        return value.Generation >= generation && value.IsCurrentAt(now) && now - value.FetchedAt < maxAge;
    }
}
