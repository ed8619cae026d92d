using PolicyService.Core.Access;
using PolicyService.Core.Documents;
using PolicyService.Core.Policies;
using PolicyService.Server.Access;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Endpoints.Rest;

/// <summary>Attestors and their keys (GCLOUD_REST section 4), and the validation of an attestation (section 7).</summary>
internal static class AttestorEndpoints
{
    private const string Collection = "/projects/{project}/attestors";
    private const string One = Collection + "/{attestor}";
    private const string Resource = "projects/{project}/attestors/{attestor}";

    public static void Map(RouteGroupBuilder group, string version)
    {
        var wire = AttestorWire.Of(version);
        group.MapPost(Collection, (HttpContext context, DocumentStore store, AccessGate access, string project) => CreateAsync(context, store, access, wire, project)).Needs(Permissions.AttestorsCreate, "projects/{project}");
        group.MapGet(Collection, (HttpContext context, DocumentStore store, string project) => ListAsync(context, store, wire, project)).Needs(Permissions.AttestorsList, "projects/{project}");
        group.MapGet(One, (HttpContext context, DocumentStore store, string project, string attestor) => GetAsync(context, store, wire, project, attestor)).Needs(Permissions.AttestorsGet, Resource);
        group.MapPut(One, (HttpContext context, DocumentStore store, string project, string attestor) => UpdateAsync(context, store, wire, project, attestor)).Needs(Permissions.AttestorsUpdate, Resource);
        group.MapDelete(One, DeleteAsync).Needs(Permissions.AttestorsDelete, Resource);
        group.MapPost($"{One}:validateAttestationOccurrence", ValidateAsync).Needs(Permissions.AttestorsVerify, Resource);
    }

    private static async Task<IResult> CreateAsync(HttpContext context, DocumentStore store, AccessGate access, AttestorWire wire, string project)
    {
        if (!RestQuery.TryRead(context, "attestorId", out var id, out var refusal))
        {
            return refusal;
        }

        if (!ResourceNames.IsId(id))
        {
            return RestError.Invalid("attestorId", $"`{Shown.Value(id)}` is no id of an attestor: write letters, digits, `.`, `_` and `-`");
        }

        if (!RestEndpoints.TryKey(StoredKind.Attestor, $"projects/{project}/attestors/{id}", out var key, out refusal))
        {
            return refusal;
        }

        var (content, note, _, unusable) = await ReadAsync(context, store, wire, key);
        if (content is null)
        {
            return unusable!;
        }

        // Its decisions tell what is attested under the note. The note stays as it is for good, so it is asked about here alone.
        return (note.Project != key.Project ? access.Refusal(context, Permissions.NotesListOccurrences, note.ToString()) : null)
            ?? RestAnswer.Of(await store.CreateAsync(key, content, context.Caller().Name, context.RequestAborted), wire.Write);
    }

    private static async Task<IResult> UpdateAsync(HttpContext context, DocumentStore store, AttestorWire wire, string project, string attestor)
    {
        if (!RestEndpoints.TryKey(StoredKind.Attestor, $"projects/{project}/attestors/{attestor}", out var key, out var refusal))
        {
            return refusal;
        }

        var (content, _, etag, unusable) = await ReadAsync(context, store, wire, key);
        return content is null ? unusable! : RestAnswer.Of(await store.UpdateAsync(key, content, etag, context.Caller().Name, context.RequestAborted), wire.Write);
    }

    private static async Task<(string? Content, NoteName Note, string Etag, IResult? Refusal)> ReadAsync(HttpContext context, DocumentStore store, AttestorWire wire, DocumentKey key)
    {
        var (body, refusal) = await RestBody.ReadAsync(context);
        if (body is null)
        {
            return (null, default, "", refusal);
        }

        var (content, note, remote) = wire.Read(body, key.Name);
        if (content is not null && remote.Count > 0)
        {
            refusal = await AttestorPins.CheckAsync(store, key.Project, remote, context.RequestAborted);
        }

        return (refusal is null ? content : null, note, body.StringOf("etag"), refusal ?? body.Refusal());
    }

    private static async Task<IResult> GetAsync(HttpContext context, DocumentStore store, AttestorWire wire, string project, string attestor) =>
        !RestEndpoints.TryKey(StoredKind.Attestor, $"projects/{project}/attestors/{attestor}", out var key, out var refusal)
            ? refusal
            : RestEndpoints.Elsewhere(store, key) ?? RestAnswer.Of(await store.GetAsync(key, context.RequestAborted), wire.Write);

    private static async Task<IResult> DeleteAsync(HttpContext context, DocumentStore store, IamChanges changes, string project, string attestor)
    {
        if (!RestEndpoints.TryKey(StoredKind.Attestor, $"projects/{project}/attestors/{attestor}", out var key, out var refusal))
        {
            return refusal;
        }

        // Its IAM policy goes with it, and what that granted.
        return RestEndpoints.Elsewhere(store, key) ?? await changes.RecordedAsync(
            context, key.Name, () => store.DeleteAsync(key, "", context.Caller().Name, context.RequestAborted), document => RestAnswer.Of(document));
    }

    private static async Task<IResult> ListAsync(HttpContext context, DocumentStore store, AttestorWire wire, string project)
    {
        if (!RestEndpoints.TryKey(StoredKind.Policy, $"projects/{project}/policy", out var key, out var refusal)
            || !RestQuery.TryReadPage(context, out var size, out var token, out refusal))
        {
            return refusal;
        }

        return RestEndpoints.Elsewhere(store, key)
            ?? RestAnswer.List(await store.ListAsync(StoredKind.Attestor, key.Parent, size, token, context.RequestAborted), "attestors", wire.Write);
    }

    private static async Task<IResult> ValidateAsync(HttpContext context, DocumentStore store, AttestationQuestion question, string project, string attestor)
    {
        if (!RestEndpoints.TryKey(StoredKind.Attestor, $"projects/{project}/attestors/{attestor}", out var key, out var refusal))
        {
            return refusal;
        }

        var (body, unread) = await RestBody.ReadAsync(context);
        if (body is null)
        {
            return unread!;
        }

        if (RestEndpoints.Elsewhere(store, key) is { } elsewhere)
        {
            return elsewhere;
        }

        var outcome = await store.GetAsync(key, context.RequestAborted);
        if (outcome is not StoreOutcome.Found found)
        {
            return RestAnswer.Of(outcome);
        }

        return ValidateRequest.Read(body) is { } request
            ? Results.Json(await question.AskAsync(found.Document, request, context.RequestAborted), RestJson.Default.ValidateReply)
            : body.Refusal()!;
    }
}
