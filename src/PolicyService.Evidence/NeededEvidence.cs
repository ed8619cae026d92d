using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;
using PolicyService.Core.Policies;
using PolicyService.Core.Verification;
using PolicyService.Evidence.Grafeas;
using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence;

/// <summary>The attestors and checks of one request whose evidence is needed, and how each finds its own in what was collected.</summary>
/// <param name="snapshot">The documents in force for the request.</param>
/// <param name="selection">What decides it.</param>
/// <param name="readAt">When documents and store were last known to be current.</param>
/// <param name="now">The time of the decision.</param>
internal sealed class NeededEvidence(PolicySnapshot snapshot, Selection selection, DateTimeOffset readAt, DateTimeOffset now)
{
    /// <summary>Keys of an attestor that are asked for before it is known which of them signed.</summary>
    private const int FewKeys = 4;

    private readonly RequiredAttestor[] _attestors = [.. selection.NeedEvidence];
    private readonly SimpleSigningCheck[] _checks = [.. selection.NeedChecks];

    public bool IsNothing => _attestors.Length == 0 && _checks.Length == 0;

    /// <summary>The notes and projects whose attestations decide.</summary>
    public IReadOnlyCollection<OccurrenceParent> Parents =>
        [.. _attestors.SelectMany(ParentsOf).Concat(selection.DecidingChecks.SelectMany(ParentsOf)).Distinct()];

    /// <summary>Further ones, which only show what policies that monitor would say.</summary>
    public IReadOnlyCollection<OccurrenceParent> MonitoredParents =>
        _checks.Length == 0 ? [] : [.. _checks.SelectMany(ParentsOf).Distinct().Except(Parents)];

    /// <summary>
    /// What a Container Analysis elsewhere may know that the evidence at hand lacks: asked for attestors and checks that it leaves without,
    /// and only about the projects that the options list.
    /// </summary>
    public IReadOnlyList<RemoteQuestion> RemoteQuestions(EvidenceSet evidence)
    {
        if (selection.Options.ContainerAnalysis is not { } remote)
        {
            return [];
        }

        var parents = _attestors.Where(required => Evaluator.Judge(selection, required, evidence, now) is not Conformance.Conformant).SelectMany(ParentsOf)
            .Concat(_checks.Where(check => Evaluator.Judge(selection, check, evidence, now) is not Conformance.Conformant).SelectMany(ParentsOf))
            .Distinct().ToLookup(parent => remote.Projects.Contains(parent.Project.Length > 0 ? parent.Project : parent.Note.Project));
        foreach (var parent in parents[false])
        {
            selection.Note("container analysis", "NOT_ASKED", $"the project of {(parent.Project.Length > 0 ? $"projects/{parent.Project}" : parent.Note)} is not among containerAnalysis.projects");
        }

        return [.. parents[true].Select(parent => new RemoteQuestion(selection.Project!.Id, remote.Endpoint, parent, selection.Request.Image.Digest!.Value))];
    }

    /// <summary>Of the questions asked, those whose answer would now deny: an error denies nothing, and asking again mends it later.</summary>
    public IEnumerable<RemoteQuestion> Denying(EvidenceSet evidence, IEnumerable<RemoteQuestion> asked)
    {
        OccurrenceParent[] denied =
        [
            .. _attestors.Where(required => Evaluator.Judge(selection, required, evidence, now) is Conformance.NonConformant).SelectMany(ParentsOf),
            .. _checks.Where(check => Evaluator.Judge(selection, check, evidence, now) is Conformance.NonConformant).SelectMany(ParentsOf),
        ];
        return asked.Where(question => denied.Contains(question.Parent));
    }

    /// <summary>The pinned keys kept elsewhere that the answers may name, where they are few.</summary>
    public IEnumerable<RemoteKey> LikelyKeys(IEnumerable<RemoteQuestion> asked)
    {
        var parents = asked.Select(question => question.Parent).ToHashSet();
        return _attestors.Where(required => required.Attestor!.HasRemoteKeys && ParentsOf(required).Any(parents.Contains))
            .Select(required => required.Attestor!.Keys.Select(key => key.Remote).OfType<RemoteKey>().Where(key => key.Pin is not null).ToArray())
            .Where(keys => keys.Length <= FewKeys)
            .SelectMany(keys => keys);
    }

    /// <summary>The keys kept elsewhere that are named and not known; of what the evidence at hand does not satisfy, if there is any. Null: none.</summary>
    public List<RemoteKey>? RemoteKeys(CollectedAttestations found, EvidenceSet? evidence, Predicate<RemoteKey> isKnown)
    {
        List<RemoteKey>? unknown = null;
        foreach (var required in _attestors)
        {
            if (!required.Attestor!.HasRemoteKeys || (evidence is not null && Evaluator.Judge(selection, required, evidence, now) is Conformance.Conformant))
            {
                // Who may write attestations could otherwise make each decision wait for a key of their choice.
                continue;
            }

            LocalEvidence.FindRemoteKeys(snapshot, selection, required, Of(found, ParentsOf(required)), isKnown, ref unknown);
        }

        return unknown;
    }

    /// <summary>Verifies everything that is there.</summary>
    public EvidenceSet Verify(CollectedAttestations found, KeyLookup keys, SignatureCheck verify, CancellationToken cancellation)
    {
        return new EvidenceSet(_attestors.ToDictionary(required => required.Name, OfAttestor), found.RemoteReadAt is { } remote && remote < readAt ? remote : readAt)
        {
            Authenticators = _checks.SelectMany(check => check.Authenticators.Select(authenticator => (authenticator, check)))
                .ToDictionary(one => one.authenticator, one => OfAuthenticator(one.check, one.authenticator)),
        };

        AttestorEvidence OfAttestor(RequiredAttestor required)
        {
            var parents = ParentsOf(required);
            var local = LocalEvidence.Collect(snapshot, selection, required, Of(found, parents), keys, verify, cancellation);
            return local with { Failures = [.. local.Failures, .. found.FailuresOf(parents), .. Unreachable(required)] };
        }

        AttestorEvidence OfAuthenticator(SimpleSigningCheck check, Authenticator authenticator)
        {
            var parents = ParentsOf(check);
            var local = LocalEvidence.Collect(snapshot, selection, check, authenticator, Of(found, parents), keys, verify, cancellation);
            return local with { Failures = [.. local.Failures, .. found.FailuresOf(parents)] };
        }
    }

    private IReadOnlyList<Attestation> Of(CollectedAttestations found, OccurrenceParent[] parents) => found.Of(parents, selection.Options.EvidenceGrace, now);

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
    }
}
