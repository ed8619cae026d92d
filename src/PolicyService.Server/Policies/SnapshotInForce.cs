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

    /// <summary>Grows with every change of what is in the store and not among the documents, and may grow with others.</summary>
    public long EvidenceVersion { get; init; }

    public SnapshotAge AgeAt(DateTimeOffset now) => new(IsStale || now - ReadAt > Overdue, now - ReadAt, ReadAt);
}

/// <summary>The version in force. A request takes it once; a change replaces it whole.</summary>
public sealed class SnapshotInForce
{
    private PolicyVersion? _current;
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Null until the first reading.</summary>
    public PolicyVersion? Current => Volatile.Read(ref _current);

    /// <summary>
    /// Ends when the documents, anything in the store, or whether the sources answer, has changed. Taken before the look that the change would make
    /// wrong.
    /// </summary>
    public Task NextChange => Volatile.Read(ref _next).Task;

    public void Replace(PolicyVersion version)
    {
        var before = Interlocked.Exchange(ref _current, version);
        if (before is null || !ReferenceEquals(before.Snapshot, version.Snapshot) || before.ContentVersion != version.ContentVersion || before.IsStale != version.IsStale)
        {
            Interlocked.Exchange(ref _next, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
        }
    }
}
