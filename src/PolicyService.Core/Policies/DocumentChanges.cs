using System.Collections.Frozen;

namespace PolicyService.Core.Policies;

/// <summary>
/// What differs between two versions of the documents. A document that did not change is the same object in both, so this compares
/// references; one that was read anew may count as changed without a difference.
/// </summary>
public sealed class DocumentChanges
{
    private readonly FrozenSet<string> _policies;
    private readonly FrozenSet<string> _options;

    private DocumentChanges(PolicySnapshot before, PolicySnapshot after)
    {
        var (old, now) = (before.Documents, after.Documents);
        var projects = now.Projects.Concat(old.Projects).Select(project => project.Id).Distinct(StringComparer.Ordinal)
            .Select(id => (Id: id, Old: Find(old, id), Now: Find(now, id))).ToArray();
        _policies = projects.Where(pair => !ReferenceEquals(pair.Old?.Policy, pair.Now?.Policy)).Select(pair => pair.Id).ToFrozenSet(StringComparer.Ordinal);
        _options = projects.Where(pair => !ReferenceEquals(pair.Old?.Options, pair.Now?.Options) || pair.Old?.OptionsRefused != pair.Now?.OptionsRefused).Select(pair => pair.Id).ToFrozenSet(StringComparer.Ordinal);
        SystemPolicy = !ReferenceEquals(old.SystemPolicy, now.SystemPolicy);
        Attestors = Differ(project => project.Attestors);
        Attestations = Differ(project => project.Attestations);
        PlatformPolicies = Differ(project => project.PlatformPolicies) || !ReferenceEquals(old.Clusters, now.Clusters) || old.ClustersRefused != now.ClustersRefused;

        bool Differ(Func<ProjectDocuments, IReadOnlyList<object>> part) =>
            Array.Exists(projects, pair => !(pair.Old is null ? [] : part(pair.Old)).SequenceEqual(pair.Now is null ? [] : part(pair.Now), ReferenceEqualityComparer.Instance));
    }

    /// <summary>The system policy changed.</summary>
    public bool SystemPolicy { get; }

    /// <summary>An attestor of some project changed: policies may name those of other projects.</summary>
    public bool Attestors { get; }

    /// <summary>An attestation among the documents changed; those of the store are not among them.</summary>
    public bool Attestations { get; }

    /// <summary>A platform policy of some project changed, or what is bound to clusters.</summary>
    public bool PlatformPolicies { get; }

    public static DocumentChanges Between(PolicySnapshot before, PolicySnapshot after) => new(before, after);

    /// <summary>The policy of the project changed.</summary>
    public bool Policy(string project) => _policies.Contains(project);

    /// <summary>The options of the project changed.</summary>
    public bool Options(string project) => _options.Contains(project);

    private static ProjectDocuments? Find(DocumentSet documents, string id) => documents.Projects.FirstOrDefault(project => project.Id == id);
}
