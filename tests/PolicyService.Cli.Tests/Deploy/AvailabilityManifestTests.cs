using System.Globalization;
using k8s.Models;

namespace PolicyService.Cli.Tests.Deploy;

/// <summary>Who may do what, who may talk to whom, and what keeps enough of it running.</summary>
public sealed class AvailabilityManifestTests
{
    public static TheoryData<string> Overlays => [.. Overlay.Names];

    [Theory, MemberData(nameof(Overlays))]
    public async Task Adapter_may_write_events_in_its_own_namespace_and_nothing_else(string name)
    {
        var objects = await Overlay.Of(name);

        var rule = Assert.Single(Assert.Single(objects.All<V1Role>()).Rules);
        Assert.Equal("events.k8s.io/events: create, patch", $"{string.Join(", ", rule.ApiGroups)}/{string.Join(", ", rule.Resources)}: {string.Join(", ", rule.Verbs)}");
        Assert.True(rule is { NonResourceURLs: null, ResourceNames: null });
        var binding = Assert.Single(objects.All<V1RoleBinding>());
        var subject = Assert.Single(binding.Subjects);
        Assert.Equal(("Role", "policyservice-adapter"), (binding.RoleRef.Kind, binding.RoleRef.Name));
        Assert.Equal(("ServiceAccount", "policyservice-adapter", "policyservice-system"), (subject.Kind, subject.Name, subject.NamespaceProperty));
        Assert.DoesNotContain(objects.Objects, found => found is V1ClusterRole or V1ClusterRoleBinding);
        Assert.All(objects.All<V1ServiceAccount>(), account => Assert.False(account.AutomountServiceAccountToken));
        Assert.DoesNotContain(objects.One<V1Deployment>("policyservice").Spec.Template.Spec.Volumes, volume => volume.Projected is not null);
    }

    [Theory, MemberData(nameof(Overlays))]
    public async Task Budgets_and_autoscalers_are_about_deployments_that_are_there(string name)
    {
        var objects = await Overlay.Of(name);
        var scaled = objects.All<V2HorizontalPodAutoscaler>().Select(scaler => (scaler.Spec.ScaleTargetRef.Kind, scaler.Spec.ScaleTargetRef.Name)).ToList();

        Assert.All(scaled, target => Assert.Contains(objects.Deployments, deployment => ("Deployment", deployment.Metadata.Name) == target));
        Assert.All(objects.All<V2HorizontalPodAutoscaler>(), scaler => Assert.True(scaler.Spec.MinReplicas == 2 && scaler.Spec.MaxReplicas >= 2));
        Assert.All(objects.All<V1PodDisruptionBudget>(), budget =>
        {
            Assert.Equal("1", budget.Spec.MinAvailable.Value);
            Assert.Single(objects.Deployments, deployment => budget.Spec.Selector.MatchLabels.All(label => deployment.Spec.Template.Metadata.Labels.Contains(label)));
        });
        foreach (var deployment in objects.Deployments)
        {
            // Two, or one that is replaced before another starts; a budget of one would then hold up every drain.
            var single = deployment.Spec.Replicas == 1;
            Assert.Equal(single, deployment.Spec.Strategy.Type == "Recreate");
            Assert.Equal(!single, scaled.Contains(("Deployment", deployment.Metadata.Name)));
            Assert.Equal(!single, objects.All<V1PodDisruptionBudget>().Any(budget => budget.Metadata.Name == deployment.Metadata.Name));
            Assert.True(single || deployment.Spec.Replicas is null, "applying again must not shrink what the autoscaler made");
        }

        Assert.Equal(name == "quickstart" ? 1 : 2, scaled.Count);
    }

    [Theory, MemberData(nameof(Overlays))]
    public async Task Network_denies_by_default_and_allows_what_the_flags_say(string name)
    {
        var objects = await Overlay.Of(name);
        var policies = objects.All<V1NetworkPolicy>().ToDictionary(policy => policy.Metadata.Name, policy => policy.Spec);

        Assert.True(policies["default-deny"] is { Ingress: null, Egress: null, PodSelector.MatchLabels: null, PolicyTypes: ["Ingress", "Egress"] });
        var adapter = policies["policyservice-adapter"];
        var service = policies["policyservice"];
        Assert.All([adapter, service], policy => Assert.Equal(["Ingress", "Egress"], policy.PolicyTypes));
        // API servers are no pods: any address, the one port.
        Assert.True(Assert.Single(adapter.Ingress) is { FromProperty: null, Ports: [{ Port.Value: "8443", Protocol: "TCP" }] });
        Assert.Contains(adapter.Egress, rule => rule.To?.Single().PodSelector.MatchLabels["app.kubernetes.io/name"] == "policyservice" && rule.Ports.Single().Port.Value == "50051");
        // Between pods both sides must allow it.
        Assert.Contains(service.Ingress, rule => rule.FromProperty.Any(peer => peer.NamespaceSelector is null && peer.PodSelector.MatchLabels["app.kubernetes.io/name"] == "policyservice-adapter") && rule.Ports.Any(port => port.Port.Value == "50051"));
        Assert.All(service.Ingress, rule => Assert.All(rule.FromProperty, peer => Assert.NotEmpty(peer.PodSelector.MatchLabels)));
        Assert.Superset(new HashSet<int>([5432, 6379, 443]), new HashSet<int>(service.Egress.Where(rule => rule.To is null).SelectMany(rule => rule.Ports).Select(port => int.Parse(port.Port.Value, CultureInfo.InvariantCulture))));
        Assert.Equal(["TCP/53", "UDP/53"], policies["dns"].Egress.SelectMany(rule => rule.Ports).Select(port => $"{port.Protocol}/{port.Port.Value}").Order());
        Assert.Equal(name == "gke", service.Egress.Any(rule => rule.To?.Any(peer => peer.IpBlock?.Cidr == "169.254.169.254/32") ?? false));
        Assert.All(policies.Values.Where(policy => policy.PodSelector.MatchLabels is not null), policy =>
            Assert.Single(objects.Deployments, deployment => policy.PodSelector.MatchLabels.All(label => deployment.Spec.Template.Metadata.Labels.Contains(label))));
    }

    [Theory, MemberData(nameof(Overlays))]
    public async Task Namespace_takes_restricted_pods_alone(string name) =>
        Assert.Equal("restricted", Assert.Single((await Overlay.Of(name)).All<V1Namespace>()).Metadata.Labels["pod-security.kubernetes.io/enforce"]);

    [Fact]
    public async Task Quickstart_refuses_nothing()
    {
        var policy = (await Overlay.Of("quickstart")).One<V1ConfigMap>("policyservice-policies").Data["policy.yaml"];

        Assert.Contains("enforcementMode: DRYRUN_AUDIT_LOG_ONLY", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("ENFORCED_BLOCK", policy, StringComparison.Ordinal);
        using var folder = new Running.Folder();
        folder.Write("policy.yaml", policy);
        var run = await Running.Policyctl.RunHereAsync("evaluate", $"registry.example.com/a@sha256:{new string('a', 64)}", "--cluster", "local.quickstart", "--policies", folder.Path);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains("DRYRUN", run.Text, StringComparison.Ordinal);
    }
}
