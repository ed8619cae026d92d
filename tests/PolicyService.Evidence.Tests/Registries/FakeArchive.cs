using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Tests.Registries;

/// <summary>An archive in memory that keeps what it is told.</summary>
internal sealed class FakeArchive : IEvidenceArchive
{
    private readonly Dictionary<string, ArchivedOccurrence> _rows = [];

    public Task<IReadOnlyList<ArchivedOccurrence>> ReadAsync(ArchiveKey key, CancellationToken cancellation) => Task.FromResult<IReadOnlyList<ArchivedOccurrence>>([.. _rows.Values]);

    public Task WriteAsync(IReadOnlyList<ArchiveChange> changes, CancellationToken cancellation)
    {
        foreach (var change in changes)
        {
            foreach (var gone in _rows.Keys.Where(identity => change.Shown?.Contains(identity) is false && !change.Verified.ContainsKey(identity)).ToArray())
            {
                _rows.Remove(gone);
            }

            foreach (var (identity, content) in change.Verified)
            {
                _rows[identity] = new ArchivedOccurrence(identity, content, change.SeenAt);
            }
        }

        return Task.CompletedTask;
    }

    public Task ForgetAsync(DateTimeOffset? before, CancellationToken cancellation) => Task.CompletedTask;
}
