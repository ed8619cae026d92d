using System.Text.Json.Nodes;
using PolicyService.Core.Access;
using PolicyService.Core.Documents;
using PolicyService.Server.Access;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Endpoints.Rest;

/// <summary>The configuration of continuous validation (GCLOUD_REST section 10).</summary>
internal static class ContinuousValidationEndpoints
{
    private const string Path = "/projects/{project}/continuousValidationConfig";

    public static void Map(RouteGroupBuilder group)
    {
        group.MapGet(Path, GetAsync).Needs(Permissions.ContinuousValidationGet, "projects/{project}/continuousValidationConfig");
        group.MapPut(Path, PutAsync).Needs(Permissions.ContinuousValidationUpdate, "projects/{project}/continuousValidationConfig");
    }

    private static async Task<IResult> GetAsync(HttpContext context, DocumentStore store, string project)
    {
        if (!RestEndpoints.TryKey(StoredKind.ContinuousValidation, $"projects/{project}/continuousValidationConfig", out var key, out var refusal))
        {
            return refusal;
        }

        if (RestEndpoints.Elsewhere(store, key) is { } elsewhere)
        {
            return elsewhere;
        }

        var outcome = await store.GetAsync(key, context.RequestAborted);
        return outcome is StoreOutcome.NotFound
            ? RestAnswer.Json(new JsonObject { ["name"] = key.Name, ["enforcementPolicyConfig"] = new JsonObject() }.ToJsonString(RestJson.Relaxed))
            : RestAnswer.Of(outcome);
    }

    private static async Task<IResult> PutAsync(HttpContext context, DocumentStore store, string project)
    {
        if (!RestEndpoints.TryKey(StoredKind.ContinuousValidation, $"projects/{project}/continuousValidationConfig", out var key, out var refusal))
        {
            return refusal;
        }

        if (RestEndpoints.Elsewhere(store, key) is { } elsewhere)
        {
            return elsewhere;
        }

        var (body, unread) = await RestBody.ReadAsync(context);
        if (body is null)
        {
            return unread!;
        }

        var reader = new MappingReader(body.Root, body.Problems);
        reader.Text("name");
        reader.Text("updateTime");
        var config = reader.Mapping("enforcementPolicyConfig");
        var enabled = config?.Boolean("enabled") ?? false;
        config?.End();
        reader.End();
        if (body.Refusal() is { } invalid)
        {
            return invalid;
        }

        // The client reads the inner object without looking whether it is there.
        var content = new JsonObject { ["enforcementPolicyConfig"] = new JsonObject { ["enabled"] = enabled } };
        return RestAnswer.Of(await store.PutAsync(key, content.ToJsonString(), "", context.Caller().Name, context.RequestAborted));
    }
}
