using System.Collections.Frozen;
using PolicyService.Core.Access;
using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Images;

namespace PolicyService.Core.Policies;

/// <summary>One project as decisions see it.</summary>
public sealed class ProjectSnapshot
{
    internal ProjectSnapshot(ProjectDocuments documents, IReadOnlyDictionary<AttestorName, Attestor> attestors, AccessRules? access)
    {
        (Id, Policy, Options, OptionsRefused) = (documents.Id, documents.Policy, documents.Options, documents.OptionsRefused);
        Unbound = ClusterBinding.None(Id);
        PlatformPolicies = documents.PlatformPolicies.DistinctBy(policy => policy.Name).ToFrozenDictionary(policy => policy.Name);
        AdmissionRule[] rules = Policy is null ? [] : [.. Policy.SpecificRules.Values, Policy.DefaultRule];
        Rules = rules.ToFrozenDictionary(
            rule => rule,
            rule => CompiledRule.Compile(rule, Options, attestors, name => access is null || access.MayUseAttestor(Id, name)),
            ReferenceEqualityComparer.Instance as IEqualityComparer<AdmissionRule>);
    }

    public string Id { get; }

    /// <summary>What the project's clusters are under that nothing names.</summary>
    internal ClusterBinding Unbound { get; }

    public Policy? Policy { get; }

    public ProjectOptions Options { get; }

    public bool OptionsRefused { get; }

    public FrozenDictionary<PlatformPolicyName, PlatformPolicy> PlatformPolicies { get; }

    /// <summary>Every rule of the policy with its attestors resolved.</summary>
    public FrozenDictionary<AdmissionRule, CompiledRule> Rules { get; }
}

/// <summary>
/// One version of all documents, compiled and immutable. A request takes it once and sees nothing else, so a change in between
/// cannot show it two versions.
/// </summary>
public sealed partial class PolicySnapshot
{
    private readonly FrozenDictionary<(NoteName Note, Digest Digest), Attestation[]> _attestations;

    private readonly FrozenDictionary<(string Project, Digest Digest), Attestation[]> _attestationsInProjects;

    private PolicySnapshot(DocumentSet documents, long generation, AccessRules? access)
    {
        (Documents, Generation, Access) = (documents, generation, access);
        (SystemPolicy, Clusters, ClustersRefused) = (documents.SystemPolicy, documents.Clusters, documents.ClustersRefused);
        var attestors = documents.Projects.SelectMany(project => project.Attestors).DistinctBy(attestor => attestor.Name).ToDictionary(attestor => attestor.Name);
        Projects = documents.Projects.DistinctBy(project => project.Id).ToFrozenDictionary(
            project => project.Id, project => new ProjectSnapshot(project, attestors, access), StringComparer.Ordinal);
        _attestations = NewestFirst(documents, (_, attestation) => attestation.Note);
        _attestationsInProjects = NewestFirst(documents, (project, attestation) => attestation.Project is { Length: > 0 } own ? own : project.Id);
    }

    /// <summary>What it was built of.</summary>
    internal DocumentSet Documents { get; }

    /// <summary>Grows with every change of the documents.</summary>
    public long Generation { get; }

    /// <summary>Who may ask, and which attestors a policy may use; null: no authentication is configured, and everybody may do everything.</summary>
    public AccessRules? Access { get; }

    public FrozenDictionary<string, ProjectSnapshot> Projects { get; }

    public SystemPolicy? SystemPolicy { get; }

    public ClusterBindings? Clusters { get; }

    public bool ClustersRefused { get; }

    /// <summary>The keys kept elsewhere that some rule needs, as it needs them; one may stand here more than once.</summary>
    public IEnumerable<RemoteKey> RemoteKeys => Projects.Values
        .SelectMany(project => project.Rules.Values)
        .SelectMany(rule => rule.Attestors)
        .SelectMany(required => required.Attestor?.Keys ?? [])
        .Select(key => key.Remote)
        .OfType<RemoteKey>();

    /// <param name="documents">All documents.</param>
    /// <param name="generation">Number of this version.</param>
    /// <param name="access">Who may do what; null where no authentication is configured.</param>
    public static PolicySnapshot Build(DocumentSet documents, long generation, AccessRules? access = null) => new(documents, generation, access);

    /// <summary>Attestations of the digest under the note, newest first. Whose project they stand in does not matter.</summary>
    public IReadOnlyList<Attestation> AttestationsOf(NoteName note, Digest digest) => _attestations.GetValueOrDefault((note, digest)) ?? [];

    /// <summary>Attestations of the digest in the project, newest first: the project of their own name, or else of their folder. Their note does not matter.</summary>
    public IReadOnlyList<Attestation> AttestationsIn(string project, Digest digest) => _attestationsInProjects.GetValueOrDefault((project, digest)) ?? [];

    private static FrozenDictionary<(TOwner Owner, Digest Digest), Attestation[]> NewestFirst<TOwner>(
        DocumentSet documents, Func<ProjectDocuments, Attestation, TOwner> ownerOf) => documents.Projects
            .SelectMany(project => project.Attestations.Select(attestation => (Owner: ownerOf(project, attestation), Attestation: attestation)))
            .Where(one => one.Attestation.ResourceDigest is not null)
            .GroupBy(one => (one.Owner, one.Attestation.ResourceDigest!.Value), one => one.Attestation)
            .ToFrozenDictionary(group => group.Key, group => group.OrderByDescending(attestation => attestation.FirstSeen ?? DateTimeOffset.MinValue).ToArray());
}
