using PolicyService.Core.Attestors;
using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;
using PolicyService.Core.Policies;
using PolicyService.Core.Verification;
using PolicyService.Evidence.Grafeas;

namespace PolicyService.Evidence;

/// <summary>The attestors and checks of one request whose evidence is needed, and how each finds its own in what was collected.</summary>
/// <param name="snapshot">The documents in force for the request.</param>
/// <param name="selection">What decides it.</param>
/// <param name="readAt">When documents and store were last known to be current.</param>
internal sealed class NeededEvidence(PolicySnapshot snapshot, Selection selection, DateTimeOffset readAt)
{
    private readonly RequiredAttestor[] _attestors = [.. selection.NeedEvidence];
    private readonly SimpleSigningCheck[] _checks = [.. selection.NeedChecks];

    public bool IsNothing => _attestors.Length == 0 && _checks.Length == 0;

    /// <summary>The notes and projects whose attestations count.</summary>
    public IReadOnlyCollection<OccurrenceParent> Parents =>
        [.. _attestors.SelectMany(ParentsOf).Concat(_checks.SelectMany(ParentsOf)).Distinct()];

    /// <summary>The keys kept elsewhere that are named and not known; null: none.</summary>
    public List<RemoteKey>? RemoteKeys(StoredAttestations inStore, Predicate<RemoteKey> isKnown)
    {
        List<RemoteKey>? unknown = null;
        foreach (var required in _attestors)
        {
            LocalEvidence.FindRemoteKeys(snapshot, selection, required, inStore.Of(ParentsOf(required)), isKnown, ref unknown);
        }

        return unknown;
    }

    /// <summary>Verifies everything that is there.</summary>
    public EvidenceSet Verify(StoredAttestations inStore, KeyLookup keys, SignatureCheck verify, CancellationToken cancellation)
    {
        return new EvidenceSet(_attestors.ToDictionary(required => required.Name, OfAttestor), readAt)
        {
            Authenticators = _checks.SelectMany(check => check.Authenticators.Select(authenticator => (authenticator, check)))
                .ToDictionary(one => one.authenticator, one => OfAuthenticator(one.check, one.authenticator)),
        };

        AttestorEvidence OfAttestor(RequiredAttestor required)
        {
            var parents = ParentsOf(required);
            var local = LocalEvidence.Collect(snapshot, selection, required, inStore.Of(parents), keys, verify, cancellation);
            return local with { Failures = [.. local.Failures, .. inStore.FailuresOf(parents), .. Unreachable(required)] };
        }

        AttestorEvidence OfAuthenticator(SimpleSigningCheck check, Authenticator authenticator)
        {
            var parents = ParentsOf(check);
            var local = LocalEvidence.Collect(snapshot, selection, check, authenticator, inStore.Of(parents), keys, verify, cancellation);
            return local with { Failures = [.. local.Failures, .. inStore.FailuresOf(parents), .. selection.Options.HasContainerAnalysis ? [NoContainerAnalysis] : (EvidenceFailure[])[]] };
        }
    }

    private static EvidenceFailure NoContainerAnalysis { get; } = new(
        ReasonCode.EvidenceUnavailable, "CONTAINER_ANALYSIS:UNSUPPORTED", "this version reads no remote Container Analysis", IsOwnFault: false);

    private static OccurrenceParent[] ParentsOf(RequiredAttestor required) =>
        required.Sources.Contains(EvidenceSource.Grafeas) ? [OccurrenceParent.Of(required.Attestor!.Note)] : [];

    private static OccurrenceParent[] ParentsOf(SimpleSigningCheck check) => [.. check.Projects.Select(OccurrenceParent.OfProject)];

    /// <summary>Sources that are configured and that this version cannot read: what lies there is unknown, so it is an error.</summary>
    private IEnumerable<EvidenceFailure> Unreachable(RequiredAttestor required)
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
}
