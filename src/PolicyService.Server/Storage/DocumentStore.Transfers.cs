using Microsoft.EntityFrameworkCore;
using PolicyService.Core.Attestors;
using PolicyService.Core.Policies;
using PolicyService.Server.Storage.Transfers;

namespace PolicyService.Server.Storage;

/// <summary>The whole store out of a directory, and into one.</summary>
public sealed partial class DocumentStore
{
    /// <summary>In this order each finds what it names.</summary>
    private static readonly StoredKind[] ImportOrder =
    [
        StoredKind.Note, StoredKind.Attestor, StoredKind.AttestorIam, StoredKind.Policy, StoredKind.PolicyIam, StoredKind.PlatformPolicy, StoredKind.Options,
        StoredKind.ContinuousValidation, StoredKind.SystemPolicy, StoredKind.Clusters,
    ];

    /// <summary>Reads everything, in one state: documents by kind and name, then occurrences by project in the order of their writing.</summary>
    /// <exception cref="StoreUnavailableException">The database does not answer.</exception>
    internal Task<int> ReadAllAsync(Action<StoredDocument> document, Action<string, StoredDocument> occurrence, CancellationToken cancellation) => QueryAsync(async context =>
    {
        await using var transaction = await _database.BeginReadAsync(context, cancellation);
        var count = 0;
        await foreach (var row in context.Documents.AsNoTracking().OrderBy(row => row.Kind).ThenBy(row => row.Name).AsAsyncEnumerable().WithCancellation(cancellation))
        {
            document(Of(row));
            count++;
        }

        await foreach (var row in context.Occurrences.AsNoTracking().OrderBy(row => row.Project).ThenBy(row => row.Number).AsAsyncEnumerable().WithCancellation(cancellation))
        {
            occurrence(row.Kind, Of(row));
            count++;
        }

        return count;
    });

    /// <summary>
    /// Writes documents and occurrences, all or none. A document takes the place of the one there (unless it is the same already); an occurrence
    /// keeps its name and times, and is passed over if it or an identical one is there. A note that an attestor or an occurrence names
    /// and nobody has is made.
    /// </summary>
    /// <returns>Imported, or what stopped it: NotFound, Invalid (the field says where) or Unavailable.</returns>
    internal Task<StoreOutcome> ImportAsync(ImportContent content, string author, CancellationToken cancellation) => WriteAsync(
        async context =>
        {
            var occurrences = 0;
            var written = new List<(DocumentKey Key, string Json)>();
            foreach (var kind in ImportOrder)
            {
                foreach (var (key, json) in content.Documents.Where(pair => pair.Key.Kind == kind).OrderBy(pair => pair.Key.Name, StringComparer.Ordinal))
                {
                    var result = await ImportAsync(context, key, json, author, cancellation);
                    if (result is not (null or StoreOutcome.Written))
                    {
                        return result;
                    }

                    if (result is not null)
                    {
                        written.Add((key, json));
                    }
                }
            }

            foreach (var (key, json) in written)
            {
                // Now the options of every project are those that will count.
                if (await CheckPinsAsync(context, key, json, cancellation) is { } unpinned)
                {
                    return unpinned;
                }
            }

            foreach (var chunk in content.Occurrences.Chunk(Chunk))
            {
                foreach (var one in chunk)
                {
                    var result = await ImportAsync(context, one, author, cancellation);
                    if (result is not (StoreOutcome.Written or StoreOutcome.AlreadyExists))
                    {
                        return result;
                    }

                    occurrences += result is StoreOutcome.Written ? 1 : 0;
                }

                await context.SaveChangesAsync(cancellation);
                context.ChangeTracker.Clear();
            }

            return new StoreOutcome.Imported(written.Count, occurrences);
        },
        cancellation);

    /// <summary>Null: it is there already, the same.</summary>
    private async Task<StoreOutcome?> ImportAsync(StoreContext context, DocumentKey key, string json, string author, CancellationToken cancellation)
    {
        var (content, parsed, refused) = Check(key, json);
        if (refused is not null)
        {
            return refused with { Field = key.Name };
        }

        if (parsed is Attestor attestor)
        {
            await EnsureNoteAsync(context, attestor.Note, author, cancellation);
        }

        var existing = await FindAsync(context, key, cancellation);
        if (existing?.Content == content)
        {
            return null;
        }

        var dangling = await CheckReferencesAsync(context, key, parsed, existing, cancellation);
        if (dangling is not null)
        {
            return dangling is StoreOutcome.Invalid invalid ? invalid with { Field = $"{key.Name} {invalid.Field}" } : dangling;
        }

        var row = Store(context, key, content!, existing, author);
        await context.SaveChangesAsync(cancellation);
        return new StoreOutcome.Written(Of(row));
    }

    private async Task<StoreOutcome> ImportAsync(StoreContext context, ImportOccurrence one, string author, CancellationToken cancellation)
    {
        var now = _time.GetUtcNow();
        var key = one.Key ?? DocumentKey.Of(StoredKind.Occurrence, $"projects/{one.Project}/occurrences/{Guid.CreateVersion7(now)}");
        if (!DocumentJson.TryNormalize(one.Json, key, out var content, out var problem))
        {
            return new StoreOutcome.Invalid(one.Place, problem);
        }

        if (!OccurrenceJson.TryRead(content, one.Project, IsStorable, out var occurrence, out var refusal))
        {
            return refusal with { Field = $"{one.Place} {refusal.Field}" };
        }

        await EnsureNoteAsync(context, occurrence.Note, author, cancellation);
        if (await context.Occurrences.AnyAsync(row => row.Name == key.Name && row.Identity != occurrence.Identity, cancellation))
        {
            return new StoreOutcome.Invalid(one.Place, $"{key.Name} is there already, and another one");
        }

        // When it was first seen is what the source says: a restore must not make old attestations young.
        var row = Row(key, occurrence, content, now);
        row.CreateTime = Rfc3339.ToMicroseconds(one.CreateTime ?? now);
        row.UpdateTime = Rfc3339.ToMicroseconds(one.UpdateTime ?? one.CreateTime ?? now);
        var added = await AddAsync(context, row, cancellation);
        await context.SaveChangesAsync(cancellation);
        return added;
    }

    private async Task EnsureNoteAsync(StoreContext context, NoteName note, string author, CancellationToken cancellation)
    {
        var key = DocumentKey.Of(StoredKind.Note, note.ToString());
        if (await FindAsync(context, key, cancellation) is null)
        {
            var made = DocumentJson.TryNormalize("""{"kind": "ATTESTATION", "attestation": {}}""", key, out var content, out _);
            Store(context, key, made ? content! : throw new InvalidOperationException("a note of our own is refused"), null, author);
            await context.SaveChangesAsync(cancellation);
        }
    }
}
