using System.Text.Json.Nodes;
using PolicyService.Core.Access;
using PolicyService.Core.Documents;
using PolicyService.Core.Policies;
using PolicyService.Server.Access;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Endpoints.Rest;

/// <summary>Notes of Container Analysis (GCLOUD_REST section 7). Only their names decide; the rest is kept and given back.</summary>
internal static class NoteEndpoints
{
    /// <summary>The kinds of notes, each with the field that makes a note one of it.</summary>
    private static readonly (string Field, string Kind)[] Kinds =
    [
        ("vulnerability", "VULNERABILITY"), ("build", "BUILD"), ("image", "IMAGE"), ("package", "PACKAGE"), ("deployment", "DEPLOYMENT"),
        ("discovery", "DISCOVERY"), ("attestation", "ATTESTATION"), ("upgrade", "UPGRADE"), ("compliance", "COMPLIANCE"),
        ("dsseAttestation", "DSSE_ATTESTATION"), ("vulnerabilityAssessment", "VULNERABILITY_ASSESSMENT"), ("sbomReference", "SBOM_REFERENCE"), ("secret", "SECRET"),
    ];

    public static void Map(RouteGroupBuilder group)
    {
        // A slash at the end is the same path: clients write `notes/?noteId=`.
        group.MapPost("/projects/{project}/notes", CreateAsync).Needs(Permissions.NotesCreate, "projects/{project}");
        group.MapGet("/projects/{project}/notes", ListAsync).Needs(Permissions.NotesList, "projects/{project}");
        group.MapGet("/projects/{project}/notes/{note}", GetAsync).Needs(Permissions.NotesGet, "projects/{project}/notes/{note}");
        group.MapDelete("/projects/{project}/notes/{note}", DeleteAsync).Needs(Permissions.NotesDelete, "projects/{project}/notes/{note}");
    }

    private static async Task<IResult> CreateAsync(HttpContext context, DocumentStore store, string project)
    {
        if (!RestQuery.TryRead(context, "noteId", out var id, out var refusal))
        {
            return refusal;
        }

        if (!ResourceNames.IsId(id))
        {
            return RestError.Invalid("noteId", $"`{Shown.Value(id)}` is no id of a note: write letters, digits, `.`, `_` and `-`");
        }

        if (!RestEndpoints.TryKey(StoredKind.Note, $"projects/{project}/notes/{id}", out var key, out refusal))
        {
            return refusal;
        }

        var (body, unread) = await RestBody.ReadAsync(context);
        if (body is null)
        {
            return unread!;
        }

        var kind = ReadKind(body);
        return body.Refusal() ?? RestAnswer.Of(await store.CreateAsync(key, Content(body, kind), context.Caller().Name, context.RequestAborted));
    }

    /// <summary>Checks the note, but for what stands in the field of its kind.</summary>
    private static string ReadKind(RestBody body)
    {
        var reader = new MappingReader(body.Root, body.Problems);
        foreach (var text in new[] { "name", "shortDescription", "longDescription", "expirationTime", "createTime", "updateTime" })
        {
            reader.Text(text);
        }

        reader.Sequence("relatedUrl");
        reader.Values<string>("relatedNoteNames", ValueParsers.Text);
        var given = reader.Text("kind");
        var kinds = Kinds.Where(kind => reader.Mapping(kind.Field) is not null).ToArray();
        reader.End();
        if (kinds.Length != 1)
        {
            body.Problems.Error(body.Root.Mark, $"a note is of one kind, this one of {kinds.Length}", $"write one of {string.Join(", ", Kinds.Select(kind => kind.Field))}");
        }
        else if (given is not (null or "NOTE_KIND_UNSPECIFIED") && given != kinds[0].Kind)
        {
            body.Problems.Error(reader.MarkOf("kind"), $"`kind` is `{Shown.Value(given)}`", $"write {kinds[0].Kind}, or leave it out");
        }

        return kinds is [var only, ..] ? only.Kind : "";
    }

    private static string Content(RestBody body, string kind)
    {
        var note = body.ToObject();
        note["kind"] = kind;
        // People write this one in either spelling of proto3 JSON; answers have one.
        if (note["attestation"]?["hint"] is JsonObject hint && hint.Remove("human_readable_name", out var name))
        {
            hint["humanReadableName"] ??= name;
        }

        return note.ToJsonString(RestJson.Relaxed);
    }

    private static async Task<IResult> ListAsync(HttpContext context, DocumentStore store, string project)
    {
        if (!RestEndpoints.TryKey(StoredKind.Policy, $"projects/{project}/policy", out var key, out var refusal)
            || !RestQuery.TryReadPage(context, out var size, out var token, out refusal)
            || !RestQuery.TryRead(context, "filter", out var filter, out refusal))
        {
            return refusal;
        }

        return filter.Length > 0
            ? RestError.Invalid("filter", $"`{Shown.Value(filter)}`: notes are listed without a filter")
            : RestAnswer.List(await store.ListAsync(StoredKind.Note, key.Parent, size, token, context.RequestAborted), "notes");
    }

    private static async Task<IResult> GetAsync(HttpContext context, DocumentStore store, string project, string note) =>
        RestEndpoints.TryKey(StoredKind.Note, $"projects/{project}/notes/{note}", out var key, out var refusal)
            ? RestAnswer.Of(await store.GetAsync(key, context.RequestAborted))
            : refusal;

    private static async Task<IResult> DeleteAsync(HttpContext context, DocumentStore store, string project, string note) =>
        RestEndpoints.TryKey(StoredKind.Note, $"projects/{project}/notes/{note}", out var key, out var refusal)
            ? RestAnswer.Of(await store.DeleteAsync(key, "", context.Caller().Name, context.RequestAborted))
            : refusal;
}
