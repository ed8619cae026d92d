using k8s.Models;

namespace PolicyService.Cli.Doctor;

/// <summary>The webhook's own configuration: what of it would let something through, or hold everything up (docs/kubernetes.md).</summary>
internal static class WebhookChecks
{
    /// <summary>Paths of the adapter that judge.</summary>
    public const string Closed = "/validate";

    public const string Open = "/validate/fail-open";

    /// <summary>An evaluation may take 5 s; what is shorter gives up on answers that come. Seconds.</summary>
    private const int ShortestTimeout = 6;

    /// <summary>Conditions of the manifests, as they are written there, because a name says nothing: they leave out nothing that starts a container.</summary>
    private static readonly string[] KnownConditions =
    [
        "request.operation != \"DELETE\" && (!has(request.subResource) || request.subResource in [\"\", \"ephemeralcontainers\"])",
        "request.operation != \"UPDATE\" || !has(object.spec) || !has(oldObject.spec) || object.spec != oldObject.spec",
    ];

    /// <summary>Our webhooks, each with the name of its configuration.</summary>
    public static IEnumerable<(string Where, V1ValidatingWebhook Webhook)> Ours(ClusterState state) =>
        from configuration in state.Validating
        from webhook in configuration.Webhooks ?? []
        where webhook.ClientConfig?.Service is { } service && service.Name == state.Installation.Adapter && service.NamespaceProperty == state.Installation.Namespace
        select ($"ValidatingWebhookConfiguration {configuration.Metadata.Name}, webhook {webhook.Name}", webhook);

    public static IEnumerable<Finding> Find(ClusterState state)
    {
        var ours = Ours(state).ToList();
        if (ours.Count == 0)
        {
            yield return Finding.Error("WEBHOOK_MISSING", "ValidatingWebhookConfiguration", $"no webhook calls the Service {state.Installation.Namespace}/{state.Installation.Adapter}: nothing is judged", "apply deploy/kubernetes again, or name the Service with --service");
            yield break;
        }

        if (state.Adapter is null)
        {
            yield return Finding.Error("SERVICE_MISSING", $"Service {state.Installation.Namespace}/{state.Installation.Adapter}", "the webhooks call a Service that does not exist: no pod starts where they cover one", "apply deploy/kubernetes again");
        }

        foreach (var finding in ours.SelectMany(found => Of(state, found.Where, found.Webhook)))
        {
            yield return finding;
        }
    }

    /// <summary>The operations on a resource that the rules of a webhook cover.</summary>
    public static bool Covers(V1ValidatingWebhook webhook, string resource, string operation) => Covers(webhook.Rules, resource, operation);

    /// <summary>The same for rules of any webhook; resources of the core group.</summary>
    public static bool Covers(IList<V1RuleWithOperations>? rules, string resource, string operation) => (rules ?? []).Any(rule =>
        Has(rule.ApiGroups, "") && Has(rule.ApiVersions, "v1") && Has(rule.Operations, operation) && rule.Scope is null or "*" or "Namespaced"
        && (rule.Resources ?? []).Any(covered => covered == resource || covered == "*/*" || (covered == "*" && !resource.Contains('/', StringComparison.Ordinal))
            || (resource.Split('/') is [var name, var sub] && (covered == $"{name}/*" || covered == $"*/{sub}"))));

    private static IEnumerable<Finding> Of(ClusterState state, string where, V1ValidatingWebhook webhook)
    {
        const string again = "apply deploy/kubernetes again";
        var judgesPods = Covers(webhook, "pods", "CREATE") || Covers(webhook, "pods", "UPDATE");
        var port = webhook.ClientConfig.Service.Port ?? 443;
        if (state.Adapter is { } adapter && !adapter.Spec.Ports.Any(open => open.Port == port))
        {
            yield return Finding.Error("SERVICE_PORT", where, $"it calls port {port}, which the Service does not have", again);
        }

        if (webhook.ClientConfig.Service.Path is not (Closed or Open))
        {
            yield return Finding.Error("WEBHOOK_PATH", where, $"it calls the path `{webhook.ClientConfig.Service.Path}`, where nothing is judged", again);
        }

        if (webhook.FailurePolicy == "Ignore" && judgesPods && webhook.ClientConfig.Service.Path == Closed)
        {
            yield return Finding.Error("FAILURE_POLICY", where, "failurePolicy is Ignore: while the adapter is away every pod starts, whoever made its image", "set Fail, or list the namespaces that want this under open.policyservice.dev");
        }

        if (!webhook.ObjectSelector.IsEmpty())
        {
            yield return Finding.Error("OBJECT_SELECTOR", where, "an objectSelector decides by labels of the object, which its author writes: a way around", "remove the objectSelector");
        }

        if (webhook.NamespaceSelector.OtherKeys() is { Count: > 0 } keys)
        {
            yield return Finding.Error("LABEL_SELECTOR", where, $"the namespaceSelector decides by labels that can be forgotten or changed ({string.Join(", ", keys)}): what is judged is whoever has, or lacks, a label", $"select by {Selectors.NameLabel} alone, with NotIn");
        }

        if (webhook.TimeoutSeconds is < ShortestTimeout)
        {
            yield return Finding.Warning("TIMEOUT", where, $"timeoutSeconds is {webhook.TimeoutSeconds}: an evaluation may take 5 s, so answers come too late", "set 10");
        }

        if (webhook.SideEffects is not ("NoneOnDryRun" or "None"))
        {
            yield return Finding.Error("SIDE_EFFECTS", where, $"sideEffects is {webhook.SideEffects}: the API server refuses every dry run", "set NoneOnDryRun");
        }

        if (webhook.MatchPolicy == "Exact")
        {
            yield return Finding.Error("MATCH_POLICY", where, "matchPolicy is Exact: the same object in another version of its API passes by", "set Equivalent");
        }

        if (!(webhook.AdmissionReviewVersions ?? []).Contains("v1"))
        {
            yield return Finding.Error("REVIEW_VERSION", where, "admissionReviewVersions lacks v1, the only one the adapter speaks", again);
        }

        foreach (var condition in (webhook.MatchConditions ?? []).Where(condition => !KnownConditions.Contains(condition.Expression.Trim())))
        {
            yield return Finding.Warning("MATCH_CONDITION", where, $"the condition `{condition.Name}` is not of the manifests: what it leaves out is not judged ({condition.Expression})", "look at it, or remove it");
        }
    }

    private static bool Has(IList<string>? list, string value) => list is not null && (list.Contains(value) || list.Contains("*"));
}
