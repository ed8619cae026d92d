using PolicyService.Core.Images;

namespace PolicyService.Evidence.Remote;

/// <summary>One list of a source elsewhere: whose, which, and of which image.</summary>
/// <param name="Source">Project, endpoint, and note or project.</param>
/// <param name="Digest">The image.</param>
public sealed record ArchiveKey(string Source, Digest Digest);

/// <summary>An occurrence in the archive.</summary>
/// <param name="Identity">SHA-256 of the content.</param>
/// <param name="Content">JSON.</param>
/// <param name="LastSeen">When its source last showed it.</param>
public sealed record ArchivedOccurrence(string Identity, string Content, DateTimeOffset LastSeen);

/// <summary>What a look at the source changes in the archive.</summary>
/// <param name="Key">The list.</param>
/// <param name="SeenAt">When the look began.</param>
/// <param name="Shown">Identities of all that the source has; what is not among them is gone. Null: not all is known, so nothing is.</param>
/// <param name="Verified">Content by identity of what was verified since, to be kept.</param>
public sealed record ArchiveChange(ArchiveKey Key, DateTimeOffset SeenAt, IReadOnlySet<string>? Shown, IReadOnlyDictionary<string, string> Verified);

/// <summary>Where verified evidence of sources elsewhere is kept (ARCHITECTURE section 3). It holds what was verified once; whoever reads it verifies anew.</summary>
public interface IEvidenceArchive
{
    /// <exception cref="EvidenceSourceException">It cannot be read.</exception>
    Task<IReadOnlyList<ArchivedOccurrence>> ReadAsync(ArchiveKey key, CancellationToken cancellation);

    /// <summary>
    /// Applies the changes together: what its source no longer shows goes, what it shows was seen then, what was verified is added. A
    /// change that is older than what is known of its list changes nothing.
    /// </summary>
    /// <exception cref="EvidenceSourceException">Nothing was changed.</exception>
    Task WriteAsync(IReadOnlyList<ArchiveChange> changes, CancellationToken cancellation);

    /// <summary>Forgets everything, or what no source has shown since.</summary>
    /// <param name="before">Null: everything.</param>
    /// <param name="cancellation">The service stops.</param>
    /// <exception cref="EvidenceSourceException">It cannot be written.</exception>
    Task ForgetAsync(DateTimeOffset? before, CancellationToken cancellation);
}
