using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using PolicyService.Core;
using PolicyService.Core.Documents;
using PolicyService.Server.Access;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Endpoints.Rest;

/// <summary>
/// IAM policies of the project policy and of attestors (GCLOUD_REST section 5). They are stored and given back; who may do what does not
/// follow from them yet.
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
        group.MapGet($"{path}:getIamPolicy", (HttpContext context, DocumentStore store) => GetAsync(context, store, kind, owner));
        group.MapPost($"{path}:setIamPolicy", (HttpContext context, DocumentStore store) => SetAsync(context, store, kind));
        group.MapPost($"{path}:testIamPermissions", (HttpContext context, DocumentStore store) => TestAsync(context, store, kind));
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

    private static async Task<IResult> SetAsync(HttpContext context, DocumentStore store, StoredKind kind)
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
            etag = ReadPolicy(policy);
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
        return RestAnswer.Of(await store.PutAsync(key, content, etag, context.Caller().Name, context.RequestAborted));
    }

    /// <summary>Checks the policy.</summary>
    /// <returns>Its etag in the spelling of the store: clients send bytes back in another alphabet than they got them.</returns>
    private static string ReadPolicy(MappingReader reader)
    {
        var etag = reader.Value<byte[]>("etag", ValueParsers.Bytes);
        if (reader.Take("version") is { } version and not ScalarNode { Quoted: false, Text: "0" or "1" or "3" })
        {
            reader.Problems.Error(version.Mark, $"`version` is {version.Kind}", "write 1, or 3 where bindings have conditions");
        }

        reader.Mappings("bindings", binding =>
        {
            binding.Required<string>("role", ParseText, "write role: roles/<role>");
            binding.Values<string>("members", ParseText);
            if (binding.Mapping("condition") is { } condition)
            {
                condition.Required<string>("expression", ParseText, "write the condition");
                condition.Text("title");
                condition.Text("description");
                condition.Text("location");
                condition.End();
            }

            return binding;
        });
        reader.End();
        return etag is null ? "" : Convert.ToBase64String(etag);
    }

    private static async Task<IResult> TestAsync(HttpContext context, DocumentStore store, StoredKind kind)
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
        var permissions = reader.Values<string>("permissions", ParseText);
        reader.End();
        if (body.Refusal() is { } invalid)
        {
            return invalid;
        }

        if (kind is StoredKind.AttestorIam && await store.GetAsync(DocumentKey.Of(StoredKind.Attestor, key.Name), context.RequestAborted) is var found and not StoreOutcome.Found)
        {
            return RestAnswer.Of(found);
        }

        // Without authentication the loopback caller holds every grant.
        return Results.Json(new PermissionsReply(permissions), RestJson.Default.PermissionsReply);
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
