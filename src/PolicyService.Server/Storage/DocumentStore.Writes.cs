using System.Text;
using Microsoft.EntityFrameworkCore;
using PolicyService.Core.Attestors;
using PolicyService.Core.Documents;
using PolicyService.Core.Policies;

namespace PolicyService.Server.Storage;

/// <summary>Writes of documents.</summary>
public sealed partial class DocumentStore
{
    /// <summary>Stores a document that must not exist yet.</summary>
    /// <param name="key">Any kind but an occurrence.</param>
    /// <param name="json">The document; what the store keeps itself (<c>name</c>, <c>etag</c>, times) is ignored in it.</param>
    /// <param name="author">Who writes, for the revision.</param>
    /// <param name="cancellation">The caller went away; nothing is written then, unless it is being committed.</param>
    /// <returns>Written, AlreadyExists, NotFound (the attestor of an IAM policy), Invalid or Unavailable.</returns>
    public Task<StoreOutcome> CreateAsync(DocumentKey key, string json, string author, CancellationToken cancellation) =>
        WriteDocumentAsync(key, json, author, existing => existing is null ? null : new StoreOutcome.AlreadyExists(key.Name), cancellation);

    /// <summary>Stores a document, new or in place of the one there.</summary>
    /// <param name="key">Any kind but an occurrence.</param>
    /// <param name="json">The document, as for <see cref="CreateAsync"/>.</param>
    /// <param name="etag">Empty: overwrite. Else the current etag, or <see cref="NoEtag"/> for a document that must not exist.</param>
    /// <param name="author">Who writes, for the revision.</param>
    /// <param name="cancellation">The caller went away.</param>
    /// <returns>Written, Conflict, NotFound (the attestor of an IAM policy), Invalid or Unavailable.</returns>
    public Task<StoreOutcome> PutAsync(DocumentKey key, string json, string etag, string author, CancellationToken cancellation) =>
        WriteDocumentAsync(key, json, author, existing => Disagrees(key, existing, etag), cancellation);

    /// <summary>Replaces a document that must exist. An attestor keeps its note.</summary>
    /// <param name="key">Any kind but an occurrence.</param>
    /// <param name="json">The document, as for <see cref="CreateAsync"/>.</param>
    /// <param name="etag">Empty: overwrite; else the current etag.</param>
    /// <param name="author">Who writes, for the revision.</param>
    /// <param name="cancellation">The caller went away.</param>
    /// <returns>Written, NotFound, Conflict, Invalid or Unavailable.</returns>
    public Task<StoreOutcome> UpdateAsync(DocumentKey key, string json, string etag, string author, CancellationToken cancellation) =>
        WriteDocumentAsync(key, json, author, existing => existing is null ? new StoreOutcome.NotFound(key.Name) : Disagrees(key, existing, etag), cancellation);

    /// <summary>
    /// Deletes a document. With an attestor goes its IAM policy; a policy that names the attestor then dangles and denies. A note leaves
    /// its occurrences behind: they count by the note's name.
    /// </summary>
    /// <param name="key">Any kind but an occurrence.</param>
    /// <param name="etag">Empty: whatever is there; else the current etag.</param>
    /// <param name="author">Who deletes, for the revision.</param>
    /// <param name="cancellation">The caller went away.</param>
    /// <returns>Deleted, NotFound, Conflict or Unavailable.</returns>
    public Task<StoreOutcome> DeleteAsync(DocumentKey key, string etag, string author, CancellationToken cancellation) => WriteAsync(
        async context =>
        {
            if (await FindAsync(context, key, cancellation) is not { } existing)
            {
                return new StoreOutcome.NotFound(key.Name);
            }

            if (Disagrees(key, existing, etag) is { } conflict)
            {
                return conflict;
            }

            Remove(context, existing, author);
            // An attestor made anew under the same name must not inherit the grants of the old one.
            if (key.Kind is StoredKind.Attestor && await FindAsync(context, DocumentKey.Of(StoredKind.AttestorIam, key.Name), cancellation) is { } grants)
            {
                Remove(context, grants, author);
                return new StoreOutcome.Deleted(key) { IamPolicy = grants.Content };
            }

            return new StoreOutcome.Deleted(key);
        },
        cancellation);

    private async Task<StoreOutcome> WriteDocumentAsync(
        DocumentKey key, string json, string author, Func<DocumentRow?, StoreOutcome?> refuse, CancellationToken cancellation)
    {
        var (content, parsed, invalid) = Check(key, json);
        return invalid is not null ? invalid : await WriteAsync(
            async context =>
            {
                var existing = await FindAsync(context, key, cancellation);
                var replaced = existing?.Content;
                var refused = refuse(existing) ?? await CheckReferencesAsync(context, key, parsed, existing, cancellation);
                return refused ?? new StoreOutcome.Written(Of(Store(context, key, content!, existing, author))) { Replaced = replaced };
            },
            cancellation);
    }

    /// <summary>What the document itself tells: its text as the store keeps it and what it parses to, or why it is refused.</summary>
    private (string? Content, object? Parsed, StoreOutcome.Invalid? Refused) Check(DocumentKey key, string json)
    {
        if (!DocumentJson.TryNormalize(json, key, out var content, out var problem))
        {
            return (null, null, new StoreOutcome.Invalid("", problem));
        }

        if (CheckElsewhere(key) is { } elsewhere)
        {
            return (null, null, elsewhere);
        }

        if (key.Path is not { } path)
        {
            return (content, null, null);
        }

        // Nothing enters the store that the snapshot would refuse.
        var parsed = DocumentFiles.Parse(path, Encoding.UTF8.GetBytes(content));
        return parsed.Problems.FirstOrDefault(found => found.Severity is ProblemSeverity.Error) is { } error
            ? (null, null, new StoreOutcome.Invalid("", $"{error.Message}; {error.Remedy}"))
            : (content, parsed.Content, null);
    }

    private static Task<DocumentRow?> FindAsync(StoreContext context, DocumentKey key, CancellationToken cancellation) =>
        context.Documents.SingleOrDefaultAsync(row => row.Kind == (int)key.Kind && row.Name == key.Name, cancellation);

    private static StoreOutcome.Conflict? Disagrees(DocumentKey key, DocumentRow? existing, string etag) =>
        etag.Length == 0 || etag == (existing?.Etag ?? NoEtag) ? null : new StoreOutcome.Conflict(key.Name);

    /// <summary>What only the other documents of the store can tell, within the transaction of the write.</summary>
    private static async Task<StoreOutcome?> CheckReferencesAsync(
        StoreContext context, DocumentKey key, object? parsed, DocumentRow? existing, CancellationToken cancellation)
    {
        switch (parsed)
        {
            case Policy policy:
                var names = policy.SpecificRules.Values.Append(policy.DefaultRule).SelectMany(rule => rule.RequireAttestationsBy).Select(name => name.ToString()).Distinct().ToArray();
                var known = await context.Documents.Where(row => row.Kind == (int)StoredKind.Attestor && names.Contains(row.Name)).Select(row => row.Name).ToListAsync(cancellation);
                return names.Except(known).FirstOrDefault() is { } missing
                    ? new StoreOutcome.Invalid("requireAttestationsBy", $"the attestor {missing} does not exist: create it first")
                    : null;
            case Attestor attestor when existing is not null:
                var before = DocumentFiles.Parse(key.Path!, Encoding.UTF8.GetBytes(existing.Content)).Content as Attestor;
                return before is not null && before.Note != attestor.Note
                    ? new StoreOutcome.Invalid("noteReference", $"the note of an attestor may not change: keep {before.Note}")
                    : null;
            case null when key.Kind is StoredKind.AttestorIam:
                return await context.Documents.AnyAsync(row => row.Kind == (int)StoredKind.Attestor && row.Name == key.Name, cancellation)
                    ? null
                    : new StoreOutcome.NotFound(key.Name);
            default:
                return null;
        }
    }

    /// <summary>Puts the document and its revision into the transaction.</summary>
    private DocumentRow Store(StoreContext context, DocumentKey key, string content, DocumentRow? existing, string author)
    {
        var now = Rfc3339.ToMicroseconds(_time.GetUtcNow());
        var row = existing ?? new DocumentRow
        {
            Kind = (int)key.Kind,
            Name = key.Name,
            Project = key.Project,
            Parent = key.Parent,
            Content = "",
            Etag = "",
            CreateTime = now,
            UpdateTime = now,
        };
        AddRevision(context, row, author, now, content, existing?.Content, row.Etag = NewEtag());
        (row.Content, row.UpdateTime) = (content, now);
        if (existing is null)
        {
            context.Documents.Add(row);
        }

        return row;
    }

    private void Remove(StoreContext context, DocumentRow row, string author)
    {
        AddRevision(context, row, author, Rfc3339.ToMicroseconds(_time.GetUtcNow()), null, row.Content, "");
        context.Documents.Remove(row);
    }

    private static void AddRevision(StoreContext context, DocumentRow row, string author, long time, string? content, string? previous, string etag) =>
        context.Revisions.Add(new RevisionRow
        {
            Kind = row.Kind,
            Name = row.Name,
            Author = IsStorable(author) ? author : Shown.Value(author),
            Time = time,
            Content = content,
            Previous = previous,
            Etag = etag,
        });
}
