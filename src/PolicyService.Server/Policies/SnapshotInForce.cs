using PolicyService.Core.Decisions;
using PolicyService.Core.Documents;
using PolicyService.Core.Policies;

namespace PolicyService.Server.Policies;

/// <summary>One version of the documents with what is known of its freshness.</summary>
/// <param name="Snapshot">The compiled documents.</param>
/// <param name="ReadAt">When the source last confirmed them.</param>
/// <param name="IsStale">The source does not answer now.</param>
/// <param name="Problems">What is wrong with the documents at their source.</param>
public sealed record PolicyVersion(PolicySnapshot Snapshot, DateTimeOffset ReadAt, bool IsStale, IReadOnlyList<DocumentProblem> Problems)
{
    /// <summary>A source that has not been looked at for so long hangs, even if it never said so.</summary>
    private static readonly TimeSpan Overdue = TimeSpan.FromSeconds(3);

    /// <summary>Grows with every change of anything in the sources, attestations in the store included.</summary>
    public long ContentVersion { get; init; }

    public SnapshotAge AgeAt(DateTimeOffset now) => new(IsStale || now - ReadAt > Overdue, now - ReadAt, ReadAt);
}

/// <summary>The version in force. A request takes it once; a change replaces it whole.</summary>
public sealed class SnapshotInForce
{
    private PolicyVersion? _current;

    /// <summary>Null until the first reading.</summary>
    public PolicyVersion? Current => Volatile.Read(ref _current);

    public void Replace(PolicyVersion version) => Volatile.Write(ref _current, version);
}
