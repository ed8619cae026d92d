using PolicyService.Core.Decisions;
using PolicyService.Core.Images;
using PolicyService.Evidence.Caching;

namespace PolicyService.Evidence.Remote;

/// <summary>Kinds of sources elsewhere.</summary>
public enum RemoteSource
{
    /// <summary>Occurrences of a Container Analysis.</summary>
    ContainerAnalysis,

    /// <summary>Signatures beside an image.</summary>
    Registry,
}

/// <summary>What is asked of a source elsewhere, in full: an answer of one project's source is never another's.</summary>
/// <param name="Project">Whose documents ask.</param>
/// <param name="Digest">The image.</param>
public abstract record RemoteQuestion(string Project, Digest Digest)
{
    public abstract RemoteSource Source { get; }

    /// <summary>Its place in the archive. None of the parts can hold a space.</summary>
    internal abstract ArchiveKey ArchiveKey { get; }

    /// <summary>Its place in the cache of the fleet.</summary>
    internal abstract EvidenceQuestion Shared { get; }

    /// <summary>Reads what was kept, by the rules for what the source says: neither cache nor archive knows what is asked today.</summary>
    /// <returns>Null: it is no answer to this question.</returns>
    internal abstract RemoteItem? ReadKept(ReadOnlyMemory<byte> content);

    /// <summary>Whether nobody can know what the source has, so that the archive may speak for it.</summary>
    internal virtual bool IsOutage(RemoteFailure failure) => RemoteFailures.IsOutage(failure);

    /// <summary>How a decision says that the source failed.</summary>
    internal abstract EvidenceFailure FailureOf(RemoteFailure failure);
}
