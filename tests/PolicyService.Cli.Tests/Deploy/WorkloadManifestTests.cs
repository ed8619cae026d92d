using System.Text.RegularExpressions;
using k8s.Models;

namespace PolicyService.Cli.Tests.Deploy;

/// <summary>What runs: restricted, by digest, started with flags that exist, reachable and reaching what the flags say.</summary>
public sealed partial class WorkloadManifestTests
{
    /// <summary>Paths that answer without credentials (docs/operations.md, docs/kubernetes.md).</summary>
    private static readonly string[] HealthPaths = ["/healthz/live", "/healthz/ready"];

    /// <summary>Flags of the adapter (docs/kubernetes-settings.md).</summary>
    private static readonly string[] AdapterFlags =
    [
        "Service:Url", "Service:Ca", "Service:Certificate", "Service:Key", "Service:TokenFile", "Cluster:Name", "Cluster:Project", "Cluster:TrustDomain",
        "Tls:Certificate", "Tls:Key", "Client:Ca", "Client:Names", "Urls:Webhooks", "Templates:Mode", "Templates:Kinds", "State:Directory", "Mutate:Enabled", "Events:Enabled",
    ];

    public static TheoryData<string, string> Deployments => [.. Overlay.Names.SelectMany(name => new[] { (name, "policyservice"), (name, "policyservice-adapter") })];

    [Theory, MemberData(nameof(Deployments))]
    public async Task Pods_are_restricted(string overlay, string name)
    {
        var pod = await PodOf(overlay, name);

        Assert.True(pod is { HostNetwork: null or false, HostPID: null or false, HostIPC: null or false, AutomountServiceAccountToken: false, EnableServiceLinks: false });
        Assert.True(pod.SecurityContext is { RunAsNonRoot: true, RunAsUser: > 0, RunAsGroup: > 0, SeccompProfile.Type: "RuntimeDefault" });
        Assert.All(pod.Volumes, volume => Assert.Null(volume.HostPath));
        Assert.All(pod.Volumes.Where(volume => volume.EmptyDir is not null), volume => Assert.NotNull(volume.EmptyDir.SizeLimit));
        Assert.All(pod.Containers.Concat(pod.InitContainers ?? []), container =>
        {
            Assert.True(container.SecurityContext is { AllowPrivilegeEscalation: false, ReadOnlyRootFilesystem: true, Privileged: false });
            Assert.Equal(["ALL"], container.SecurityContext.Capabilities.Drop);
            Assert.Null(container.SecurityContext.Capabilities.Add);
            Assert.All(container.Ports, port => Assert.Null(port.HostPort));
            Assert.True(container.Resources is { Requests.Count: 3, Limits.Count: 2 });
        });
    }

    [Theory, MemberData(nameof(Deployments))]
    public async Task Images_have_a_digest_and_no_tag(string overlay, string name) =>
        Assert.All((await PodOf(overlay, name)).Containers, container => Assert.Matches("^[a-z0-9./-]+@sha256:[0-9a-f]{64}$", container.Image));

    [Theory, MemberData(nameof(Deployments))]
    public async Task Flags_and_variables_exist(string overlay, string name)
    {
        var container = Assert.Single((await PodOf(overlay, name)).Containers);
        var settings = name == "policyservice" ? ServerFlags() : AdapterFlags;
        var flags = container.Args.Select(argument => argument.Split('=')[0]).ToList();
        var variables = container.Env.Select(variable => variable.Name).Where(variable => variable.Contains("__", StringComparison.Ordinal)).ToList();

        Assert.All(flags, flag => Assert.Contains(flag, settings.Select(setting => "--" + setting)));
        Assert.All(variables, variable => Assert.Contains(variable, settings.Select(setting => setting.Replace(":", "__", StringComparison.Ordinal))));
        Assert.Distinct(flags.Concat(variables.Select(variable => "--" + variable.Replace("__", ":", StringComparison.Ordinal))));
        if (name == "policyservice-adapter")
        {
            Assert.Superset(new HashSet<string>(["--Service:Url", "--Tls:Certificate", "--Tls:Key", "--State:Directory"]), new HashSet<string>(flags));
            Assert.Contains("Cluster__Name", variables);
        }
    }

    [Theory, MemberData(nameof(Deployments))]
    public async Task Files_of_flags_lie_in_what_is_mounted_and_mounts_in_what_is_made(string overlay, string name)
    {
        var objects = await Overlay.Of(overlay);
        var pod = await PodOf(overlay, name);
        var container = pod.Containers[0];

        Assert.Equal(pod.Volumes.Select(volume => volume.Name).Order(), container.VolumeMounts.Select(mount => mount.Name).Order());
        Assert.All(container.VolumeMounts, mount => Assert.Null(mount.SubPath));
        foreach (var (flag, path) in container.Args.Select(argument => argument.Split('=', 2)).Where(pair => pair[1].StartsWith('/')).Select(pair => (pair[0], pair[1])))
        {
            var mount = Assert.Single(container.VolumeMounts, mount => path == mount.MountPath || path.StartsWith(mount.MountPath + "/", StringComparison.Ordinal));
            var volume = pod.Volumes.Single(volume => volume.Name == mount.Name);
            var file = path == mount.MountPath ? null : path[(mount.MountPath.Length + 1)..];
            var writes = flag is "--State:Directory" or "--Store:Path";
            Assert.Equal(writes, volume.EmptyDir is not null || volume.PersistentVolumeClaim is not null);
            // What admins make themselves is named in docs/kubernetes.md.
            if (volume.Secret is { SecretName: not "policyservice-postgres" } secret)
            {
                Assert.Contains(file!, objects.One<V1Secret>(secret.SecretName).Data.Keys);
            }

            if (volume.ConfigMap is { } map && file is not null)
            {
                Assert.Contains(file, objects.One<V1ConfigMap>(map.Name).Data.Keys);
            }
        }
    }

    [Theory, MemberData(nameof(Deployments))]
    public async Task Probes_ask_over_https_for_paths_that_are_there(string overlay, string name)
    {
        var container = (await PodOf(overlay, name)).Containers[0];
        var probes = new[] { container.StartupProbe, container.LivenessProbe, container.ReadinessProbe };

        Assert.All(probes, probe => Assert.True(probe.HttpGet.Scheme == "HTTPS" && HealthPaths.Contains(probe.HttpGet.Path) && container.Ports.Any(port => port.Name == probe.HttpGet.Port.Value)));
        // A store, an issuer or a service that is away makes nothing better by a restart.
        Assert.Equal(["/healthz/live", "/healthz/live", "/healthz/ready"], probes.Select(probe => probe.HttpGet.Path));
    }

    [Theory, MemberData(nameof(Deployments))]
    public async Task Services_lead_to_the_ports_that_the_flags_open(string overlay, string name)
    {
        var objects = await Overlay.Of(overlay);
        var deployment = objects.One<V1Deployment>(name);
        var service = objects.One<V1Service>(name);
        var container = deployment.Spec.Template.Spec.Containers[0];
        var listening = container.Args.Where(argument => argument.StartsWith("--Urls:", StringComparison.Ordinal)).Select(argument => new Uri(argument.Split('=')[1]).Port).Order();

        Assert.Equal(listening, container.Ports.Select(port => port.ContainerPort).Order());
        Assert.Equal(deployment.Spec.Selector.MatchLabels, deployment.Spec.Template.Metadata.Labels.Where(label => deployment.Spec.Selector.MatchLabels.ContainsKey(label.Key)).ToDictionary());
        Assert.All(service.Spec.Selector, label => Assert.Equal(label.Value, deployment.Spec.Template.Metadata.Labels[label.Key]));
        Assert.Single(objects.Deployments, other => service.Spec.Selector.All(label => other.Spec.Template.Metadata.Labels.Contains(label)));
        Assert.All(service.Spec.Ports, port => Assert.Contains(port.TargetPort.Value, container.Ports.Select(open => open.Name)));
        Assert.NotEmpty(objects.One<V1ServiceAccount>(deployment.Spec.Template.Spec.ServiceAccountName).Metadata.Name);
        Assert.NotEmpty(objects.One<V1PriorityClass>(deployment.Spec.Template.Spec.PriorityClassName).Metadata.Name);
    }

    /// <summary>The Role is for its own namespace alone: events written elsewhere are refused (docs/kubernetes-settings.md, <c>--Events:Enabled</c>).</summary>
    [Fact]
    public async Task Adapter_knows_where_its_role_lets_it_write_events()
    {
        foreach (var overlay in Overlay.Names)
        {
            var fields = (await PodOf(overlay, "policyservice-adapter")).Containers[0].Env.ToDictionary(variable => variable.Name, variable => variable.ValueFrom?.FieldRef?.FieldPath);

            Assert.Equal(("metadata.namespace", "metadata.name"), (fields.GetValueOrDefault("POD_NAMESPACE"), fields.GetValueOrDefault("POD_NAME")));
        }
    }

    [Theory, MemberData(nameof(Deployments))]
    public async Task Pods_have_time_to_end(string overlay, string name)
    {
        var pod = await PodOf(overlay, name);

        Assert.Equal(5, pod.Containers[0].Lifecycle.PreStop.Sleep.Seconds);
        Assert.True(pod.TerminationGracePeriodSeconds >= 5 + 30 + 5, "5 s until nobody sends any more, 30 s for what was read, and a rest");
    }

    [Fact]
    public async Task Adapter_calls_the_service_by_a_name_of_its_certificate()
    {
        var objects = await Overlay.Of("on-prem");
        var url = new Uri(objects.One<V1Deployment>("policyservice-adapter").Spec.Template.Spec.Containers[0].Args.Single(argument => argument.StartsWith("--Service:Url=", StringComparison.Ordinal)).Split('=')[1]);

        Assert.Equal("https", url.Scheme);
        Assert.Contains(objects.One<V1Service>(url.Host).Spec.Ports, port => port.Port == url.Port);
        using var certificate = System.Security.Cryptography.X509Certificates.X509Certificate2.CreateFromPem(System.Text.Encoding.UTF8.GetString(objects.One<V1Secret>("policyservice-tls").Data["tls.crt"]));
        Assert.True(certificate.MatchesHostname(url.Host));
    }

    private static async Task<V1PodSpec> PodOf(string overlay, string name) => (await Overlay.Of(overlay)).One<V1Deployment>(name).Spec.Template.Spec;

    /// <summary>docs/settings.md is the table of settings itself; a test of the service holds them together.</summary>
    private static string[] ServerFlags() =>
        [.. FlagCell().Matches(File.ReadAllText(Path.Combine(Overlay.Source, "..", "docs", "settings.md"))).Select(match => match.Groups[1].Value)];

    [GeneratedRegex(@"^\| `--([A-Za-z:]+)`", RegexOptions.Multiline)]
    private static partial Regex FlagCell();
}
