using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using PolicyService.Core;
using PolicyService.Server.Access;

namespace PolicyService.Server.Storage;

/// <summary>
/// The durable store of documents and occurrences (SEMANTICS section 5), on SQLite or PostgreSQL. Every write is one transaction, is
/// durable before it is answered, checks the etag, raises the generation and leaves a revision. All methods may be called at once from
/// any thread; none throws on what a caller sent or on what the database does.
/// </summary>
public sealed partial class DocumentStore : IDisposable
{
    /// <summary>
    /// An etag that stands for a document which does not exist yet: a put with it succeeds only while there is none. A reader of a
    /// document that was never written may be given it.
    /// </summary>
    public const string NoEtag = "0000000000000000";

    /// <summary>Entries of a page, whatever was asked for.</summary>
    public const int MaxPageSize = 1000;

    private static readonly TimeSpan WriterPatience = TimeSpan.FromSeconds(10);

    private readonly StoreDatabase _database;
    private readonly TimeProvider _time;

    /// <summary>One writer of this process at a time: the others wait here, not on a lock of the database with a connection in hand.</summary>
    private readonly SemaphoreSlim _writer = new(1);

    /// <summary>Questions for evidence at a time: however many digests are asked about, some connections are left.</summary>
    private readonly FairPlaces _readers;

    private readonly ILogger _logger;

    internal DocumentStore(StoreDatabase database, TimeProvider time, ILogger? logger = null) =>
        (_database, _time, _logger, _readers) = (database, time, logger ?? NullLogger.Instance, new FairPlaces(database.MaxReaders));

    /// <summary>Where the database is, for logs; without a password.</summary>
    public string Place => _database.Place;

    internal StoreDatabase Database => _database;

    /// <summary>
    /// Says of a project that its documents come from elsewhere, and may therefore not be written here (a project comes from one source).
    /// </summary>
    internal Func<string, bool> IsElsewhere { get; set; } = _ => false;

    /// <summary>Brings the tables to the version of this service.</summary>
    /// <exception cref="SettingsException">The store cannot be used; the message is one line.</exception>
    public Task MigrateAsync(CancellationToken cancellation) => _database.MigrateAsync(cancellation);

    /// <summary>Reads one document, or one occurrence.</summary>
    /// <returns>Found, NotFound or Unavailable.</returns>
    public Task<StoreOutcome> GetAsync(DocumentKey key, CancellationToken cancellation) => ReadAsync(async context =>
    {
        var document = key.Kind is StoredKind.Occurrence
            ? (await context.Occurrences.AsNoTracking().SingleOrDefaultAsync(row => row.Name == key.Name, cancellation)) is { } occurrence ? Of(occurrence) : null
            : (await context.Documents.AsNoTracking().SingleOrDefaultAsync(row => row.Kind == (int)key.Kind && row.Name == key.Name, cancellation)) is { } row
                ? Of(row)
                : null;
        return document is null ? new StoreOutcome.NotFound(key.Name) : new StoreOutcome.Found(document);
    });

    /// <summary>Lists the documents of a kind under one parent, by name.</summary>
    /// <param name="kind">Any kind but occurrences.</param>
    /// <param name="parent"><c>projects/P</c>, or <c>projects/P/platforms/gke</c> for platform policies.</param>
    /// <param name="pageSize">At most so many; 0 or more than <see cref="MaxPageSize"/> is that.</param>
    /// <param name="pageToken">Empty, or the token of the page before: good for the same kind and parent only.</param>
    /// <param name="cancellation">The caller went away.</param>
    /// <returns>Page, Invalid (<c>pageToken</c>) or Unavailable. What is written meanwhile shows if its name comes later; nothing shows twice.</returns>
    public async Task<StoreOutcome> ListAsync(StoredKind kind, string parent, int pageSize, string pageToken, CancellationToken cancellation)
    {
        var scope = PageToken.Scope("documents", ((int)kind).ToString(System.Globalization.CultureInfo.InvariantCulture), parent);
        if (!PageToken.TryRead(pageToken, scope, out var after))
        {
            return PageToken.Refused;
        }

        return IsStorable(parent)
            ? await ReadAsync(async context => await PageAsync(
                context,
                Documents(context, kind, parent, after),
                rows => rows.Select(row => StoreContext.Octets(row.Content)),
                pageSize,
                Of,
                row => PageToken.Write(scope, row.Name),
                cancellation))
            : new StoreOutcome.Page([], "");
    }

    public void Dispose() => _writer.Dispose();

#pragma warning disable RS0030 // The comparison runs in the database, bytewise.
    private static IQueryable<DocumentRow> Documents(StoreContext context, StoredKind kind, string parent, string after) => context.Documents.AsNoTracking()
        .Where(row => row.Kind == (int)kind && row.Parent == parent && string.Compare(row.Name, after) > 0)
        .OrderBy(row => row.Name);
#pragma warning restore RS0030

    /// <summary>
    /// As many as were asked for and fit into a page. How large they are is asked first: a reader that stops early makes the database send
    /// the rest all the same.
    /// </summary>
    private async Task<StoreOutcome> PageAsync<T>(
        StoreContext context,
        IQueryable<T> rows,
        Func<IQueryable<T>, IQueryable<int>> octets,
        int pageSize,
        Func<T, StoredDocument> read,
        Func<T, string> tokenOf,
        CancellationToken cancellation)
    {
        await using var transaction = await _database.BeginReadAsync(context, cancellation);
        var limit = pageSize is > 0 and < MaxPageSize ? pageSize : MaxPageSize;
        var sizes = await octets(rows).Take(limit + 1).ToListAsync(cancellation);
        var (count, sum) = (0, 0L);
        while (count < sizes.Count && count < limit && (sum += sizes[count]) <= Limits.PageBytes)
        {
            count++;
        }

        // The first one always: a list that never comes past it would have no end.
        var page = await rows.Take(Math.Max(count, 1)).ToListAsync(cancellation);
        return new StoreOutcome.Page([.. page.Select(read)], page.Count < sizes.Count ? tokenOf(page[^1]) : "");
    }

    private async Task<StoreOutcome> ReadAsync(Func<StoreContext, Task<StoreOutcome>> read)
    {
        try
        {
            await using var context = _database.CreateContext();
            return await read(context);
        }
        catch (Exception exception) when (_database.Classify(exception) is { } failure)
        {
            LogFailed(_logger, failure.Class, exception);
            return failure.Outcome;
        }
    }

    /// <summary>One transaction that writes; it is committed only if the operation did something.</summary>
    private async Task<StoreOutcome> WriteAsync(Func<StoreContext, Task<StoreOutcome>> operation, CancellationToken cancellation)
    {
        if (!await _writer.WaitAsync(WriterPatience, cancellation))
        {
            return new StoreOutcome.Unavailable("TIMEOUT", "other writers were busy for too long");
        }

        try
        {
            await using var context = _database.CreateContext();
            await using var transaction = await _database.BeginWriteAsync(context, cancellation);
            var outcome = await operation(context);
            if (outcome is StoreOutcome.Written or StoreOutcome.Deleted or StoreOutcome.Imported)
            {
                var stamp = NewEtag();
                await context.SaveChangesAsync(cancellation);
                await context.Generations.ExecuteUpdateAsync(
                    set => set.SetProperty(row => row.Value, row => row.Value + 1).SetProperty(row => row.Stamp, stamp), cancellation);
                // From here on a caller that goes away must not leave it open whether the write happened.
                await transaction.CommitAsync(CancellationToken.None);
            }

            return outcome;
        }
        catch (Exception exception) when (_database.Classify(exception) is { } failure)
        {
            LogFailed(_logger, failure.Class, exception);
            return failure.Outcome;
        }
        finally
        {
            _writer.Release();
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The store failed ({Class})")]
    private static partial void LogFailed(ILogger logger, string @class, Exception exception);

    private static StoredDocument Of(DocumentRow row) => new(
        DocumentKey.Of((StoredKind)row.Kind, row.Name), row.Content, row.Etag, Rfc3339.FromMicroseconds(row.CreateTime), Rfc3339.FromMicroseconds(row.UpdateTime));

    private static StoredDocument Of(OccurrenceRow row) => new(
        DocumentKey.Of(StoredKind.Occurrence, row.Name), row.Content, "", Rfc3339.FromMicroseconds(row.CreateTime), Rfc3339.FromMicroseconds(row.UpdateTime));

    /// <summary>Hex digits are base64 too, in either alphabet: whoever decodes and encodes an etag anew gets the same text.</summary>
    private static string NewEtag()
    {
        var etag = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        return etag == NoEtag ? NewEtag() : etag;
    }

    /// <summary>What every database can hold and compare: whole characters, and no NUL, which PostgreSQL refuses.</summary>
    private static bool IsStorable(string text)
    {
        for (var rest = text.AsSpan(); !rest.IsEmpty;)
        {
            if (Rune.DecodeFromUtf16(rest, out var rune, out var length) is not OperationStatus.Done || rune.Value == 0)
            {
                return false;
            }

            rest = rest[length..];
        }

        return Encoding.UTF8.GetByteCount(text) <= Limits.LongStringBytes;
    }
}
