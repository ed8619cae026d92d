using System.Globalization;
using Microsoft.EntityFrameworkCore;
using PolicyService.Core.Policies;

namespace PolicyService.Server.Storage;

/// <summary>Occurrences of every kind (GCLOUD_REST section 7). An attestation is stored verified or not; nothing here trusts one.</summary>
public sealed partial class DocumentStore
{
    /// <summary>Stores an occurrence under a name of its own.</summary>
    /// <param name="project">The project it is created in, which need not be its note's.</param>
    /// <param name="json">
    /// The occurrence: <c>kind</c>, <c>noteName</c>, <c>resourceUri</c>, and what the kind asks for. Name and times in it are ignored. An
    /// attestation must be one that decisions can read (its signatures may be bad).
    /// </param>
    /// <param name="cancellation">The caller went away.</param>
    /// <returns>
    /// Written, AlreadyExists (an identical one: same project, note, resource and attestation bytes), NotFound (the note), Invalid or
    /// Unavailable.
    /// </returns>
    public async Task<StoreOutcome> CreateOccurrenceAsync(string project, string json, CancellationToken cancellation)
    {
        if (!ResourceNames.IsProject(project))
        {
            return new StoreOutcome.Invalid("parent", "write projects/<project>");
        }

        var now = _time.GetUtcNow();
        var key = DocumentKey.Of(StoredKind.Occurrence, $"projects/{project}/occurrences/{Guid.CreateVersion7(now)}");
        if (!DocumentJson.TryNormalize(json, key, out var content, out var problem))
        {
            return new StoreOutcome.Invalid("", problem);
        }

        return OccurrenceJson.TryRead(content, project, IsStorable, out var occurrence, out var refusal)
            ? await WriteAsync(context => AddAsync(context, Row(key, occurrence, content, now), cancellation), cancellation)
            : refusal;
    }

    /// <summary>Deletes one occurrence; for decisions it is gone within a second.</summary>
    /// <returns>Deleted, NotFound or Unavailable.</returns>
    public Task<StoreOutcome> DeleteOccurrenceAsync(DocumentKey key, CancellationToken cancellation) => WriteAsync(
        async context => await context.Occurrences.Where(row => row.Name == key.Name).ExecuteDeleteAsync(cancellation) > 0
            ? new StoreOutcome.Deleted(key)
            : new StoreOutcome.NotFound(key.Name),
        cancellation);

    /// <summary>Lists occurrences, oldest first.</summary>
    /// <param name="query">Which. A note that does not exist has none: whoever must say so asks for the note first.</param>
    /// <param name="pageSize">At most so many; 0 or more than <see cref="MaxPageSize"/> is that.</param>
    /// <param name="pageToken">Empty, or the token of the page before: good for the same query only.</param>
    /// <param name="cancellation">The caller went away.</param>
    /// <returns>Page, Invalid (<c>pageToken</c>) or Unavailable. What is written meanwhile shows at the end; nothing shows twice.</returns>
    public async Task<StoreOutcome> ListOccurrencesAsync(OccurrenceQuery query, int pageSize, string pageToken, CancellationToken cancellation)
    {
        var resource = query.ResourceUri is { } uri ? OccurrenceJson.WithoutScheme(uri) : null;
        var scope = PageToken.Scope(
            "occurrences", query.Project, query.Note?.ToString() ?? "", query.Kind ?? "-", query.Digest?.ToString() ?? "-", resource is null ? "-" : $"={resource}");
        var after = 0L;
        if (!PageToken.TryRead(pageToken, scope, out var text)
            || (text.Length > 0 && !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out after)))
        {
            return PageToken.Refused;
        }

        if (!IsStorable(query.Project) || !IsStorable(query.Kind ?? "") || !IsStorable(resource ?? ""))
        {
            // Nothing stored can equal it, and PostgreSQL would refuse it.
            return new StoreOutcome.Page([], "");
        }

        return await ReadAsync(async context => await PageAsync(
            context,
            Page(Occurrences(context, query, resource), after),
            rows => rows.Select(row => StoreContext.Octets(row.Content)),
            pageSize,
            Of,
            row => PageToken.Write(scope, row.Number.ToString(CultureInfo.InvariantCulture)),
            cancellation));
    }

    internal static IQueryable<OccurrenceRow> Occurrences(StoreContext context, OccurrenceQuery query, string? resource)
    {
        var note = query.Note?.ToString();
        var digest = query.Digest?.ToString();
        var rows = context.Occurrences.AsNoTracking();
        rows = note is null ? rows.Where(row => row.Project == query.Project) : rows.Where(row => row.Note == note);
        rows = query.Kind is { } kind ? rows.Where(row => row.Kind == kind) : rows;
        rows = digest is null ? rows : rows.Where(row => row.Digest == digest);
        return resource is null ? rows : rows.Where(row => row.Resource == resource);
    }

    /// <summary>What comes after a place, in the order of the list.</summary>
    internal static IQueryable<OccurrenceRow> Page(IQueryable<OccurrenceRow> rows, long after) => rows.Where(row => row.Number > after).OrderBy(row => row.Number);

    private static OccurrenceRow Row(DocumentKey key, OccurrenceJson occurrence, string content, DateTimeOffset now) => new()
    {
        Name = key.Name,
        Project = key.Project,
        Note = occurrence.Note.ToString(),
        Kind = occurrence.Kind,
        Resource = occurrence.Resource,
        Digest = occurrence.Digest,
        Content = content,
        Identity = occurrence.Identity,
        CreateTime = Rfc3339.ToMicroseconds(now),
        UpdateTime = Rfc3339.ToMicroseconds(now),
    };

    private static async Task<StoreOutcome> AddAsync(StoreContext context, OccurrenceRow row, CancellationToken cancellation)
    {
        if (!await context.Documents.AnyAsync(note => note.Kind == (int)StoredKind.Note && note.Name == row.Note, cancellation))
        {
            return new StoreOutcome.NotFound(row.Note);
        }

        if (await context.Occurrences.Where(other => other.Identity == row.Identity).Select(other => other.Name).FirstOrDefaultAsync(cancellation) is { } same)
        {
            return new StoreOutcome.AlreadyExists(same);
        }

        context.Occurrences.Add(row);
        return new StoreOutcome.Written(Of(row));
    }
}
