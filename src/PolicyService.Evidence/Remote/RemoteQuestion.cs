using PolicyService.Evidence.Grafeas;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Caching;

namespace PolicyService.Evidence.Remote;

/// <summary>What is asked of a Container Analysis elsewhere, in full: an answer of one project's source is never another's.</summary>
/// <param name="Project">Whose documents ask.</param>
/// <param name="Endpoint">Where it answers.</param>
/// <param name="Parent">The note or project.</param>
/// <param name="Digest">The image.</param>
public readonly record struct RemoteQuestion(string Project, ContainerAnalysisEndpoint Endpoint, OccurrenceParent Parent, Digest Digest)
{
    /// <summary>Its place in the archive. None of the parts can hold a space.</summary>
    internal ArchiveKey ArchiveKey => new($"{Project} {Endpoint} {Name}", Digest);

    /// <summary>Its place in the cache of the fleet; a project is no note, so it stands in the configuration.</summary>
    internal EvidenceQuestion Shared => new(Project, EvidenceSource.Grafeas, Parent.Project.Length == 0 ? $"{Endpoint}" : $"{Endpoint} {Name}", Parent.Note, Digest);

    /// <summary>The list's place below the endpoint, with its filter.</summary>
    internal string Path
    {
        get
        {
            var suffix = $"has_suffix(resourceUrl, \"{Digest}\")";
            return $"v1/{Name}/occurrences?filter={Uri.EscapeDataString(Parent.Project.Length == 0 ? suffix : $"kind=\"ATTESTATION\" AND {suffix}")}";
        }
    }

    private string Name => Parent.Project.Length == 0 ? Parent.Note.ToString() : $"projects/{Parent.Project}";
}
