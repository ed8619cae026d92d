using Microsoft.EntityFrameworkCore;

namespace PolicyService.Server.Storage;

/// <summary>The history of documents: every write and deletion is kept.</summary>
public sealed partial class DocumentStore
{
    /// <summary>The newest revisions of a document, newest first.</summary>
    /// <param name="key">Any kind but an occurrence; the document need not exist any more.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="cancellation">The caller went away.</param>
    /// <returns>The revisions, none if it never existed; or why they cannot be had.</returns>
    public async Task<(IReadOnlyList<Revision> Revisions, StoreOutcome.Unavailable? Failure)> HistoryAsync(DocumentKey key, int limit, CancellationToken cancellation)
    {
        List<RevisionRow> rows = [];
        var outcome = await ReadAsync(async context =>
        {
            rows = await context.Revisions.AsNoTracking()
                .Where(row => row.Kind == (int)key.Kind && row.Name == key.Name)
                .OrderByDescending(row => row.Number).Take(limit).ToListAsync(cancellation);
            return new StoreOutcome.Page([], "");
        });
        return ([.. rows.Select(row => Of(key, row))], outcome as StoreOutcome.Unavailable);
    }

    /// <summary>Writes what a revision had, as a new write with a revision of its own; a revision that deleted deletes.</summary>
    /// <param name="key">The document.</param>
    /// <param name="number">Number of one of its revisions.</param>
    /// <param name="author">Who rolls back.</param>
    /// <param name="cancellation">The caller went away.</param>
    /// <returns>Written, Deleted, NotFound (the revision, or a document already gone), Invalid (it no longer fits the other documents) or Unavailable.</returns>
    public async Task<StoreOutcome> RollbackAsync(DocumentKey key, long number, string author, CancellationToken cancellation)
    {
        if (CheckElsewhere(key) is { } elsewhere)
        {
            return elsewhere;
        }

        RevisionRow? revision = null;
        var read = await ReadAsync(async context =>
        {
            revision = await context.Revisions.AsNoTracking()
                .SingleOrDefaultAsync(row => row.Number == number && row.Kind == (int)key.Kind && row.Name == key.Name, cancellation);
            return revision is null ? new StoreOutcome.NotFound($"{key.Name} revision {number}")
                : revision.Content is { } then && await CheckPinsAsync(context, key, then, cancellation) is { } unpinned ? unpinned
                : new StoreOutcome.Deleted(key);
        });
        return (read, revision) switch
        {
            (StoreOutcome.Deleted, { Content: { } content }) => await PutAsync(key, content, "", author, cancellation),
            (StoreOutcome.Deleted, not null) => await DeleteAsync(key, "", author, cancellation),
            _ => read,
        };
    }

    private static Revision Of(DocumentKey key, RevisionRow row) =>
        new(row.Number, key, row.Author, Rfc3339.FromMicroseconds(row.Time), row.Content, row.Previous, row.Etag);
}
