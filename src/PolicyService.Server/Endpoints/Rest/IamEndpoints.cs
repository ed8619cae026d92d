using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using PolicyService.Core;
using PolicyService.Core.Access;
using PolicyService.Core.Documents;
using PolicyService.Server.Access;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Endpoints.Rest;

/// <summary>
/// IAM policies of the project policy and of attestors (GCLOUD_REST section 5): stored, given back, and in force with the next look at the
/// store.
/// </summary>
internal static class IamEndpoints
{
    public static void Map(RouteGroupBuilder group)
    {
        Map(group, "/projects/{project}/policy", StoredKind.PolicyIam, StoredKind.Policy);
        Map(group, "/projects/{project}/attestors/{attestor}", StoredKind.AttestorIam, StoredKind.Attestor);
    }

    private static void Map(RouteGroupBuilder group, string path, StoredKind kind, StoredKind owner)
    {
        var (get, set) = kind is StoredKind.PolicyIam ? (Permissions.PolicyGetIam, Permissions.PolicySetIam) : (Permissions.AttestorsGetIam, Permissions.AttestorsSetIam);
        group.MapGet($"{path}:getIamPolicy", (HttpContext context, DocumentStore store) => GetAsync(context, store, kind, owner)).Needs(get, path[1..]);
        group.MapPost($"{path}:setIamPolicy", (HttpContext context, DocumentStore store, IamChanges changes) => SetAsync(context, store, changes, kind)).Needs(set, path[1..]);
        // Whoever asks what they may do needs no permission for that.
        group.MapPost($"{path}:testIamPermissions", (HttpContext context, DocumentStore store, AccessGate access) => TestAsync(context, store, access, kind))
            .WithMetadata(AccessRequirement.Authenticated);
    }

    private static async Task<IResult> GetAsync(HttpContext context, DocumentStore store, StoredKind kind, StoredKind owner)
    {
        if (!TryKey(context, store, kind, out var key, out var refusal))
        {
            return refusal;
        }

        var outcome = await store.GetAsync(key, context.RequestAborted);
        if (outcome is not StoreOutcome.NotFound)
        {
            return RestAnswer.Of(outcome);
        }

        // A project policy can be asked about before it is written; an attestor must be there.
        if (owner is StoredKind.Attestor && await store.GetAsync(DocumentKey.Of(owner, key.Name), context.RequestAborted) is var found and not StoreOutcome.Found)
        {
            return RestAnswer.Of(found);
        }

        return RestAnswer.Json(new JsonObject { ["etag"] = DocumentStore.NoEtag }.ToJsonString());
    }

    private static async Task<IResult> SetAsync(HttpContext context, DocumentStore store, IamChanges changes, StoredKind kind)
    {
        if (!TryKey(context, store, kind, out var key, out var refusal))
        {
            return refusal;
        }

        var (body, unread) = await RestBody.ReadAsync(context);
        if (body is null)
        {
            return unread!;
        }

        var reader = new MappingReader(body.Root, body.Problems);
        reader.Text("updateMask");
        var etag = "";
        if (reader.Mapping("policy") is { } policy)
        {
            // In the spelling of the store: clients send bytes back in another alphabet than they got them.
            etag = IamPolicyParser.Read(policy).Etag is { } bytes ? Convert.ToBase64String(bytes) : "";
        }
        else if (!body.Problems.HasErrors)
        {
            body.Problems.Missing(body.Root.Mark, "policy", "write {\"policy\": {\"bindings\": [...]}}");
        }

        reader.End();
        if (body.Refusal() is { } invalid)
        {
            return invalid;
        }

        var content = body.ToObject()["policy"]!.AsObject().ToJsonString(RestJson.Relaxed);
        return await changes.RecordedAsync(
            context, key.Name, () => store.PutAsync(key, content, etag, context.Caller().Name, context.RequestAborted), outcome => RestAnswer.Of(outcome));
    }

    private static async Task<IResult> TestAsync(HttpContext context, DocumentStore store, AccessGate access, StoredKind kind)
    {
        if (!RestEndpoints.TryKey(kind, NameOf(context), out var key, out var refusal))
        {
            return refusal;
        }

        var (body, unread) = await RestBody.ReadAsync(context);
        if (body is null)
        {
            return unread!;
        }

        var reader = new MappingReader(body.Root, body.Problems);
        var permissions = reader.Values<string>("permissions", ParseText);
        reader.End();
        if (body.Refusal() is { } invalid)
        {
            return invalid;
        }

        var granted = access.Granted(context, permissions, key.Name);
        if (granted.Count == 0)
        {
            // Whoever may do nothing there learns nothing of it either.
            return Results.Json(new PermissionsReply(granted), RestJson.Default.PermissionsReply);
        }

        if (RestEndpoints.Elsewhere(store, key) is { } elsewhere)
        {
            return elsewhere;
        }

        return kind is StoredKind.AttestorIam && await store.GetAsync(DocumentKey.Of(StoredKind.Attestor, key.Name), context.RequestAborted) is var found and not StoreOutcome.Found
            ? RestAnswer.Of(found)
            : Results.Json(new PermissionsReply(granted), RestJson.Default.PermissionsReply);
    }

    private static bool ParseText(string text, out string value, out string problem)
    {
        (value, problem) = (text, $"write 1 to {Limits.LongStringBytes} characters");
        return text.Length is > 0 and <= Limits.LongStringBytes;
    }

    private static bool TryKey(HttpContext context, DocumentStore store, StoredKind kind, [NotNullWhen(true)] out DocumentKey? key, [NotNullWhen(false)] out IResult? refusal)
    {
        if (RestEndpoints.TryKey(kind, NameOf(context), out key, out refusal))
        {
            refusal = RestEndpoints.Elsewhere(store, key);
        }

        return refusal is null;
    }

    private static string NameOf(HttpContext context)
    {
        var values = context.Request.RouteValues;
        return values["attestor"] is string attestor ? $"projects/{values["project"]}/attestors/{attestor}" : $"projects/{values["project"]}/policy";
    }
}

internal sealed record PermissionsReply(IReadOnlyList<string> Permissions);
