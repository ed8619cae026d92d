using k8s.Models;
using PolicyService.Cli.Tests.Running;

namespace PolicyService.Cli.Tests.Deploy;

/// <summary>The overlays build, with the oldest kustomize that is had here and with kubectl's own, into the same objects.</summary>
public sealed class KustomizeTests : IDisposable
{
    private static readonly string[] NoNamespace = ["Namespace", "PriorityClass", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"];

    private readonly Folder _copy = new();

    public static TheoryData<string> Overlays => [.. Overlay.Names];

    [Theory, MemberData(nameof(Overlays))]
    public async Task Overlay_builds_without_a_warning_and_the_same_with_kubectl(string name)
    {
        var built = await Overlay.BuildIn(_copy, name);

        Assert.NotEmpty(Overlay.Parse(built).Objects);
        if (await HasKubectl())
        {
            Assert.Equal(built, await Overlay.Run("kubectl", "kustomize", Path.Combine(_copy.Path, "overlays", name)));
        }
    }

    [Theory, MemberData(nameof(Overlays))]
    public async Task Everything_that_has_a_namespace_is_in_ours(string name)
    {
        var overlay = await Overlay.Of(name);

        Assert.All(overlay.Objects, found => Assert.Equal(NoNamespace.Contains(found.Kind) ? null : "policyservice-system", found.Metadata.NamespaceProperty));
    }

    [Fact]
    public async Task Namespace_cluster_and_project_are_said_in_one_place()
    {
        var built = await Overlay.BuildIn(_copy, "gke", overlay =>
        {
            var settings = Path.Combine(overlay, "settings", "settings.yaml");
            File.WriteAllText(settings, File.ReadAllText(settings)
                .Replace("  namespace: policyservice-system\n  cluster: us-east1.prod\n  project: acme", "  namespace: gate\n  cluster: eu.x\n  project: shop", StringComparison.Ordinal));
            var kustomization = Path.Combine(overlay, "kustomization.yaml");
            File.WriteAllText(kustomization, File.ReadAllText(kustomization).Replace("# - ../../components", "- ../../components", StringComparison.Ordinal));
        });

        var objects = Overlay.Parse(built);
        Assert.DoesNotContain("policyservice-system", built.Replace(
            Assert.Single(objects.All<V1ConfigMap>(), map => map.Metadata.Name == "policyservice-installation").Metadata.NamespaceProperty, "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotContain("policyservice-system", built, StringComparison.Ordinal);
        var environment = objects.One<V1Deployment>("policyservice-adapter").Spec.Template.Spec.Containers[0].Env;
        Assert.Equal("eu.x", Assert.Single(environment, variable => variable.Name == "Cluster__Name").Value);
        Assert.Equal("shop", Assert.Single(environment, variable => variable.Name == "Cluster__Project").Value);
        Assert.Equal("true", Assert.Single(environment, variable => variable.Name == "Mutate__Enabled").Value);
        Assert.Contains("clusters: ['eu.x']\n    projects: ['shop']", objects.One<V1ConfigMap>("policyservice-access").Data["access.yaml"], StringComparison.Ordinal);
        Assert.Equal("/mutate", Assert.Single(objects.All<V1MutatingWebhookConfiguration>().Single().Webhooks).ClientConfig.Service.Path);
        Assert.All(objects.All<V1MutatingWebhookConfiguration>().Single().Webhooks, webhook => Assert.NotEmpty(webhook.ClientConfig.CaBundle));
        Assert.Contains(objects.One<V1Deployment>("policyservice").Spec.Template.Spec.Containers[0].Env, variable => variable.Name == "Redis__FleetKeyFile");
    }

    [Fact]
    public async Task Mutation_is_off_unless_asked_for() =>
        Assert.All(await Task.WhenAll(Overlay.Names.Select(Overlay.Of)), overlay => Assert.Empty(overlay.All<V1MutatingWebhookConfiguration>()));

    public void Dispose() => _copy.Dispose();

    /// <summary>The kustomize of a kubectl from 1.27 on is a version 5.</summary>
    private static async Task<bool> HasKubectl()
    {
        try
        {
            var run = await Policyctl.RunAsync(Overlay.StartInfo("kubectl", "version", "--client"));
            return run.ExitCode == 0 && run.Text.Contains("Kustomize Version: v5", StringComparison.Ordinal);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false; // there is none
        }
    }
}
