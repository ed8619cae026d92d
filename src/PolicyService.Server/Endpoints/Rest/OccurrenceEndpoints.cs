using System.Text;
using System.Text.Json.Nodes;
using PolicyService.Core;
using PolicyService.Core.Access;
using PolicyService.Core.Attestations;
using PolicyService.Core.Documents;
using PolicyService.Core.Policies;
using PolicyService.Server.Access;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Endpoints.Rest;

/// <summary>
/// Occurrences of Container Analysis (GCLOUD_REST section 7). Attestations are stored whether they verify or not; what counts is found out
/// at each decision. Occurrences of other kinds are kept as they came.
/// </summary>
internal static class OccurrenceEndpoints
{
    private const string Collection = "/projects/{project}/occurrences";

    public static void Map(RouteGroupBuilder group)
    {
        group.MapPost(Collection, CreateAsync).Needs(Permissions.OccurrencesCreate, "projects/{project}");
        group.MapGet(Collection, ListAsync).Needs(Permissions.OccurrencesList, "projects/{project}");
        group.MapGet($"{Collection}/{{occurrence}}", GetAsync).Needs(Permissions.OccurrencesGet, "projects/{project}/occurrences/{occurrence}");
        group.MapDelete($"{Collection}/{{occurrence}}", DeleteAsync).Needs(Permissions.OccurrencesDelete, "projects/{project}/occurrences/{occurrence}");
        group.MapGet("/projects/{project}/notes/{note}/occurrences", ListOfNoteAsync).Needs(Permissions.NotesListOccurrences, "projects/{project}/notes/{note}");
    }

    private static async Task<IResult> CreateAsync(HttpContext context, DocumentStore store, AccessGate access, string project)
    {
        if (!RestEndpoints.TryKey(StoredKind.Policy, $"projects/{project}/policy", out var key, out var refusal))
        {
            return refusal;
        }

        var (body, unread) = await RestBody.ReadAsync(context);
        if (body is null)
        {
            return unread!;
        }

        var reader = new MappingReader(body.Root, body.Problems);
        var kind = reader.Required<string>("kind", ValueParsers.Text, "write the kind of the occurrence, such as ATTESTATION");
        var note = reader.Required<string>("noteName", ParseNote, "write noteName: projects/<project>/notes/<note>");
        reader.Required<string>("resourceUri", ValueParsers.Text, "write resourceUri: https://<registry>/<repository>@sha256:<digest>");
        var attestations = !body.Problems.HasErrors && kind == OccurrenceJson.Attestation ? OccurrenceParser.Parse([body.Root], body.Problems) : [];
        if ((body.Refusal() ?? Oversized(attestations ?? []) ?? access.Refusal(context, Permissions.NotesAttach, note!)) is { } invalid)
        {
            return invalid;
        }

        var content = kind == OccurrenceJson.Attestation ? WithStandardBytes(body.ToObject()) : body.Text;
        if (kind == OccurrenceJson.Attestation && Encoding.UTF8.GetByteCount(content) > Limits.OccurrenceBytes)
        {
            return RestError.Invalid("", $"the occurrence has more than {Limits.OccurrenceBytes} bytes: leave out what no decision reads");
        }

        return RestAnswer.Of(await store.CreateOccurrenceAsync(key.Project, content, context.RequestAborted));
    }

    /// <summary>What no decision would count is not stored: it would only be in the way of what does (SEMANTICS section 7).</summary>
    private static IResult? Oversized(IReadOnlyList<Attestation> attestations)
    {
        var signatures = attestations.SelectMany(attestation => attestation.Signatures).ToArray();
        // The first has the payload and its signatures; each further one is a JWT.
        return attestations.Any(attestation => attestation.IsOversized)
                ? RestError.Invalid("attestation.serializedPayload", $"the payload has more than {Limits.PayloadBytes} bytes, so it would never count: sign less")
            : signatures.Any(signature => signature is { IsOversized: true, Format: SignatureFormat.Jwt })
                ? RestError.Invalid("attestation.jwts", $"a JWT has more than {Limits.JwtBytes} bytes, so it would never count: sign less")
            : Array.FindIndex(signatures, signature => signature.IsOversized) is var index and >= 0
                ? RestError.Invalid($"attestation.signatures[{index}].signature", $"the signature has more than {Limits.SignatureBytes} bytes, so it would never count: write another")
            : signatures.Length > Limits.SignaturesPerOccurrence
                ? RestError.Invalid("attestation.signatures", $"the occurrence has more than {Limits.SignaturesPerOccurrence} signatures: create further ones for the others")
            : null;
    }

    /// <summary>Clients send bytes in the URL-safe alphabet; proto3 JSON writes them in the other one, which every client reads.</summary>
    private static string WithStandardBytes(JsonObject occurrence)
    {
        var attestation = occurrence["attestation"]!.AsObject();
        Standardise(attestation, "serializedPayload");
        foreach (var signature in (attestation["signatures"] as JsonArray ?? []).OfType<JsonObject>())
        {
            Standardise(signature, "signature");
        }

        return occurrence.ToJsonString(RestJson.Relaxed);
    }

    private static void Standardise(JsonObject owner, string field)
    {
        if (owner[field] is JsonValue value && ValueParsers.Bytes(value.GetValue<string>(), out var bytes, out _))
        {
            owner[field] = Convert.ToBase64String(bytes);
        }
    }

    private static async Task<IResult> ListAsync(HttpContext context, DocumentStore store, string project) =>
        RestEndpoints.TryKey(StoredKind.Policy, $"projects/{project}/policy", out var key, out var refusal)
            ? await QueryAsync(context, store, new OccurrenceQuery(key.Project, null))
            : refusal;

    private static async Task<IResult> ListOfNoteAsync(HttpContext context, DocumentStore store, string project, string note)
    {
        if (!RestEndpoints.TryKey(StoredKind.Note, $"projects/{project}/notes/{note}", out var key, out var refusal))
        {
            return refusal;
        }

        // No occurrences and no such note are two answers.
        var outcome = await store.GetAsync(key, context.RequestAborted);
        return outcome is StoreOutcome.Found && NoteName.TryParse(key.Name, out var name)
            ? await QueryAsync(context, store, new OccurrenceQuery("", name))
            : RestAnswer.Of(outcome);
    }

    private static async Task<IResult> QueryAsync(HttpContext context, DocumentStore store, OccurrenceQuery query)
    {
        if (!RestQuery.TryReadPage(context, out var size, out var token, out var refusal) || !RestQuery.TryRead(context, "filter", out var text, out refusal))
        {
            return refusal;
        }

        return OccurrenceFilter.TryApply(text, ref query, out var problem)
            ? RestAnswer.List(await store.ListOccurrencesAsync(query, size, token, context.RequestAborted), "occurrences")
            : RestError.Invalid("filter", problem);
    }

    private static async Task<IResult> GetAsync(HttpContext context, DocumentStore store, string project, string occurrence) =>
        RestEndpoints.TryKey(StoredKind.Occurrence, $"projects/{project}/occurrences/{occurrence}", out var key, out var refusal)
            ? RestAnswer.Of(await store.GetAsync(key, context.RequestAborted))
            : refusal;

    private static async Task<IResult> DeleteAsync(HttpContext context, DocumentStore store, string project, string occurrence) =>
        RestEndpoints.TryKey(StoredKind.Occurrence, $"projects/{project}/occurrences/{occurrence}", out var key, out var refusal)
            ? RestAnswer.Of(await store.DeleteOccurrenceAsync(key, context.RequestAborted))
            : refusal;

    private static bool ParseNote(string text, out string note, out string problem)
    {
        (note, problem) = (text, "write projects/<project>/notes/<note>");
        return NoteName.TryParse(text, out _);
    }
}
