using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Verification;

namespace PolicyService.Evidence;

/// <summary>
/// Collects what a decision needs: the fourth hop of a request, and the only one that may do IO. A signature is verified
/// once and remembered; what cannot be had is a failure, never an absence.
/// </summary>
public sealed class EvidenceCollector(VerifiedSignatures verified)
{
    /// <param name="snapshot">The documents in force for this request.</param>
    /// <param name="selection">What decides it.</param>
    /// <param name="readAt">When the documents were last known to be current.</param>
    /// <param name="cancellation">The end of the time for the evaluation.</param>
    public ValueTask<EvidenceSet> CollectAsync(PolicySnapshot snapshot, Selection selection, DateTimeOffset readAt, CancellationToken cancellation)
    {
        Dictionary<AttestorName, AttestorEvidence>? collected = null;
        foreach (var required in selection.NeedEvidence)
        {
            var local = LocalEvidence.Collect(snapshot, selection, required, verified.Check, cancellation);
            var failures = Unreachable(selection, required).ToArray();
            (collected ??= [])[required.Name] = failures.Length == 0 ? local : local with { Failures = [.. local.Failures, .. failures] };
        }

        var authenticators = CollectChecks(snapshot, selection, cancellation);
        return ValueTask.FromResult(collected is null && authenticators.Count == 0
            ? EvidenceSet.Empty
            : new EvidenceSet(collected ?? [], readAt) { Authenticators = authenticators });
    }

    /// <summary>The evidence of every authenticator of every check that the image is judged by.</summary>
    private Dictionary<Authenticator, AttestorEvidence> CollectChecks(PolicySnapshot snapshot, Selection selection, CancellationToken cancellation)
    {
        var collected = new Dictionary<Authenticator, AttestorEvidence>();
        foreach (var check in selection.NeedChecks)
        {
            EvidenceFailure[] failures = [.. UnreachableProjects(selection)];
            foreach (var authenticator in check.Authenticators)
            {
                var local = LocalEvidence.Collect(snapshot, selection, check, authenticator, verified.Check, cancellation);
                collected[authenticator] = failures.Length == 0 ? local : local with { Failures = [.. local.Failures, .. failures] };
            }
        }

        return collected;
    }

    private static IEnumerable<EvidenceFailure> UnreachableProjects(Selection selection) =>
        selection.Options.HasContainerAnalysis ? [NoContainerAnalysis] : [];

    private static EvidenceFailure NoContainerAnalysis { get; } = new(
        ReasonCode.EvidenceUnavailable, "CONTAINER_ANALYSIS:UNSUPPORTED", "this version reads no remote Container Analysis", IsOwnFault: false);

    /// <summary>Sources that are configured and that this version cannot read: what lies there is unknown, so it is an error.</summary>
    private static IEnumerable<EvidenceFailure> Unreachable(Selection selection, RequiredAttestor required)
    {
        if (required.Sources.Contains(EvidenceSource.Registry) && selection.Options.Registries.Count > 0)
        {
            yield return Failure("REGISTRY:UNSUPPORTED", "this version reads no signatures from registries");
        }

        if (required.Sources.Contains(EvidenceSource.Grafeas) && selection.Options.HasContainerAnalysis)
        {
            yield return NoContainerAnalysis;
        }

        static EvidenceFailure Failure(string detail, string explanation) => new(ReasonCode.EvidenceUnavailable, detail, explanation, IsOwnFault: false);
    }
}
