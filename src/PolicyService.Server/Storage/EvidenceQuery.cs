using System.Globalization;
using Microsoft.EntityFrameworkCore;
using PolicyService.Core;
using PolicyService.Core.Attestations;
using PolicyService.Core.Images;
using PolicyService.Evidence.Grafeas;

namespace PolicyService.Server.Storage;

/// <summary>An attestation as decisions read it.</summary>
internal sealed class EvidenceRow
{
    /// <summary>Which of the notes and projects asked about.</summary>
    public int Parent { get; set; }

    public long Number { get; set; }

    public required string Name { get; set; }

    /// <summary>Empty: too large to be read.</summary>
    public required string Content { get; set; }

    public long CreateTime { get; set; }
}

/// <summary>
/// The question for the attestations of a digest. It is bounded within the database: what is too large is told by its length, and its
/// content neither read nor sent.
/// </summary>
internal static class EvidenceQuery
{
    /// <summary>Notes and projects in one statement; SQLite takes no more than 500.</summary>
    public const int MaxParents = 100;

    /// <summary>
    /// The newest attestations of the digest under each note, or in each project; one more than counts, so that it shows if there are more.
    /// Each has limits of its own: many attestations under one must not hide those under another. Occurrences of the usual size are
    /// always read; larger ones, newest first, up to a number of bytes.
    /// </summary>
    public static IQueryable<EvidenceRow> Of(StoreContext context, Digest digest, IReadOnlyList<OccurrenceParent> parents)
    {
        // EF Core would nest one query for each value into the next. The text holds words and numbers of ours, never a caller's.
        var sql = string.Join("\nUNION ALL\n", parents.Select((parent, index) => string.Create(
            CultureInfo.InvariantCulture,
            $$"""
            SELECT {{index}} AS "Parent", o.number AS "Number", o.name AS "Name", w.create_time AS "CreateTime",
              CASE WHEN w.octets <= {{Limits.OccurrenceBytes}} AND (w.octets <= {{Limits.UsualOccurrenceBytes}} OR w.sum <= {{Limits.EvidenceBytes}}) THEN o.content ELSE '' END AS "Content"
            FROM (SELECT number, create_time, octets,
              SUM(CASE WHEN octets BETWEEN {{Limits.UsualOccurrenceBytes + 1}} AND {{Limits.OccurrenceBytes}} THEN octets ELSE 0 END) OVER (ORDER BY create_time DESC, number DESC) AS sum
              FROM (SELECT number, create_time, octet_length(content) AS octets FROM occurrences
                WHERE {{(parent.Project.Length == 0 ? "note" : "project")}} = {{{index + 1}}} AND digest = {0} AND kind = 'ATTESTATION'
                ORDER BY create_time DESC, number DESC LIMIT {{Limits.SignaturesPerDigest + 1}}) AS n) AS w
            JOIN occurrences AS o ON o.number = w.number
            """)));
        return context.Database.SqlQueryRaw<EvidenceRow>(
            sql, [digest.ToString(), .. parents.Select(parent => parent.Project.Length == 0 ? parent.Note.ToString() : parent.Project)]);
    }

    /// <summary>The attestations of one note or project within the limits.</summary>
    /// <param name="rows">In any order.</param>
    /// <param name="cancellation">Nobody waits any more.</param>
    public static ParentOccurrences Read(List<EvidenceRow> rows, CancellationToken cancellation)
    {
        var attestations = new List<Attestation>(rows.Count);
        var isCut = rows.Count > Limits.SignaturesPerDigest;
        foreach (var row in rows.OrderByDescending(row => row.CreateTime).ThenByDescending(row => row.Number).Take(Limits.SignaturesPerDigest))
        {
            cancellation.ThrowIfCancellationRequested();
            // One that cannot be read was written by a version that reads more; it is not this version's evidence, and never none.
            var read = row.Content.Length == 0 ? null : OccurrenceJson.AttestationsOf(ToJson(row), out _);
            isCut |= read is null;
            attestations.AddRange(read ?? []);
        }

        return new ParentOccurrences(attestations, isCut);
    }

    private static string ToJson(EvidenceRow row)
    {
        var time = Rfc3339.FromMicroseconds(row.CreateTime);
        return new StoredDocument(DocumentKey.Of(StoredKind.Occurrence, row.Name), row.Content, "", time, time).ToJson();
    }
}
