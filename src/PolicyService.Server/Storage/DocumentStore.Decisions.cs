using System.Globalization;
using Microsoft.EntityFrameworkCore;
using PolicyService.Core;
using PolicyService.Core.Attestations;
using PolicyService.Core.Images;
using PolicyService.Evidence.Grafeas;

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
    /// <summary>Characters of occurrences of one digest under one note or in one project; what lies beyond is unknown (SEMANTICS section 7).</summary>
    private const int EvidenceCharacters = 16 * 1024 * 1024;

    /// <summary>Documents asked for in one statement.</summary>
    private const int Chunk = 500;

    /// <summary>Kinds a snapshot is built from.</summary>
    internal static IReadOnlyList<int> SnapshotKinds { get; } =
    [
        (int)StoredKind.Policy, (int)StoredKind.Attestor, (int)StoredKind.PlatformPolicy, (int)StoredKind.Options, (int)StoredKind.SystemPolicy, (int)StoredKind.Clusters,
    ];

    /// <summary>The state of the store now: one row, asked for every half second.</summary>
    /// <exception cref="StoreUnavailableException">The database does not answer.</exception>
    internal Task<StoreGeneration> GenerationAsync(CancellationToken cancellation) =>
        QueryAsync(context => GenerationAsync(context, cancellation));

    /// <summary>The documents a snapshot is built from, in one state. Attestations are not among them.</summary>
    /// <param name="known">Etags of the documents the caller has, by kind and name; their content is not read again.</param>
    /// <param name="cancellation">The service stops.</param>
    /// <exception cref="StoreUnavailableException">The database does not answer.</exception>
    internal Task<StoreReading> ReadDocumentsAsync(IReadOnlyDictionary<DocumentKey, string> known, CancellationToken cancellation) => QueryAsync(async context =>
    {
        await using var transaction = await _database.BeginReadAsync(context, cancellation);
        var generation = await GenerationAsync(context, cancellation);
        var present = await context.Documents.AsNoTracking().Where(row => SnapshotKinds.Contains(row.Kind))
            .Select(row => new { row.Kind, row.Name, row.Etag }).ToListAsync(cancellation);
        var keys = present.ToDictionary(row => DocumentKey.Of((StoredKind)row.Kind, row.Name), row => row.Etag);
        var changed = new List<StoredDocument>();
        foreach (var chunk in keys.Where(pair => known.GetValueOrDefault(pair.Key) != pair.Value).Select(pair => pair.Key.Name).Distinct().Chunk(Chunk))
        {
            var rows = await context.Documents.AsNoTracking().Where(row => SnapshotKinds.Contains(row.Kind) && chunk.Contains(row.Name)).ToListAsync(cancellation);
            changed.AddRange(rows.Select(Of));
        }

        return new StoreReading(generation, keys.Keys, changed);
    });

    /// <inheritdoc/>
    async Task<IReadOnlyDictionary<OccurrenceParent, ParentOccurrences>> IOccurrenceSource.ReadAsync(
        Digest digest, IReadOnlyCollection<OccurrenceParent> parents, CancellationToken cancellation)
    {
        OccurrenceParent[] notes = [.. parents.Where(parent => parent.Project.Length == 0)];
        OccurrenceParent[] projects = [.. parents.Except(notes)];
        try
        {
            return await QueryAsync(async context =>
            {
                var found = parents.ToDictionary(parent => parent, _ => new Bounded());
                await ReadAsync(context, digest, "note", [.. notes.Select(parent => parent.Note.ToString())], row => found[notes.Single(parent => parent.Note.ToString() == row.Note)].Add(row), cancellation);
                await ReadAsync(context, digest, "project", [.. projects.Select(parent => parent.Project)], row => found[OccurrenceParent.OfProject(row.Project)].Add(row), cancellation);
                return parents.ToDictionary(parent => parent, parent => found[parent].ToOccurrences());
            });
        }
        catch (StoreUnavailableException exception)
        {
            throw new EvidenceSourceException(exception.Failure.Class, exception.Failure.Problem, exception);
        }
    }

    private static async Task ReadAsync(
        StoreContext context, Digest digest, string column, IReadOnlyList<string> values, Action<OccurrenceRow> add, CancellationToken cancellation)
    {
        if (values.Count > 0)
        {
            await foreach (var row in Evidence(context, digest, column, values).AsAsyncEnumerable().WithCancellation(cancellation))
            {
                add(row);
            }
        }
    }

    /// <summary>
    /// The newest attestations of the digest under each note, or in each project; one more than counts, so that it shows if there are more.
    /// Each has a limit of its own: many attestations under one must not hide those under another.
    /// </summary>
    /// <param name="context">The database.</param>
    /// <param name="digest">The digest.</param>
    /// <param name="column"><c>note</c> or <c>project</c>; a word of ours, never a caller's.</param>
    /// <param name="values">The notes or projects.</param>
    internal static IQueryable<OccurrenceRow> Evidence(StoreContext context, Digest digest, string column, IReadOnlyList<string> values)
    {
        // EF Core would nest one query for each value into the next. The text holds numbers of parameters and nothing else.
        var sql = string.Join("\nUNION ALL\n", Enumerable.Range(0, values.Count).Select(index => string.Create(
            CultureInfo.InvariantCulture,
            $$"""
            SELECT * FROM (SELECT * FROM occurrences WHERE {{column}} = {{{index + 1}}} AND digest = {0} AND kind = 'ATTESTATION'
            ORDER BY create_time DESC, number DESC LIMIT {{Limits.SignaturesPerDigest + 1}}) AS o{{index}}
            """)));
        return context.Occurrences.FromSqlRaw(sql, [digest.ToString(), .. values]).AsNoTracking();
    }

    private static async Task<StoreGeneration> GenerationAsync(StoreContext context, CancellationToken cancellation)
    {
        var row = await context.Generations.AsNoTracking().SingleAsync(row => row.Id == 1, cancellation);
        return new StoreGeneration(row.Value, row.Stamp);
    }

    private async Task<T> QueryAsync<T>(Func<StoreContext, Task<T>> query)
    {
        try
        {
            await using var context = _database.CreateContext();
            return await query(context);
        }
        catch (Exception exception) when (_database.Classify(exception) is { } failure)
        {
            throw new StoreUnavailableException(failure, exception);
        }
    }

    /// <summary>The occurrences of one note or project within the limits.</summary>
    private sealed class Bounded
    {
        private readonly List<OccurrenceRow> _rows = [];
        private long _characters;
        private bool _isCut;

        public void Add(OccurrenceRow row)
        {
            _characters += row.Content.Length;
            _isCut |= _rows.Count >= Limits.SignaturesPerDigest || _characters > EvidenceCharacters;
            if (!_isCut)
            {
                _rows.Add(row);
            }
        }

        public ParentOccurrences ToOccurrences()
        {
            var attestations = new List<Attestation>(_rows.Count);
            foreach (var row in _rows.OrderByDescending(row => row.CreateTime).ThenByDescending(row => row.Number))
            {
                // One that cannot be read was written by a version that reads more; it is not this version's evidence, and never none.
                var read = OccurrenceJson.AttestationsOf(Of(row).ToJson(), out _);
                _isCut |= read is null;
                attestations.AddRange(read ?? []);
            }

            return new ParentOccurrences(attestations, _isCut);
        }
    }
}

/// <summary>The documents of one state of the store.</summary>
/// <param name="Generation">The state.</param>
/// <param name="Present">All documents there are.</param>
/// <param name="Changed">Those whose etag the reader did not know.</param>
internal sealed record StoreReading(StoreGeneration Generation, IReadOnlyCollection<DocumentKey> Present, IReadOnlyList<StoredDocument> Changed);
