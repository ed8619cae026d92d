using System.Text.Json.Nodes;
using PolicyService.Core.Access;
using PolicyService.Core.Documents;
using PolicyService.Core.Policies;
using PolicyService.Server.Access;
using PolicyService.Server.Policies;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Endpoints.Rest;

/// <summary>Project policies and the system policy (GCLOUD_REST section 3).</summary>
internal static class PolicyEndpoints
{
    /// <summary>Clients expect a policy where none was written; this one is never stored and never in force (SEMANTICS section 1).</summary>
    private const string NotInForce = "NOT IN FORCE: nothing imported yet; Evaluate answers DENY NO_POLICY";

    public static void Map(RouteGroupBuilder group)
    {
        group.MapGet("/projects/{project}/policy", GetAsync).Needs(Permissions.PolicyGet, "projects/{project}/policy");
        group.MapPut("/projects/{project}/policy", PutAsync).Needs(Permissions.PolicyUpdate, "projects/{project}/policy");
        group.MapGet("/locations/{location}/policy", GetSystemAsync).Needs(Permissions.PolicyGet, AccessResource.SystemPolicy);
    }

    private static async Task<IResult> GetAsync(HttpContext context, DocumentStore store, string project)
    {
        if (!RestEndpoints.TryKey(StoredKind.Policy, $"projects/{project}/policy", out var key, out var refusal))
        {
            return refusal;
        }

        if (RestEndpoints.Elsewhere(store, key) is { } elsewhere)
        {
            return elsewhere;
        }

        var outcome = await store.GetAsync(key, context.RequestAborted);
        return outcome is StoreOutcome.NotFound ? RestAnswer.Json(Courtesy(key)) : RestAnswer.Of(outcome);
    }

    private static async Task<IResult> PutAsync(HttpContext context, DocumentStore store, AccessGate access, string project)
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

        var policy = PolicyParser.Parse(body.Named(key.Name), etag: "", body.Problems);
        if (body.Refusal() is { } invalid)
        {
            return invalid;
        }

        if (Foreign(policy, key.Project).Select(attestor => access.Refusal(context, Permissions.AttestorsGet, attestor)).FirstOrDefault(refused => refused is not null) is { } hidden)
        {
            // Else whether the policy is taken would tell whether the attestor exists.
            return hidden;
        }

        return RestAnswer.Of(await store.PutAsync(key, Content(body), body.StringOf("etag"), context.Caller().Name, context.RequestAborted));
    }

    /// <summary>The attestors of other projects that a policy names.</summary>
    private static IEnumerable<string> Foreign(Policy? policy, string project) => policy is null ? [] : policy.SpecificRules.Values.Append(policy.DefaultRule)
        .SelectMany(rule => rule.RequireAttestationsBy).Where(attestor => attestor.Project != project).Select(attestor => attestor.ToString()).Distinct(StringComparer.Ordinal);

    /// <summary>Who exports the courtesy, edits it and imports it puts it into force: then it must not say that it is not.</summary>
    private static string Content(RestBody body)
    {
        if (body.StringOf("description") != NotInForce)
        {
            return body.Text;
        }

        var policy = body.ToObject();
        policy.Remove("description");
        return policy.ToJsonString(RestJson.Relaxed);
    }

    private static string Courtesy(DocumentKey key) => new JsonObject
    {
        ["name"] = key.Name,
        ["description"] = NotInForce,
        ["globalPolicyEvaluationMode"] = "ENABLE",
        ["defaultAdmissionRule"] = new JsonObject { ["evaluationMode"] = "ALWAYS_ALLOW", ["enforcementMode"] = "ENFORCED_BLOCK_AND_AUDIT_LOG" },
    }.ToJsonString(RestJson.Relaxed);

    /// <summary>There is one system policy, whatever location is asked about.</summary>
    private static async Task<IResult> GetSystemAsync(HttpContext context, DocumentStore store, SnapshotInForce inForce, string location)
    {
        if (!ResourceNames.IsId(location))
        {
            return RestError.Invalid("name", $"`{Shown.Value(location)}` is no location: write one such as global");
        }

        var name = $"locations/{location}/policy";
        var outcome = await store.GetAsync(DocumentKey.Of(StoredKind.SystemPolicy, "locations/global/policy"), context.RequestAborted);
        return outcome is StoreOutcome.NotFound
            ? RestAnswer.Json(NoSystemPolicy(name, inForce.Current?.Snapshot.SystemPolicy is not null))
            : RestAnswer.Of(outcome, document => Renamed(document, name));
    }

    private static string NoSystemPolicy(string name, bool isElsewhere) => new JsonObject
    {
        ["name"] = name,
        ["description"] = isElsewhere ? "the system policy in force comes from the directory: read it there" : "no system policy is installed: it admits nothing",
    }.ToJsonString(RestJson.Relaxed);

    private static string Renamed(StoredDocument document, string name)
    {
        var policy = JsonNode.Parse(document.ToJson())!.AsObject();
        policy["name"] = name;
        return policy.ToJsonString(RestJson.Relaxed);
    }
}
