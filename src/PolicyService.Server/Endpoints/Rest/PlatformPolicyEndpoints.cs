using System.Diagnostics.CodeAnalysis;
using PolicyService.Core.Access;
using PolicyService.Core.Documents;
using PolicyService.Core.Policies;
using PolicyService.Server.Access;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Endpoints.Rest;

/// <summary>Platform policies, and their evaluation by themselves (GCLOUD_REST section 9).</summary>
internal static class PlatformPolicyEndpoints
{
    private const string Collection = "/projects/{project}/platforms/{platform}/policies";
    private const string One = Collection + "/{policy}";
    private const string Resource = "projects/{project}/platforms/{platform}/policies/{policy}";

    public static void Map(RouteGroupBuilder group)
    {
        group.MapPost(Collection, CreateAsync).Needs(Permissions.PlatformPoliciesCreate, "projects/{project}");
        group.MapGet(Collection, ListAsync).Needs(Permissions.PlatformPoliciesList, "projects/{project}");
        group.MapGet(One, GetAsync).Needs(Permissions.PlatformPoliciesGet, Resource);
        group.MapPut(One, UpdateAsync).Needs(Permissions.PlatformPoliciesReplace, Resource);
        group.MapDelete(One, DeleteAsync).Needs(Permissions.PlatformPoliciesDelete, Resource);
        group.MapPost($"{One}:evaluate", EvaluateAsync).Needs(Permissions.PlatformPoliciesEvaluate, Resource);
    }

    private static async Task<IResult> CreateAsync(HttpContext context, DocumentStore store, AccessGate access, string project, string platform)
    {
        if (!RestQuery.TryRead(context, "policyId", out var id, out var refusal))
        {
            return refusal;
        }

        if (!ResourceNames.IsId(id))
        {
            return RestError.Invalid("policyId", $"`{Shown.Value(id)}` is no id of a policy: write letters, digits, `.`, `_` and `-`");
        }

        if (!TryKey(project, platform, id, out var key, out refusal))
        {
            return refusal;
        }

        var (body, unusable) = await ReadAsync(context, access, key);
        return body is null ? unusable! : RestAnswer.Of(await store.CreateAsync(key, body.Text, context.Caller().Name, context.RequestAborted));
    }

    private static async Task<IResult> UpdateAsync(HttpContext context, DocumentStore store, AccessGate access, string project, string platform, string policy)
    {
        if (!TryKey(project, platform, policy, out var key, out var refusal))
        {
            return refusal;
        }

        var (body, unusable) = await ReadAsync(context, access, key);
        return body is null
            ? unusable!
            : RestAnswer.Of(await store.UpdateAsync(key, body.Text, body.StringOf("etag"), context.Caller().Name, context.RequestAborted));
    }

    private static async Task<(RestBody? Body, IResult? Refusal)> ReadAsync(HttpContext context, AccessGate access, DocumentKey key)
    {
        var (body, refusal) = await RestBody.ReadAsync(context);
        if (body is not null)
        {
            var policy = PlatformPolicyParser.Parse(body.Named(key.Name), body.Problems);
            // Its decisions tell what is attested in the projects that its checks name.
            refusal = body.Refusal() ?? HiddenFrom(context, access, PlatformQuestion.ProjectsOf(policy), key);
        }

        return (refusal is null ? body : null, refusal);
    }

    private static async Task<IResult> ListAsync(HttpContext context, DocumentStore store, string project, string platform)
    {
        // The name of any policy: its parent is what is listed.
        if (!TryKey(project, platform, "any", out var key, out var refusal) || !RestQuery.TryReadPage(context, out var size, out var token, out refusal))
        {
            return refusal;
        }

        return RestEndpoints.Elsewhere(store, key)
            ?? RestAnswer.List(await store.ListAsync(StoredKind.PlatformPolicy, key.Parent, size, token, context.RequestAborted), "platformPolicies");
    }

    private static async Task<IResult> GetAsync(HttpContext context, DocumentStore store, string project, string platform, string policy) =>
        TryKey(project, platform, policy, out var key, out var refusal)
            ? RestEndpoints.Elsewhere(store, key) ?? RestAnswer.Of(await store.GetAsync(key, context.RequestAborted))
            : refusal;

    private static async Task<IResult> DeleteAsync(HttpContext context, DocumentStore store, string project, string platform, string policy) =>
        TryKey(project, platform, policy, out var key, out var refusal) && RestQuery.TryRead(context, "etag", out var etag, out refusal)
            ? RestEndpoints.Elsewhere(store, key) ?? RestAnswer.Of(await store.DeleteAsync(key, etag, context.Caller().Name, context.RequestAborted))
            : refusal;

    private static async Task<IResult> EvaluateAsync(
        HttpContext context, DocumentStore store, PlatformQuestion question, AccessGate access, string project, string platform, string policy)
    {
        if (!TryKey(project, platform, policy, out var key, out var refusal))
        {
            return refusal;
        }

        var (body, unread) = await RestBody.ReadAsync(context);
        if (body is null)
        {
            return unread!;
        }

        if (platform != "gke")
        {
            return RestError.Invalid("name", "only policies under platforms/gke are evaluated by themselves");
        }

        if (RestEndpoints.Elsewhere(store, key) is { } elsewhere)
        {
            return elsewhere;
        }

        var pods = PodQuestion.Read(body);
        if (body.Refusal() is { } invalid)
        {
            return invalid;
        }

        if (context.Features.Get<RequestAllowance>()?.TakeBatch(pods.Sum(pod => pod.Images.Count)) is { } exhausted)
        {
            return RestError.Retry(context, exhausted.Message, exhausted.RetryAfter);
        }

        var outcome = await store.GetAsync(key, context.RequestAborted);
        if (outcome is not StoreOutcome.Found found)
        {
            return RestAnswer.Of(outcome);
        }

        // Who asks need not be who wrote it.
        return HiddenFrom(context, access, PlatformQuestion.ProjectsOf(found.Document), key)
            ?? Results.Json(await question.AskAsync(found.Document, pods, context.Caller().Name, context.RequestAborted), RestJson.Default.EvaluateReply);
    }

    /// <summary>The refusal where checks name another project whose occurrences the caller may not list.</summary>
    private static IResult? HiddenFrom(HttpContext context, AccessGate access, IEnumerable<string> projects, DocumentKey key) => projects.Where(other => other != key.Project)
        .Select(other => access.Refusal(context, Permissions.OccurrencesList, $"projects/{other}")).FirstOrDefault(hidden => hidden is not null);

    private static bool TryKey(
        string project,
        string platform,
        string policy,
        [NotNullWhen(true)] out DocumentKey? key,
        [NotNullWhen(false)] out IResult? refusal) =>
        RestEndpoints.TryKey(StoredKind.PlatformPolicy, $"projects/{project}/platforms/{platform}/policies/{policy}", out key, out refusal);
}
