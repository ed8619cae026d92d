using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Core.Verification;
using PolicyService.Evidence.Grafeas;
using PolicyService.Evidence.Registries;
using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence;

/// <summary>The attestors and checks of one request whose evidence is needed, and how each finds its own in what was collected.</summary>
/// <param name="snapshot">The documents in force for the request.</param>
/// <param name="selection">What decides it.</param>
/// <param name="readAt">When documents and store were last known to be current.</param>
/// <param name="now">The time of the decision.</param>
/// <param name="index">The evidence of this index is needed, whose bytes list the image; null: that of the image itself.</param>
internal sealed class NeededEvidence(PolicySnapshot snapshot, Selection selection, DateTimeOffset readAt, DateTimeOffset now, Digest? index = null)
{
    /// <summary>Keys of an attestor that are asked for before it is known which of them signed.</summary>
    private const int FewKeys = 4;

    private readonly IReadOnlyList<RequiredAttestor> _attestors = selection.NeedEvidence;
    // An index vouches for its children to attestors alone: what a platform policy asks for is asked of the image itself.
    private readonly SimpleSigningCheck[] _checks = index is null && selection.PlatformPolicies.Count > 0 ? [.. selection.NeedChecks] : [];
    private readonly EvidencePlaces?[] _places = new EvidencePlaces?[selection.NeedEvidence.Count];
    private readonly RegistryRepository? _repository = RegistryRepository.TryFind(selection.Options, selection.Request.Image, out var found) ? found : null;

    public bool IsNothing => _attestors.Count == 0 && _checks.Length == 0;

    /// <summary>What the evidence is about.</summary>
    public Digest Digest => index ?? selection.Request.Image.Digest!.Value;

    /// <summary>Where the image lies; null: nowhere that may be asked.</summary>
    public RegistryRepository? Repository => _repository;

    /// <summary>The notes and projects whose attestations decide.</summary>
    public IReadOnlyList<OccurrenceParent> Parents => _attestors.Count == 1 && _checks.Length == 0
        ? PlacesOf(_attestors[0]).Parents
        : [.. _attestors.SelectMany(required => PlacesOf(required).Parents).Concat(_checks.Intersect(selection.DecidingChecks).SelectMany(check => PlacesOf(check).Parents)).Distinct()];

    /// <summary>Further ones, which only show what policies that monitor would say.</summary>
    public IReadOnlyList<OccurrenceParent> MonitoredParents =>
        _checks.Length == 0 ? [] : [.. _checks.SelectMany(check => PlacesOf(check).Parents).Distinct().Except(Parents)];

    /// <summary>
    /// What sources elsewhere may know that the evidence at hand lacks: asked for attestors and checks that it leaves without, and only what
    /// the options allow.
    /// </summary>
    public IReadOnlyList<RemoteQuestion> RemoteQuestions(EvidenceSet evidence)
    {
        if (_repository is null && selection.Options.ContainerAnalysis is null && !selection.IsTraced)
        {
            // There is nobody to ask, and nobody reads why.
            return [];
        }

        var lacking = Lacking(evidence, conformance => conformance is not Conformance.Conformant).ToArray();
        foreach (var parent in selection.Options.ContainerAnalysis is null ? [] : lacking.SelectMany(places => places.Parents).Distinct().Where(parent => !IsElsewhere(parent)))
        {
            selection.Note("container analysis", "NOT_ASKED", $"the project of {(parent.Project.Length > 0 ? $"projects/{parent.Project}" : parent.Note)} is not among containerAnalysis.projects");
        }

        if (_repository is null && _attestors.Any(required => required.TakesRegistry))
        {
            selection.Note("registry", "NOT_ASKED", RegistryReasons.NotAsked(selection));
        }

        return [.. lacking.SelectMany(places => places.Questions).Distinct()];
    }

    /// <summary>Of the questions asked, those whose answer would now deny: an error denies nothing, and asking again mends it later.</summary>
    public IEnumerable<RemoteQuestion> Denying(EvidenceSet evidence, IEnumerable<RemoteQuestion> asked)
    {
        var denied = Lacking(evidence, conformance => conformance is Conformance.NonConformant).SelectMany(places => places.Questions).ToHashSet();
        return asked.Where(denied.Contains);
    }

    /// <summary>Nothing more could be of use.</summary>
    public bool IsSatisfied(EvidenceSet evidence) => !Lacking(evidence, conformance => conformance is not Conformance.Conformant).Any();

    /// <summary>Attestors that the evidence leaves without, where it is that of an index: it may add to the image's own.</summary>
    public bool Lacks(EvidenceSet evidence) => _attestors.Any(required => Evaluator.Judge(selection, required, evidence, now) is not Conformance.Conformant);

    /// <summary>The pinned keys kept elsewhere that the answers may name, where they are few.</summary>
    public IEnumerable<RemoteKey> LikelyKeys(IEnumerable<RemoteQuestion> asked)
    {
        var questions = asked.ToHashSet();
        return _attestors.Where(required => required.Attestor!.HasRemoteKeys && PlacesOf(required).Questions.Any(questions.Contains))
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

            LocalEvidence.FindRemoteKeys(snapshot, selection, required, Digest, Of(found, PlacesOf(required)), isKnown, ref unknown);
        }

        return unknown;
    }

    /// <summary>Verifies everything that is there.</summary>
    public EvidenceSet Verify(CollectedAttestations found, KeyLookup keys, SignatureCheck verify, CancellationToken cancellation)
    {
        var attestors = new Dictionary<AttestorName, AttestorEvidence>(_attestors.Count);
        for (var index = 0; index < _attestors.Count; index++)
        {
            attestors.Add(_attestors[index].Name, OfAttestor(_attestors[index]));
        }

        var evidence = new EvidenceSet(attestors, found.RemoteReadAt is { } remote && remote < readAt ? remote : readAt);
        return _checks.Length == 0 ? evidence : evidence with
        {
            Authenticators = _checks.SelectMany(check => check.Authenticators.Select(authenticator => (authenticator, check)))
                .ToDictionary(one => one.authenticator, one => OfAuthenticator(one.check, one.authenticator)),
        };

        AttestorEvidence OfAttestor(RequiredAttestor required)
        {
            var places = PlacesOf(required);
            var local = LocalEvidence.Collect(snapshot, selection, required, Digest, Of(found, places), keys, verify, cancellation);
            var isWhole = index is null && found.FailuresOf(places) is ICollection<EvidenceFailure> { Count: 0 };
            return isWhole ? local : new AttestorEvidence(
                index is null ? local.Facts : [.. local.Facts.Select(fact => fact with { Index = index })],
                [.. local.Failures, .. found.FailuresOf(places)]);
        }

        AttestorEvidence OfAuthenticator(SimpleSigningCheck check, Authenticator authenticator)
        {
            var places = PlacesOf(check);
            var local = LocalEvidence.Collect(snapshot, selection, check, authenticator, Of(found, places), keys, verify, cancellation);
            return local with { Failures = [.. local.Failures, .. found.FailuresOf(places)] };
        }
    }

    /// <summary>What stands for evidence that might be there, where nobody could look.</summary>
    public EvidenceSet Failed(EvidenceFailure failure) => new(_attestors.ToDictionary(required => required.Name, _ => new AttestorEvidence([], [failure])), null);

    private IEnumerable<EvidencePlaces> Lacking(EvidenceSet evidence, Predicate<Conformance> isLacking) =>
        _attestors.Where(required => isLacking(Evaluator.Judge(selection, required, evidence, now))).Select(PlacesOf)
            .Concat(_checks.Where(check => isLacking(Evaluator.Judge(selection, check, evidence, now))).Select(PlacesOf));

    private IReadOnlyList<Attestation> Of(CollectedAttestations found, EvidencePlaces places) => found.Of(places, selection.Options.EvidenceGrace, now);

    private EvidencePlaces PlacesOf(RequiredAttestor required)
    {
        var place = 0;
        while (!ReferenceEquals(_attestors[place], required))
        {
            place++;
        }

        return _places[place] ??= FindPlaces();

        EvidencePlaces FindPlaces()
        {
            OccurrenceParent[] parents = required.TakesOccurrences ? [OccurrenceParent.Of(required.Attestor!.Note)] : [];
            RemoteQuestion[] beside = required.TakesRegistry && _repository is not null ? [new RegistryQuestion(selection.Project!.Id, _repository, Digest)] : [];
            return new EvidencePlaces(parents, [.. QuestionsOf(parents), .. beside]);
        }
    }

    private EvidencePlaces PlacesOf(SimpleSigningCheck check)
    {
        OccurrenceParent[] parents = [.. check.Projects.Select(OccurrenceParent.OfProject)];
        return new EvidencePlaces(parents, [.. QuestionsOf(parents)]);
    }

    private IEnumerable<RemoteQuestion> QuestionsOf(OccurrenceParent[] parents) => selection.Options.ContainerAnalysis is { } remote
        ? parents.Where(IsElsewhere).Select(parent => new ContainerAnalysisQuestion(selection.Project!.Id, remote.Endpoint, parent, Digest))
        : [];

    private bool IsElsewhere(OccurrenceParent parent) => selection.Options.ContainerAnalysis!.Projects.Contains(parent.Project.Length > 0 ? parent.Project : parent.Note.Project);
}
