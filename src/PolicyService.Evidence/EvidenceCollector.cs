using PolicyService.Core;
using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Grafeas;
using PolicyService.Evidence.Verification;

namespace PolicyService.Evidence;

/// <summary>
/// Collects what a decision needs: the fourth hop of a request, and the only one that may do IO. A signature is verified
/// once and remembered; what cannot be had is a failure, never an absence.
/// </summary>
/// <param name="verified">What verifying signatures gave before.</param>
/// <param name="stored">Attestations in the store; null where there is none.</param>
public sealed class EvidenceCollector(VerifiedSignatures verified, StoredOccurrences? stored = null)
{
    /// <param name="snapshot">The documents in force for this request.</param>
    /// <param name="selection">What decides it.</param>
    /// <param name="readAt">When documents and store were last known to be current.</param>
    /// <param name="storeVersion">Version of the store's content in force for this request.</param>
    /// <param name="cancellation">The end of the time for the evaluation.</param>
    public async ValueTask<EvidenceSet> CollectAsync(
        PolicySnapshot snapshot, Selection selection, DateTimeOffset readAt, long storeVersion, CancellationToken cancellation)
    {
        var needed = selection.NeedEvidence.ToArray();
        if (needed.Length == 0)
        {
            return EvidenceSet.Empty;
        }

        var (occurrences, failure) = await StoredAsync(selection, needed, storeVersion, cancellation);
        var collected = new Dictionary<AttestorName, AttestorEvidence>(needed.Length);
        foreach (var required in needed)
        {
            var takesStored = required.Sources.Contains(EvidenceSource.Grafeas);
            var found = takesStored && occurrences is not null ? occurrences.GetValueOrDefault(required.Attestor!.Note) : null;
            var local = LocalEvidence.Collect(snapshot, selection, required, found?.Attestations ?? [], verified.Check, cancellation);
            EvidenceFailure[] failures =
            [
                .. takesStored && failure is not null ? [failure] : (IEnumerable<EvidenceFailure>)[],
                .. found is { IsCut: true } ? [Limit] : (IEnumerable<EvidenceFailure>)[],
                .. Unreachable(selection, required),
            ];
            collected[required.Name] = failures.Length == 0 ? local : local with { Failures = [.. local.Failures, .. failures] };
        }

        return new EvidenceSet(collected, readAt);
    }

    private static EvidenceFailure Limit { get; } = new(
        ReasonCode.EvidenceLimit, "OCCURRENCES_PER_DIGEST", $"more than {Limits.SignaturesPerDigest} attestations of the digest, or too large ones", IsOwnFault: false);

    /// <summary>The store's attestations for all attestors in one question, or why they cannot be had: our own fault, and no absence.</summary>
    private async ValueTask<(IReadOnlyDictionary<NoteName, NoteOccurrences>? Found, EvidenceFailure? Failure)> StoredAsync(
        Selection selection, RequiredAttestor[] needed, long storeVersion, CancellationToken cancellation)
    {
        NoteName[] notes = stored is null
            ? []
            : [.. needed.Where(required => required.Sources.Contains(EvidenceSource.Grafeas)).Select(required => required.Attestor!.Note).Distinct()];
        if (notes.Length == 0)
        {
            return (null, null);
        }

        try
        {
            return (await stored!.OfAsync(storeVersion, selection.Request.Image.Digest!.Value, notes, cancellation), null);
        }
        catch (EvidenceSourceException exception)
        {
            return (null, new EvidenceFailure(
                ReasonCode.EvidenceUnavailable, $"GRAFEAS:{exception.Class}", $"the store of attestations: {exception.Message}", IsOwnFault: true));
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The caller's own patience: a caller must not open the gate with a short deadline.
            return (null, new EvidenceFailure(ReasonCode.Deadline, "GRAFEAS", "the time ran out before the store of attestations answered", IsOwnFault: false));
        }
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
