using PolicyService.Core;
using PolicyService.Core.Attestations;
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
        var (attestors, checks) = (selection.NeedEvidence.ToArray(), selection.NeedChecks.ToArray());
        if (attestors.Length == 0 && checks.Length == 0)
        {
            return EvidenceSet.Empty;
        }

        var inStore = await StoredAsync(selection, attestors, checks, storeVersion, cancellation);
        return new EvidenceSet(attestors.ToDictionary(required => required.Name, OfAttestor), readAt)
        {
            Authenticators = checks.SelectMany(check => check.Authenticators.Select(authenticator => (authenticator, check)))
                .ToDictionary(one => one.authenticator, one => OfAuthenticator(one.check, one.authenticator)),
        };

        AttestorEvidence OfAttestor(RequiredAttestor required)
        {
            OccurrenceParent[] parents = required.Sources.Contains(EvidenceSource.Grafeas) ? [OccurrenceParent.Of(required.Attestor!.Note)] : [];
            var local = LocalEvidence.Collect(snapshot, selection, required, [.. inStore.Of(parents)], verified.Check, cancellation);
            return local with { Failures = [.. local.Failures, .. inStore.FailuresOf(parents), .. Unreachable(selection, required)] };
        }

        AttestorEvidence OfAuthenticator(SimpleSigningCheck check, Authenticator authenticator)
        {
            OccurrenceParent[] parents = [.. check.Projects.Select(OccurrenceParent.OfProject)];
            var local = LocalEvidence.Collect(snapshot, selection, check, authenticator, inStore.Of(parents), verified.Check, cancellation);
            return local with { Failures = [.. local.Failures, .. inStore.FailuresOf(parents), .. selection.Options.HasContainerAnalysis ? [NoContainerAnalysis] : (EvidenceFailure[])[]] };
        }
    }

    private static EvidenceFailure NoContainerAnalysis { get; } = new(
        ReasonCode.EvidenceUnavailable, "CONTAINER_ANALYSIS:UNSUPPORTED", "this version reads no remote Container Analysis", IsOwnFault: false);

    /// <summary>The store's attestations for all attestors and checks in one question, or why they cannot be had: our own fault, and no absence.</summary>
    private async ValueTask<InStore> StoredAsync(
        Selection selection, RequiredAttestor[] attestors, SimpleSigningCheck[] checks, long storeVersion, CancellationToken cancellation)
    {
        OccurrenceParent[] parents = stored is null
            ? []
            :
            [
                .. attestors.Where(required => required.Sources.Contains(EvidenceSource.Grafeas)).Select(required => OccurrenceParent.Of(required.Attestor!.Note))
                    .Concat(checks.SelectMany(check => check.Projects).Select(OccurrenceParent.OfProject)).Distinct(),
            ];
        if (parents.Length == 0)
        {
            return InStore.Nothing;
        }

        try
        {
            return new InStore(await stored!.OfAsync(storeVersion, selection.Request.Image.Digest!.Value, parents, cancellation), null);
        }
        catch (EvidenceSourceException exception)
        {
            return new InStore(null, new EvidenceFailure(
                ReasonCode.EvidenceUnavailable, $"GRAFEAS:{exception.Class}", $"the store of attestations: {exception.Message}", IsOwnFault: true));
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The caller's own patience: a caller must not open the gate with a short deadline.
            return new InStore(null, new EvidenceFailure(ReasonCode.Deadline, "GRAFEAS", "the time ran out before the store of attestations answered", IsOwnFault: false));
        }
    }

    /// <summary>Sources that are configured and that this version cannot read: what lies there is unknown, so it is an error.</summary>
    private static IEnumerable<EvidenceFailure> Unreachable(Selection selection, RequiredAttestor required)
    {
        if (required.Sources.Contains(EvidenceSource.Registry) && selection.Options.Registries.Count > 0)
        {
            yield return new EvidenceFailure(
                ReasonCode.EvidenceUnavailable, "REGISTRY:UNSUPPORTED", "this version reads no signatures from registries", IsOwnFault: false);
        }

        if (required.Sources.Contains(EvidenceSource.Grafeas) && selection.Options.HasContainerAnalysis)
        {
            yield return NoContainerAnalysis;
        }
    }

    /// <summary>What the store said: by note and project, or nothing because it failed.</summary>
    private sealed record InStore(IReadOnlyDictionary<OccurrenceParent, ParentOccurrences>? Found, EvidenceFailure? Failure)
    {
        public static InStore Nothing { get; } = new(null, null);

        private static EvidenceFailure Limit { get; } = new(
            ReasonCode.EvidenceLimit, "OCCURRENCES_PER_DIGEST", $"more than {Limits.SignaturesPerDigest} attestations of the digest, or too large ones", IsOwnFault: false);

        public IEnumerable<Attestation> Of(OccurrenceParent[] parents) => parents.SelectMany(parent => Found?.GetValueOrDefault(parent)?.Attestations ?? []);

        public IEnumerable<EvidenceFailure> FailuresOf(OccurrenceParent[] parents) =>
            parents.Length == 0 ? []
            : Failure is not null ? [Failure]
            : parents.Any(parent => Found?.GetValueOrDefault(parent) is { IsCut: true }) ? [Limit]
            : [];
    }
}
