using PolicyService.Core.Attestors;
using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Keys;
using PolicyService.Evidence.Verification;

namespace PolicyService.Evidence;

/// <summary>
/// Collects what a decision needs: the fourth hop of a request, and the only one that may do IO. A signature is verified
/// once and remembered; what cannot be had is a failure, never an absence.
/// </summary>
public sealed class EvidenceCollector(VerifiedSignatures verified, PublicKeyCache keys)
{
    private static readonly KeyResolution OutOfTime = new KeyResolution.Missing(KeyFailure.Deadline);

    /// <param name="snapshot">The documents in force for this request.</param>
    /// <param name="selection">What decides it.</param>
    /// <param name="readAt">When the documents were last known to be current.</param>
    /// <param name="cancellation">The end of the time for the evaluation.</param>
    public ValueTask<EvidenceSet> CollectAsync(PolicySnapshot snapshot, Selection selection, DateTimeOffset readAt, CancellationToken cancellation)
    {
        List<RemoteKey>? unknown = null;
        foreach (var required in selection.NeedEvidence)
        {
            LocalEvidence.FindRemoteKeys(snapshot, selection, required, keys.IsKnown, ref unknown);
        }

        return unknown is null
            ? ValueTask.FromResult(Verify(snapshot, selection, readAt, keys.Lookup, cancellation))
            : FetchThenVerifyAsync(snapshot, selection, readAt, unknown, cancellation);
    }

    /// <summary>
    /// Verifies with what is there, and again as each key arrives; signatures that were verified are not verified again. So a key service
    /// that does not answer in time takes nothing away from what other keys vouch for.
    /// </summary>
    private async ValueTask<EvidenceSet> FetchThenVerifyAsync(
        PolicySnapshot snapshot, Selection selection, DateTimeOffset readAt, List<RemoteKey> unknown, CancellationToken cancellation)
    {
        var fetched = unknown.ToDictionary(key => key, _ => OutOfTime);
        var evidence = Verify(snapshot, selection, readAt, Lookup, cancellation);
        var fetching = unknown.ToDictionary(key => (Task)keys.ResolveAsync(key, cancellation), key => key);
        await foreach (var done in Task.WhenEach(fetching.Keys))
        {
            if (cancellation.IsCancellationRequested)
            {
                break;
            }

            fetched[fetching[done]] = await (Task<KeyResolution>)done;
            var latest = Verify(snapshot, selection, readAt, Lookup, cancellation);
            evidence = cancellation.IsCancellationRequested ? evidence : latest;
        }

        return evidence;

        KeyResolution Lookup(RemoteKey key) => fetched.GetValueOrDefault(key) ?? keys.Lookup(key);
    }

    private EvidenceSet Verify(PolicySnapshot snapshot, Selection selection, DateTimeOffset readAt, KeyLookup lookup, CancellationToken cancellation)
    {
        Dictionary<AttestorName, AttestorEvidence>? collected = null;
        foreach (var required in selection.NeedEvidence)
        {
            var local = LocalEvidence.Collect(snapshot, selection, required, lookup, verified.Check, cancellation);
            var failures = Unreachable(selection, required).ToArray();
            (collected ??= [])[required.Name] = failures.Length == 0 ? local : local with { Failures = [.. local.Failures, .. failures] };
        }

        return collected is null ? EvidenceSet.Empty : new EvidenceSet(collected, readAt);
    }

    /// <summary>Sources that are configured and that this version cannot read: what lies there is unknown, so it is an error.</summary>
    private static IEnumerable<EvidenceFailure> Unreachable(Selection selection, RequiredAttestor required)
    {
        if (required.Sources.Contains(EvidenceSource.Registry) && selection.Options.Registries.Count > 0)
        {
            yield return Failure("REGISTRY:UNSUPPORTED", "this version reads no signatures from registries");
        }

        if (required.Sources.Contains(EvidenceSource.Grafeas) && selection.Options.HasContainerAnalysis)
        {
            yield return Failure("CONTAINER_ANALYSIS:UNSUPPORTED", "this version reads no remote Container Analysis");
        }

        static EvidenceFailure Failure(string detail, string explanation) => new(ReasonCode.EvidenceUnavailable, detail, explanation, IsOwnFault: false);
    }
}
