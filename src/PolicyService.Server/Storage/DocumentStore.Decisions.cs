using Microsoft.EntityFrameworkCore;
using PolicyService.Core.Images;
using PolicyService.Evidence;
using PolicyService.Evidence.Grafeas;
using PolicyService.Server.Storage.Transfers;

namespace PolicyService.Server.Storage;

/// <summary>One state of the store: the number every write raises, and a stamp no other state ever had.</summary>
public sealed record StoreGeneration(long Value, string Stamp);

/// <summary>The database failed where a caller within this process must be told by exception.</summary>
internal sealed class StoreUnavailableException(StoreFailure failure, Exception inner) : Exception(failure.Problem, inner)
{
    public StoreFailure Failure => failure;
}

/// <summary>What decisions read.</summary>
public sealed partial class DocumentStore : IOccurrenceSource
{
    /// <summary>When the generation was last told; 0: never.</summary>
    private long _answered;

    /// <summary>Documents asked for in one statement.</summary>
    private const int Chunk = 500;

    /// <summary>Kinds a snapshot is built from.</summary>
    internal static IReadOnlyList<int> SnapshotKinds { get; } =
    [
        (int)StoredKind.Policy, (int)StoredKind.Attestor, (int)StoredKind.PlatformPolicy, (int)StoredKind.Options, (int)StoredKind.SystemPolicy, (int)StoredKind.Clusters,
    ];

    /// <summary>Kinds the rules of access are made from.</summary>
    internal static IReadOnlyList<int> AccessKinds { get; } = [(int)StoredKind.PolicyIam, (int)StoredKind.AttestorIam];

    /// <summary>The state of the store now: one row, asked for every half second.</summary>
    /// <exception cref="StoreUnavailableException">The database does not answer.</exception>
    internal async Task<StoreGeneration> GenerationAsync(CancellationToken cancellation)
    {
        var generation = await QueryAsync(_database.CreatePollContext, context => GenerationAsync(context, cancellation));
        Volatile.Write(ref _answered, _time.GetTimestamp());
        return generation;
    }

    /// <summary>The documents a snapshot is built from, in one state. Attestations are not among them.</summary>
    /// <param name="kinds">Which kinds.</param>
    /// <param name="known">Etags of the documents the caller has, by kind and name; their content is not read again.</param>
    /// <param name="cancellation">The service stops.</param>
    /// <exception cref="StoreUnavailableException">The database does not answer.</exception>
    internal Task<StoreReading> ReadDocumentsAsync(IReadOnlyList<int> kinds, IReadOnlyDictionary<DocumentKey, string> known, CancellationToken cancellation) => QueryAsync(_database.CreatePollContext, async context =>
    {
        await using var transaction = await _database.BeginReadAsync(context, cancellation);
        var generation = await GenerationAsync(context, cancellation);
        var present = await context.Documents.AsNoTracking().Where(row => kinds.Contains(row.Kind))
            .Select(row => new { row.Kind, row.Name, row.Etag }).ToListAsync(cancellation);
        var keys = present.ToDictionary(row => DocumentKey.Of((StoredKind)row.Kind, row.Name), row => row.Etag);
        var changed = new List<StoredDocument>();
        foreach (var chunk in keys.Where(pair => known.GetValueOrDefault(pair.Key) != pair.Value).Select(pair => pair.Key.Name).Distinct().Chunk(Chunk))
        {
            var rows = await context.Documents.AsNoTracking().Where(row => kinds.Contains(row.Kind) && chunk.Contains(row.Name)).ToListAsync(cancellation);
            changed.AddRange(rows.Select(Of));
        }

        return new StoreReading(generation, keys.Keys, changed);
    });

    /// <inheritdoc/>
    bool IOccurrenceSource.HasAnswered(TimeSpan within) =>
        Volatile.Read(ref _answered) is var answered and not 0 && _time.GetElapsedTime(answered) < within;

    /// <inheritdoc/>
    async Task<IReadOnlyDictionary<OccurrenceParent, ParentOccurrences>> IOccurrenceSource.ReadAsync(
        Digest digest, IReadOnlyCollection<OccurrenceParent> parents, string caller, CancellationToken cancellation)
    {
        await _readers.EnterAsync(caller, cancellation);
        try
        {
            return await QueryAsync(async context =>
            {
                var found = parents.ToDictionary(parent => parent, _ => new List<EvidenceRow>());
                foreach (var chunk in parents.OrderBy(parent => parent.Project.Length == 0).Chunk(EvidenceQuery.MaxParents))
                {
                    await foreach (var row in EvidenceQuery.Of(context, digest, chunk).AsAsyncEnumerable().WithCancellation(cancellation))
                    {
                        found[chunk[row.Parent]].Add(row);
                    }
                }

                return found.ToDictionary(pair => pair.Key, pair => EvidenceQuery.Read(pair.Value, cancellation));
            });
        }
        catch (StoreUnavailableException exception)
        {
            throw new EvidenceSourceException(exception.Failure.Class, exception.Failure.Problem, exception);
        }
        finally
        {
            _readers.Leave(caller);
        }
    }

    private static async Task<StoreGeneration> GenerationAsync(StoreContext context, CancellationToken cancellation)
    {
        var row = await context.Generations.AsNoTracking().SingleAsync(row => row.Id == 1, cancellation);
        return new StoreGeneration(row.Value, row.Stamp);
    }

    private Task<T> QueryAsync<T>(Func<StoreContext, Task<T>> query) => QueryAsync(_database.CreateContext, query);

    private async Task<T> QueryAsync<T>(Func<StoreContext> open, Func<StoreContext, Task<T>> query)
    {
        try
        {
            await using var context = open();
            return await query(context);
        }
        // What an export meets while it writes what was read is no failure of the database.
        catch (Exception exception) when (exception is not (OperationCanceledException or ExportException))
        {
            throw new StoreUnavailableException(_database.FailureOf(exception), exception);
        }
    }
}

/// <summary>The documents of one state of the store.</summary>
/// <param name="Generation">The state.</param>
/// <param name="Present">All documents there are.</param>
/// <param name="Changed">Those whose etag the reader did not know.</param>
internal sealed record StoreReading(StoreGeneration Generation, IReadOnlyCollection<DocumentKey> Present, IReadOnlyList<StoredDocument> Changed);
