using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;

namespace PolicyService.Core.Policies;

/// <summary>The documents of one project, each at its last good version.</summary>
public sealed class ProjectDocuments
{
    public required string Id { get; init; }

    /// <summary>Null: the project has none, or it was refused at its first load.</summary>
    public Policy? Policy { get; init; }

    public IReadOnlyList<Attestor> Attestors { get; init; } = [];

    public IReadOnlyList<PlatformPolicy> PlatformPolicies { get; init; } = [];

    public IReadOnlyList<Attestation> Attestations { get; init; } = [];

    public ProjectOptions Options { get; init; } = ProjectOptions.Default;

    /// <summary>
    /// The options were written and never readable. They may hold revocations, so the project cannot be judged without them.
    /// </summary>
    public bool OptionsRefused { get; init; }
}

/// <summary>All documents of a source, as one version.</summary>
public sealed class DocumentSet
{
    public IReadOnlyList<ProjectDocuments> Projects { get; init; } = [];

    public SystemPolicy? SystemPolicy { get; init; }

    /// <summary>Null: every cluster belongs to the only project there is.</summary>
    public ClusterBindings? Clusters { get; init; }

    /// <summary>The bindings were written and never readable. They may enforce platform policies, so nothing can be judged without them.</summary>
    public bool ClustersRefused { get; init; }
}
