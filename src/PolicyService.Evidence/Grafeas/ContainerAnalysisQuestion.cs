using PolicyService.Core.Decisions;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Caching;
using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Grafeas;

/// <summary>The attestations of a digest under a note, or in a project, of a Container Analysis elsewhere.</summary>
/// <param name="Project">Whose documents ask.</param>
/// <param name="Endpoint">Where it answers.</param>
/// <param name="Parent">The note or project.</param>
/// <param name="Digest">The image.</param>
public sealed record ContainerAnalysisQuestion(string Project, ContainerAnalysisEndpoint Endpoint, OccurrenceParent Parent, Digest Digest) : RemoteQuestion(Project, Digest)
{
    /// <inheritdoc/>
    public override RemoteSource Source => RemoteSource.ContainerAnalysis;

    /// <inheritdoc/>
    internal override ArchiveKey ArchiveKey => new($"{Project} {Endpoint} {Name}", Digest);

    /// <summary>A project is no note, so it stands in the configuration.</summary>
    internal override EvidenceQuestion Shared => new(Project, EvidenceSource.Grafeas, Parent.Project.Length == 0 ? $"{Endpoint}" : $"{Endpoint} {Name}", Parent.Note, Digest);

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

    /// <inheritdoc/>
    internal override RemoteItem? ReadKept(ReadOnlyMemory<byte> content) => RemoteOccurrence.ReadKept(content, Parent, Digest);

    /// <inheritdoc/>
    internal override EvidenceFailure FailureOf(RemoteFailure failure) => ContainerAnalysisFailures.Of(failure);
}
