using Microsoft.EntityFrameworkCore;
using PolicyService.Core;
using PolicyService.Evidence;
using PolicyService.Evidence.Remote;

namespace PolicyService.Server.Storage;

/// <summary>
/// The archive of verified evidence (ARCHITECTURE section 3). It is no document: a write raises no generation. A row without content says
/// when a list was last read whole, so that older news, which another replica may still hold, change nothing.
/// </summary>
public sealed partial class DocumentStore : IEvidenceArchive
{
    private const string WholeList = "";

    /// <inheritdoc/>
    async Task<IReadOnlyList<ArchivedOccurrence>> IEvidenceArchive.ReadAsync(ArchiveKey key, CancellationToken cancellation)
    {
        var digest = key.Digest.ToString();
        var rows = await ArchiveAsync(context => context.Archive.AsNoTracking()
            .Where(row => row.Source == key.Source && row.Digest == digest && row.Identity != WholeList)
            .OrderByDescending(row => row.LastSeen).ThenBy(row => row.Identity).Take(Limits.SignaturesPerDigest).ToListAsync(cancellation));
        return [.. rows.Select(row => new ArchivedOccurrence(row.Identity, row.Content, Rfc3339.FromMicroseconds(row.LastSeen)))];
    }

    /// <inheritdoc/>
    async Task IEvidenceArchive.WriteAsync(IReadOnlyList<ArchiveChange> changes, CancellationToken cancellation)
    {
        // Most digests that are asked about have no evidence: they must cost no write, and no writer its turn.
        string[] digests = [.. changes.Select(change => change.Key.Digest.ToString()).Distinct()];
        var known = (await ArchiveAsync(context => context.Archive.AsNoTracking().Where(row => digests.Contains(row.Digest))
            .Select(row => new { row.Source, row.Digest }).Distinct().ToListAsync(cancellation))).Select(row => (row.Source, row.Digest)).ToHashSet();
        ArchiveChange[] effective = [.. changes.Where(change => change.Verified.Count > 0 || known.Contains((change.Key.Source, change.Key.Digest.ToString())))];
        if (effective.Length > 0)
        {
            await WriteArchiveAsync(async context =>
            {
                foreach (var change in effective)
                {
                    await ApplyAsync(context, change, cancellation);
                }

                await context.SaveChangesAsync(cancellation);
            }, cancellation);
        }
    }

    /// <inheritdoc/>
    Task IEvidenceArchive.ForgetAsync(DateTimeOffset? before, CancellationToken cancellation)
    {
        var time = before is { } given ? Rfc3339.ToMicroseconds(given) : long.MaxValue;
        return WriteArchiveAsync(context => context.Archive.Where(row => row.LastSeen < time).ExecuteDeleteAsync(cancellation), cancellation);
    }

    private static async Task ApplyAsync(StoreContext context, ArchiveChange change, CancellationToken cancellation)
    {
        var (digest, seenAt) = (change.Key.Digest.ToString(), Rfc3339.ToMicroseconds(change.SeenAt));
        var rows = await context.Archive.Where(row => row.Source == change.Key.Source && row.Digest == digest).ToDictionaryAsync(row => row.Identity, StringComparer.Ordinal, cancellation);
        if (rows.TryGetValue(WholeList, out var whole) && whole.LastSeen > seenAt)
        {
            return;
        }

        foreach (var row in rows.Values.Where(row => row.Identity != WholeList))
        {
            if (change.Verified.ContainsKey(row.Identity) || change.Shown?.Contains(row.Identity) is true)
            {
                row.LastSeen = Math.Max(row.LastSeen, seenAt);
            }
            else if (change.Shown is not null)
            {
                context.Archive.Remove(row);
            }
        }

        foreach (var (identity, content) in change.Verified.Where(pair => !rows.ContainsKey(pair.Key)))
        {
            context.Archive.Add(Row(identity, content));
        }

        if (change.Shown is not null && whole is not null)
        {
            whole.LastSeen = seenAt;
        }
        else if (change.Shown is not null)
        {
            context.Archive.Add(Row(WholeList, ""));
        }

        ArchiveRow Row(string identity, string content) => new() { Source = change.Key.Source, Digest = digest, Identity = identity, Content = content, LastSeen = seenAt };
    }

    private async Task WriteArchiveAsync(Func<StoreContext, Task> write, CancellationToken cancellation)
    {
        if (!await _writer.WaitAsync(WriterPatience, cancellation))
        {
            throw new EvidenceSourceException("TIMEOUT", "other writers were busy for too long");
        }

        try
        {
            await ArchiveAsync(async context =>
            {
                await using var transaction = await _database.BeginWriteAsync(context, cancellation);
                await write(context);
                await transaction.CommitAsync(cancellation);
                return true;
            });
        }
        finally
        {
            _writer.Release();
        }
    }

    private async Task<T> ArchiveAsync<T>(Func<StoreContext, Task<T>> query)
    {
        try
        {
            return await QueryAsync(query);
        }
        catch (StoreUnavailableException exception)
        {
            throw new EvidenceSourceException(exception.Failure.Class, exception.Failure.Problem, exception);
        }
    }
}
