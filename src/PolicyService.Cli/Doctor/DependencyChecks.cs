using k8s.Models;

namespace PolicyService.Cli.Doctor;

/// <summary>What would keep everything down once it is down: circles of who needs whom to start (ATTACKS 116).</summary>
internal static class DependencyChecks
{
    public static IEnumerable<Finding> Find(ClusterState state)
    {
        var spaces = state.Namespaces.ToDictionary(space => space.Metadata.Name, StringComparer.Ordinal);
        var needed = state.Installation.Dependencies.Prepend(state.Installation.Namespace).Where(spaces.ContainsKey).Select(name => spaces[name]).ToList();
        foreach (var (where, webhook) in WebhookChecks.Ours(state).Where(found => found.Webhook.FailurePolicy != "Ignore" && WebhookChecks.Covers(found.Webhook, "pods", "CREATE")))
        {
            foreach (var space in needed.Where(space => webhook.NamespaceSelector.Selects(space)))
            {
                var own = space.Metadata.Name == state.Installation.Namespace;
                yield return Finding.Error(
                    own ? "JUDGES_ITSELF" : "JUDGES_A_DEPENDENCY",
                    where,
                    own ? "its own pods are judged by itself: once all are down none starts again" : $"it judges the namespace {space.Metadata.Name}, without whose pods it does not start: once all are down none starts again",
                    $"add {space.Metadata.Name} to the NotIn of its namespaceSelector, and bind the list of allowed digests to it");
            }
        }

        foreach (var finding in Others(state, needed, spaces))
        {
            yield return finding;
        }
    }

    /// <summary>Webhooks of others that our pods need, whose own pods need us.</summary>
    private static IEnumerable<Finding> Others(ClusterState state, List<V1Namespace> needed, Dictionary<string, V1Namespace> spaces)
    {
        var validating = state.Validating.SelectMany(configuration => (configuration.Webhooks ?? []).Select(webhook =>
            ($"ValidatingWebhookConfiguration {configuration.Metadata.Name}, webhook {webhook.Name}", webhook.ClientConfig?.Service, webhook.FailurePolicy, webhook.NamespaceSelector, webhook.Rules)));
        var mutating = state.Mutating.SelectMany(configuration => (configuration.Webhooks ?? []).Select(webhook =>
            ($"MutatingWebhookConfiguration {configuration.Metadata.Name}, webhook {webhook.Name}", webhook.ClientConfig?.Service, webhook.FailurePolicy, webhook.NamespaceSelector, webhook.Rules)));
        var ours = WebhookChecks.Ours(state).Where(found => found.Webhook.FailurePolicy != "Ignore" && WebhookChecks.Covers(found.Webhook, "pods", "CREATE")).ToList();
        foreach (var (where, service, failurePolicy, selector, rules) in validating.Concat(mutating))
        {
            if (service is null || failurePolicy == "Ignore" || !WebhookChecks.Covers(rules, "pods", "CREATE") || service.NamespaceProperty == state.Installation.Namespace)
            {
                continue;
            }

            // Where the backend's namespace is unknown to us it cannot be told to be judged; one that is gone keeps everything down by itself.
            var judged = spaces.TryGetValue(service.NamespaceProperty, out var backend) && ours.Any(found => found.Webhook.NamespaceSelector.Selects(backend));
            foreach (var space in needed.Where(space => selector.Selects(space)))
            {
                yield return judged
                    ? Finding.Error("LOOP", where, $"pods of {space.Metadata.Name} do not start without it, and its own pods, in {service.NamespaceProperty}, do not start without us: once both are down neither starts again", $"have it leave out {space.Metadata.Name}, or set its failurePolicy to Ignore")
                    : Finding.Warning("NEEDED_BY_US", where, $"pods of {space.Metadata.Name} do not start while it is away", $"have it leave out {space.Metadata.Name}");
            }
        }
    }
}
