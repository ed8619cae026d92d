using PolicyService.Core.Attestors;
using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Core.Verification;
using PolicyService.Evidence.Grafeas;
using PolicyService.Evidence.Keys;
using PolicyService.Evidence.Registries;
using PolicyService.Evidence.Remote;
using PolicyService.Evidence.Verification;

namespace PolicyService.Evidence;

/// <summary>
/// Collects what a decision needs: the fourth hop of a request, and the only one that may do IO. Attestations of the store first; where
/// they do not suffice those of a Container Analysis elsewhere and the signatures beside the image; then the keys that made them; then each
/// signature is verified, once, and remembered. What cannot be had is a failure, never an absence.
/// </summary>
/// <param name="verified">What verifying signatures gave before.</param>
/// <param name="keys">Keys that are kept elsewhere.</param>
/// <param name="stored">Attestations in the store; null where there is none.</param>
/// <param name="remote">Attestations of other services and of registries; null: none is read.</param>
/// <param name="indexes">What indexes list; null: none is read.</param>
public sealed class EvidenceCollector(
    VerifiedSignatures verified, PublicKeyCache keys, StoredOccurrences? stored = null, RemoteAnswers? remote = null, IndexChildren? indexes = null)
{
    private static readonly KeyResolution OutOfTime = new KeyResolution.Missing(KeyFailure.Deadline);

    /// <param name="snapshot">The documents in force for this request.</param>
    /// <param name="selection">What decides it.</param>
    /// <param name="readAt">When documents and store were last known to be current.</param>
    /// <param name="storeVersion">Version of the store's content in force for this request.</param>
    /// <param name="caller">Who asks: where callers share something, each has its turn.</param>
    /// <param name="now">The time of the decision.</param>
    /// <param name="cancellation">The end of the time for the evaluation.</param>
    public async ValueTask<EvidenceSet> CollectAsync(
        PolicySnapshot snapshot, Selection selection, DateTimeOffset readAt, long storeVersion, string caller, DateTimeOffset now, CancellationToken cancellation)
    {
        var needed = new NeededEvidence(snapshot, selection, readAt, now);
        if (needed.IsNothing)
        {
            return EvidenceSet.Empty;
        }

        var evidence = await CollectAsync(needed, storeVersion, caller, cancellation);
        return selection.Options.IndexCoversChildren && selection.Request.ParentDigest is { } index && index != needed.Digest && needed.Lacks(evidence)
            ? evidence.With(await OfIndexAsync(new NeededEvidence(snapshot, selection, readAt, now, index), selection, needed.Digest, storeVersion, caller, cancellation))
            : evidence;
    }

    /// <summary>
    /// The evidence where all of it is in memory, and nothing is to be asked, fetched or verified: so it is for a hot decision, which needs no
    /// timer then. It takes the steps of <see cref="CollectAsync(PolicySnapshot, Selection, DateTimeOffset, long, string, DateTimeOffset, CancellationToken)"/>
    /// and gives what they would give.
    /// </summary>
    /// <returns>Null: something is not in memory.</returns>
    /// <inheritdoc cref="CollectAsync(PolicySnapshot, Selection, DateTimeOffset, long, string, DateTimeOffset, CancellationToken)"/>
    public EvidenceSet? AtHand(PolicySnapshot snapshot, Selection selection, DateTimeOffset readAt, long storeVersion, DateTimeOffset now)
    {
        if (selection.IsTraced || (selection.Options.IndexCoversChildren && selection.Request.ParentDigest is not null))
        {
            // A step looked at in vain would be noted twice; an index may have more.
            return null;
        }

        var needed = new NeededEvidence(snapshot, selection, readAt, now);
        if (needed.IsNothing)
        {
            return EvidenceSet.Empty;
        }

        if (StoredAtHand(needed, storeVersion) is not { } found || needed.RemoteKeys(found, evidence: null, keys.IsKnown) is not null)
        {
            return null;
        }

        var memory = new Recollection(verified);
        var evidence = needed.Verify(found, keys.Lookup, memory.Check, CancellationToken.None);
        return memory.IsComplete && needed.RemoteQuestions(evidence).Count == 0 ? evidence : null;
    }

    private CollectedAttestations? StoredAtHand(NeededEvidence needed, long storeVersion)
    {
        if (stored is null)
        {
            return CollectedAttestations.None;
        }

        var (deciding, monitored) = (needed.Parents, needed.MonitoredParents);
        return stored.Known(storeVersion, needed.Digest, monitored.Count == 0 ? deciding : [.. deciding, .. monitored]) is { } known ? new CollectedAttestations(known, []) : null;
    }

    private async ValueTask<EvidenceSet> CollectAsync(NeededEvidence needed, long storeVersion, string caller, CancellationToken cancellation)
    {
        var found = await StoredAsync(needed, storeVersion, caller, cancellation);
        var evidence = await VerifyAsync(needed, found, cancellation);
        return needed.RemoteQuestions(evidence) is { Count: > 0 } questions
            ? await AskElsewhereAsync(needed, found, questions, cancellation)
            : evidence;
    }

    /// <summary>
    /// What vouches for an index whose bytes list the image (SEMANTICS section 1, "Index and platform manifest"). The request's word for it is
    /// a hint where to look; the bytes, hashed here, decide.
    /// </summary>
    private async ValueTask<EvidenceSet> OfIndexAsync(
        NeededEvidence needed, Selection selection, Digest child, long storeVersion, string caller, CancellationToken cancellation)
    {
        var listing = await ListsAsync();
        selection.Note("index", listing.IsListed ? "COVERS" : "COVERS_NOT", listing.IsListed ? $"{needed.Digest} lists the image" : listing.Why);
        return listing.IsListed ? await CollectAsync(needed, storeVersion, caller, cancellation)
            : listing.Failure is { } failure ? needed.Failed(failure)
            : EvidenceSet.Empty;

        async Task<IndexListing> ListsAsync()
        {
            if (needed.Repository is not { } repository)
            {
                return IndexListing.No(RegistryReasons.NotAsked(selection));
            }

            try
            {
                return indexes is null
                    ? IndexListing.Failed(repository, RemoteFailure.NotFetched)
                    : await indexes.ListsAsync(selection.Project!.Id, repository, needed.Digest, child, cancellation);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return IndexListing.Failed(repository, RemoteFailure.Deadline);
            }
        }
    }

    /// <summary>Asks what the store lacks elsewhere; and what would deny once more, since an answer may be minutes old (SEMANTICS section 5).</summary>
    private async Task<EvidenceSet> AskElsewhereAsync(
        NeededEvidence needed, CollectedAttestations found, IReadOnlyList<RemoteQuestion> questions, CancellationToken cancellation)
    {
        var since = remote?.Now ?? 0;
        // Keys are asked for meanwhile: an answer that names one would otherwise cost a further round trip.
        foreach (var key in needed.LikelyKeys(questions.Where(question => remote?.IsKnown(question) is false)))
        {
            keys.Prefetch(key);
        }

        var (answers, enough) = await UntilEnoughAsync(needed, found, questions, cancellation);
        found = found with { Remote = answers };
        if (enough is not null)
        {
            Archive(found, enough);
            return enough;
        }

        var evidence = await VerifyAsync(needed, found, cancellation);
        RemoteQuestion[] denying = [.. needed.Denying(evidence, questions)];
        if (denying.Length > 0)
        {
            // All are on their way before the first is waited for.
            var asking = denying.ToDictionary(question => question, question => AnswerAsync(source => source.AgainAsync(question, found.Remote[question], since, cancellation), cancellation));
            await Task.WhenAll(asking.Values);
            var again = asking.ToDictionary(pair => pair.Key, pair => pair.Value.Result);
            if (denying.Any(question => !ReferenceEquals(again[question], found.Remote[question])))
            {
                found = found with { Remote = questions.ToDictionary(question => question, question => again.GetValueOrDefault(question) ?? found.Remote[question]) };
                evidence = await VerifyAsync(needed, found, cancellation);
            }
        }

        Archive(found, evidence);
        return evidence;
    }

    /// <summary>
    /// Asks all at once, and waits for no more of them than it takes: a source that hangs takes nothing away from what another vouches for.
    /// </summary>
    /// <returns>The answers, and the evidence that suffices if it came before all of them.</returns>
    private async Task<(Dictionary<RemoteQuestion, RemoteAnswer> Answers, EvidenceSet? Enough)> UntilEnoughAsync(
        NeededEvidence needed, CollectedAttestations found, IReadOnlyList<RemoteQuestion> questions, CancellationToken cancellation)
    {
        var asking = questions.ToDictionary(question => (Task)AnswerAsync(source => source.OfAsync(question, cancellation), cancellation), question => question);
        var answers = new Dictionary<RemoteQuestion, RemoteAnswer>(asking.Count);
        await foreach (var done in Task.WhenEach(asking.Keys))
        {
            answers[asking[done]] = await (Task<RemoteAnswer>)done;
            // With the keys at hand: to wait for one here would be to wait for it before the other sources.
            if (answers.Count < asking.Count && asking.Any(one => !one.Key.IsCompleted)
                && needed.Verify(found with { Remote = answers }, keys.Lookup, verified.Check, cancellation) is var evidence && needed.IsSatisfied(evidence))
            {
                return (answers, evidence);
            }
        }

        return (answers, null);
    }

    private async Task<RemoteAnswer> AnswerAsync(Func<RemoteAnswers, ValueTask<RemoteAnswer>> ask, CancellationToken cancellation)
    {
        try
        {
            return remote is null ? RemoteAnswer.Failed(RemoteFailure.NotFetched) : await ask(remote);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The caller's own patience: neither the archive nor anything else opens the gate for a short deadline.
            return RemoteAnswer.Failed(RemoteFailure.Deadline);
        }
    }

    /// <summary>Hands what verified to the archive, which nobody waits for.</summary>
    private void Archive(CollectedAttestations found, EvidenceSet evidence)
    {
        var good = evidence.Attestors.Values.Concat(evidence.Authenticators.Values).SelectMany(one => one.Facts)
            .Where(fact => fact.Result is VerificationResult.Verified).Select(fact => fact.Attestation).ToHashSet();
        if (good.Count > 0)
        {
            foreach (var (question, answer) in found.Remote)
            {
                remote?.Verified(question, answer, good);
            }
        }
    }

    private async ValueTask<EvidenceSet> VerifyAsync(NeededEvidence needed, CollectedAttestations found, CancellationToken cancellation)
    {
        // In this order: a key that arrives in between was not there when its signature was looked at.
        var unknown = needed.RemoteKeys(found, evidence: null, keys.IsKnown);
        var evidence = needed.Verify(found, keys.Lookup, verified.Check, cancellation);
        return unknown is not null && needed.RemoteKeys(found, evidence, key => !unknown.Contains(key)) is { } lacking
            ? await FetchThenVerifyAsync(needed, found, lacking, cancellation)
            : evidence;
    }

    /// <summary>
    /// Verifies with what is there, and again as each key arrives, until nothing is lacking; signatures that were verified are not verified
    /// again. So a key service that does not answer in time takes nothing away from what other keys vouch for, neither answer nor time.
    /// </summary>
    private async Task<EvidenceSet> FetchThenVerifyAsync(
        NeededEvidence needed, CollectedAttestations found, List<RemoteKey> unknown, CancellationToken cancellation)
    {
        var fetched = unknown.ToDictionary(key => key, _ => OutOfTime);
        var evidence = needed.Verify(found, Lookup, verified.Check, cancellation);
        var fetching = unknown.ToDictionary(key => (Task)keys.ResolveAsync(key, cancellation), key => key);
        await foreach (var done in Task.WhenEach(fetching.Keys))
        {
            if (cancellation.IsCancellationRequested)
            {
                break;
            }

            fetched[fetching[done]] = await (Task<KeyResolution>)done;
            var latest = needed.Verify(found, Lookup, verified.Check, cancellation);
            evidence = cancellation.IsCancellationRequested ? evidence : latest;
            if (needed.RemoteKeys(found, evidence, key => fetched.GetValueOrDefault(key) != OutOfTime) is null)
            {
                break;
            }
        }

        return evidence;

        KeyResolution Lookup(RemoteKey key) => fetched.GetValueOrDefault(key) ?? keys.Lookup(key);
    }

    /// <summary>The store's attestations for all attestors and checks in one question, or why they cannot be had, which is no absence.</summary>
    private async ValueTask<CollectedAttestations> StoredAsync(NeededEvidence needed, long storeVersion, string caller, CancellationToken cancellation)
    {
        if (stored is null)
        {
            return CollectedAttestations.None;
        }

        var (deciding, monitored) = (needed.Parents, needed.MonitoredParents);
        if (monitored.Count == 0)
        {
            return await AskAsync(deciding);
        }

        // Asked by itself, so that a policy that only monitors takes nothing away from those that decide.
        var asking = AskAsync(monitored).AsTask();
        var (first, second) = (await AskAsync(deciding), await asking);
        return new CollectedAttestations(
            first.Found is null ? second.Found : second.Found is null ? first.Found : first.Found.With(second.Found, monitored), [.. first.Failed, .. second.Failed]);

        async ValueTask<CollectedAttestations> AskAsync(IReadOnlyList<OccurrenceParent> parents)
        {
            try
            {
                return parents.Count == 0
                    ? CollectedAttestations.None
                    : new CollectedAttestations(await stored.OfAsync(storeVersion, needed.Digest, parents, caller, cancellation), []);
            }
            catch (EvidenceSourceException exception)
            {
                return new CollectedAttestations(null, [new FailedQuestion(parents, new EvidenceFailure(
                    ReasonCode.EvidenceUnavailable, $"GRAFEAS:{exception.Class}", $"the store of attestations: {exception.Message}", exception.IsOwnFault))]);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                // The caller's own patience: a caller must not open the gate with a short deadline.
                return new CollectedAttestations(null, [new FailedQuestion(parents, new EvidenceFailure(
                    ReasonCode.Deadline, "GRAFEAS", "the time ran out before the store of attestations answered", IsOwnFault: false))]);
            }
        }
    }
}
