using PolicyService.Core.Decisions;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Caching;
using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Registries;

/// <summary>The signatures beside an image.</summary>
/// <param name="Project">Whose documents ask.</param>
/// <param name="Repository">Where the image lies.</param>
/// <param name="Digest">The image.</param>
public sealed record RegistryQuestion(string Project, RegistryRepository Repository, Digest Digest) : RemoteQuestion(Project, Digest)
{
    /// <inheritdoc/>
    public override RemoteSource Source => RemoteSource.Registry;

    /// <summary>The source is the repository, however it is asked: new mirrors or credentials take nothing from what it has shown.</summary>
    internal override ArchiveKey ArchiveKey => new($"{Project} registry {Repository}", Digest);

    /// <inheritdoc/>
    internal override EvidenceQuestion Shared => new(Project, EvidenceSource.Registry, $"{Repository.Registry.Configuration} {Repository}", default, Digest);

    /// <inheritdoc/>
    internal override RemoteItem? ReadKept(ReadOnlyMemory<byte> content) => RegistrySignature.ReadKept(content, Digest)?.Item;

    /// <summary>
    /// What is malformed came whole, and who may push to the repository put it there, as they did the heap that cannot be read in time: they
    /// must not be able to bring back from the archive what was taken away.
    /// </summary>
    internal override bool IsOutage(RemoteFailure failure) => failure is not (RemoteFailure.Malformed or RemoteFailure.Partial) && base.IsOutage(failure);

    /// <inheritdoc/>
    internal override EvidenceFailure FailureOf(RemoteFailure failure) => RegistryFailures.Of(Repository, failure);
}
