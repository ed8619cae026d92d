using k8s.Models;

namespace PolicyService.Cli.Doctor;

/// <summary>Which namespaces nobody watches: by the webhook, or by the list of digests where the webhook must not be (ATTACKS 114).</summary>
internal static class NamespaceChecks
{
    /// <summary>What has to be covered, and what it means if it is not.</summary>
    private static readonly (string Resource, string Operation, string Meaning)[] Needed =
    [
        ("pods", "CREATE", "new pods are not judged"),
        ("pods", "UPDATE", "the image of a running pod can be changed"),
        ("pods/ephemeralcontainers", "UPDATE", "`kubectl debug` can add any image"),
    ];

    public static IEnumerable<Finding> Find(ClusterState state)
    {
        var ours = WebhookChecks.Ours(state).ToList();
        var pods = state.Pods.ToLookup(pod => pod.Namespace, StringComparer.Ordinal);
        foreach (var space in state.Namespaces)
        {
            var exempt = space.Metadata.Name == state.Installation.Namespace || state.Installation.Dependencies.Contains(space.Metadata.Name);
            var holes = Needed.Where(need => !ours.Any(found => WebhookChecks.Covers(found.Webhook, need.Resource, need.Operation) && found.Webhook.NamespaceSelector.Selects(space))).ToList();
            var findings = exempt ? Exempt(state, space, holes.Count == 0) : holes.Count > 0 ? [Uncovered(state, space, holes, ours, [.. pods[space.Metadata.Name]])] : Covered(ours, space);
            foreach (var finding in findings)
            {
                yield return finding;
            }
        }
    }

    private static Finding Uncovered(ClusterState state, V1Namespace space, List<(string Resource, string Operation, string Meaning)> holes, List<(string Where, V1ValidatingWebhook Webhook)> ours, RunningPod[] pods)
    {
        var excluding = ours.Where(found => WebhookChecks.Covers(found.Webhook, holes[0].Resource, holes[0].Operation))
            .Select(found => (found.Where, Why: found.Webhook.NamespaceSelector.WhyNot(space))).Where(found => found.Why is not null).ToList();
        var what = $"{string.Join(", ", holes.Select(hole => hole.Meaning))}: "
            + (excluding.Count > 0 ? string.Join("; ", excluding.Select(found => $"{found.Where} leaves it out by `{found.Why}`")) : "no rule covers it")
            + (pods.Length > 0 ? $"; {pods.Length} pods are there: {string.Join(", ", pods.Take(5).Select(pod => pod.Name))}{(pods.Length > 5 ? ", …" : "")}" : "; no pod is there");
        return ActionsFor(state, space).Contains("Deny")
            ? Finding.Note("NAMESPACE_UNCOVERED", $"Namespace {space.Metadata.Name}", $"{what}. A list of allowed digests is enforced there", "nothing, if that is meant")
            : Finding.Error("NAMESPACE_UNCOVERED", $"Namespace {space.Metadata.Name}", what, "take it out of the selector, or bind the list of allowed digests to it");
    }

    /// <summary>Our own namespace and what we depend on: the webhook must not be there, the list must.</summary>
    private static IEnumerable<Finding> Exempt(ClusterState state, V1Namespace space, bool judged)
    {
        var where = $"Namespace {space.Metadata.Name}";
        var actions = ActionsFor(state, space);
        if (judged)
        {
            yield break; // DependencyChecks says what is wrong with that.
        }

        if (actions.Count == 0)
        {
            yield return Finding.Error("LIST_MISSING", where, "the webhook leaves it out, and no ValidatingAdmissionPolicy watches it: any image runs there", "apply deploy/kubernetes again: policyservice-allowed-images and its bindings");
        }
        else if (!actions.Contains("Deny"))
        {
            var own = space.Metadata.Name == state.Installation.Namespace;
            yield return new Finding(own ? FindingSeverity.Error : FindingSeverity.Note, "LIST_NOT_ENFORCED", where, $"images that are not listed run there; they are told of only ({string.Join(", ", actions)})", "keep its list of digests, then set validationActions: [Deny]");
        }
    }

    private static IEnumerable<Finding> Covered(List<(string Where, V1ValidatingWebhook Webhook)> ours, V1Namespace space)
    {
        var closed = ours.Any(found => found.Webhook.FailurePolicy != "Ignore" && WebhookChecks.Covers(found.Webhook, "pods", "CREATE") && found.Webhook.NamespaceSelector.Selects(space));
        if (!closed)
        {
            yield return Finding.Note("FAILS_OPEN", $"Namespace {space.Metadata.Name}", "while the adapter or the service is away every image starts here", "nothing, if that is meant");
        }
    }

    /// <summary>What is done about unlisted images in a namespace. Only policies that fail closed, judge pods and have a list that must exist count.</summary>
    private static HashSet<string> ActionsFor(ClusterState state, V1Namespace space)
    {
        var policies = state.Policies
            .Where(policy => policy.Spec is { FailurePolicy: null or "Fail", ParamKind: { Kind: "ConfigMap" }, Validations.Count: > 0 }
                && policy.Spec.MatchConditions is null or { Count: 0 }
                && Needed.All(need => CoversPolicy(policy, need.Resource, need.Operation)))
            .Select(policy => policy.Metadata.Name).ToHashSet(StringComparer.Ordinal);
        return [.. state.Bindings
            .Where(binding => policies.Contains(binding.Spec.PolicyName) && binding.Spec.ParamRef is { ParameterNotFoundAction: "Deny" }
                && binding.Spec.MatchResources?.ObjectSelector.IsEmpty() is null or true && (binding.Spec.MatchResources?.NamespaceSelector).Selects(space))
            .SelectMany(binding => binding.Spec.ValidationActions ?? [])];
    }

    private static bool CoversPolicy(V1ValidatingAdmissionPolicy policy, string resource, string operation) => (policy.Spec.MatchConstraints?.ResourceRules ?? []).Any(rule =>
        (rule.ApiGroups ?? []).Contains("") && (rule.Operations ?? []).Any(covered => covered == operation || covered == "*") && (rule.Resources ?? []).Contains(resource));
}
