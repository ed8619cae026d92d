using PolicyService.Core.Attestors;
using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Grafeas;
using PolicyService.Evidence.Keys;
using PolicyService.Evidence.Verification;

namespace PolicyService.Evidence;

/// <summary>
/// Collects what a decision needs: the fourth hop of a request, and the only one that may do IO. Attestations first, then the keys that
/// their signatures name, then each signature is verified, once, and remembered. What cannot be had is a failure, never an absence.
/// </summary>
/// <param name="verified">What verifying signatures gave before.</param>
/// <param name="keys">Keys that are kept elsewhere.</param>
/// <param name="stored">Attestations in the store; null where there is none.</param>
public sealed class EvidenceCollector(VerifiedSignatures verified, PublicKeyCache keys, StoredOccurrences? stored = null)
{
    private static readonly KeyResolution OutOfTime = new KeyResolution.Missing(KeyFailure.Deadline);

    /// <param name="snapshot">The documents in force for this request.</param>
    /// <param name="selection">What decides it.</param>
    /// <param name="readAt">When documents and store were last known to be current.</param>
    /// <param name="storeVersion">Version of the store's content in force for this request.</param>
    /// <param name="cancellation">The end of the time for the evaluation.</param>
    public async ValueTask<EvidenceSet> CollectAsync(
        PolicySnapshot snapshot, Selection selection, DateTimeOffset readAt, long storeVersion, CancellationToken cancellation)
    {
        var needed = new NeededEvidence(snapshot, selection, readAt);
        if (needed.IsNothing)
        {
            return EvidenceSet.Empty;
        }

        var inStore = await StoredAsync(selection, needed.Parents, storeVersion, cancellation);
        return needed.RemoteKeys(inStore, keys.IsKnown) is { } unknown
            ? await FetchThenVerifyAsync(needed, inStore, unknown, cancellation)
            : needed.Verify(inStore, keys.Lookup, verified.Check, cancellation);
    }

    /// <summary>
    /// Verifies with what is there, and again as each key arrives; signatures that were verified are not verified again. So a key service
    /// that does not answer in time takes nothing away from what other keys vouch for.
    /// </summary>
    private async Task<EvidenceSet> FetchThenVerifyAsync(
        NeededEvidence needed, StoredAttestations inStore, List<RemoteKey> unknown, CancellationToken cancellation)
    {
        var fetched = unknown.ToDictionary(key => key, _ => OutOfTime);
        var evidence = needed.Verify(inStore, Lookup, verified.Check, cancellation);
        var fetching = unknown.ToDictionary(key => (Task)keys.ResolveAsync(key, cancellation), key => key);
        await foreach (var done in Task.WhenEach(fetching.Keys))
        {
            if (cancellation.IsCancellationRequested)
            {
                break;
            }

            fetched[fetching[done]] = await (Task<KeyResolution>)done;
            var latest = needed.Verify(inStore, Lookup, verified.Check, cancellation);
            evidence = cancellation.IsCancellationRequested ? evidence : latest;
        }

        return evidence;

        KeyResolution Lookup(RemoteKey key) => fetched.GetValueOrDefault(key) ?? keys.Lookup(key);
    }

    /// <summary>The store's attestations for all attestors and checks in one question, or why they cannot be had: our own fault, and no absence.</summary>
    private async ValueTask<StoredAttestations> StoredAsync(
        Selection selection, IReadOnlyCollection<OccurrenceParent> parents, long storeVersion, CancellationToken cancellation)
    {
        if (stored is null || parents.Count == 0)
        {
            return StoredAttestations.None;
        }

        try
        {
            return new StoredAttestations(await stored.OfAsync(storeVersion, selection.Request.Image.Digest!.Value, parents, cancellation), null);
        }
        catch (EvidenceSourceException exception)
        {
            return new StoredAttestations(null, new EvidenceFailure(
                ReasonCode.EvidenceUnavailable, $"GRAFEAS:{exception.Class}", $"the store of attestations: {exception.Message}", IsOwnFault: true));
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The caller's own patience: a caller must not open the gate with a short deadline.
            return new StoredAttestations(null, new EvidenceFailure(
                ReasonCode.Deadline, "GRAFEAS", "the time ran out before the store of attestations answered", IsOwnFault: false));
        }
    }
}
