using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using k8s;
using k8s.Models;
using PolicyService.Server.Tests;

namespace PolicyService.Kubernetes.Tests.Running;

/// <summary>
/// Everything is down and comes up again (docs/operations.md): the webhooks as the manifests configure them, called for each pod by a stand-in for
/// the API server, a real service and the real adapter.
/// </summary>
public sealed class RestartTests
{
    private const string Own = "policyservice-system";
    private const string Workloads = "shop";

    [Theory, Trait("attack", "116")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Everything_comes_up_again_in_any_order(bool isAdapterFirst)
    {
        var (grpc, webhooks) = (FreePort(), FreePort());
        var state = Directory.CreateTempSubdirectory("policyservice-test-");
        string[] arguments = ["--Service:Url", $"http://127.0.0.1:{grpc}", "--Cluster:Name", Ask.Enforced, "--Urls:Webhooks", $"http://127.0.0.1:{webhooks}", "--State:Directory", state.FullName];
        using var cluster = new Cluster(new Uri($"http://127.0.0.1:{webhooks}"));
        await using (var first = await TestServer.StartAsync(LinkedAdapter.Enforced(), more: ["--Urls:Grpc", $"http://127.0.0.1:{grpc}"]))
        await using (var adapter = await AdapterProcess.StartAsync(arguments))
        {
            await Eventually.Holds("pods run", async () => (await cluster.CreateAsync(Workloads)).IsAdmitted);
            adapter.Kill();
        }

        // Nothing of ours runs. What we need comes first, and asks nobody; everybody else's pods wait, and nothing holds up what is there.
        Assert.Equal([true, true, false], new[] { await cluster.CreateAsync("kube-system"), await cluster.CreateAsync(Own), await cluster.CreateAsync(Workloads) }.Select(view => view.IsAdmitted));
        Assert.True((await cluster.LabelAsync(Workloads)).IsAdmitted);
        Assert.True((await cluster.DeployAsync(Workloads)).IsAdmitted);

        await using var started = new Started();
        if (isAdapterFirst)
        {
            started.Adapter = await AdapterProcess.StartAsync(arguments);
            Assert.Equal(HttpStatusCode.OK, await LiveAsync(started.Adapter));
            Assert.Equal((403, false), await cluster.CreateAsync(Workloads) is var refused ? (refused.Status, refused.IsAdmitted) : default);
        }

        Assert.True((await cluster.CreateAsync(Own)).IsAdmitted, "the service's pod waits for the adapter");
        started.Service = await TestServer.StartAsync(LinkedAdapter.Enforced(), more: ["--Urls:Grpc", $"http://127.0.0.1:{grpc}"]);
        Assert.True((await cluster.CreateAsync(Own)).IsAdmitted, "the adapter's pod waits for the adapter");
        started.Adapter ??= await AdapterProcess.StartAsync(arguments);

        await Eventually.Holds("pods run again", async () => (await cluster.CreateAsync(Workloads)).IsAdmitted);
        Assert.False((await cluster.CreateAsync(Workloads, "gcr.io/other/image:1")).IsAdmitted);
    }

    private static async Task<HttpStatusCode> LiveAsync(AdapterProcess adapter)
    {
        using var response = await adapter.Http.GetAsync("/healthz/live", TestContext.Current.CancellationToken);
        return response.StatusCode;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>What was started again, in the order in which it must end.</summary>
    private sealed class Started : IAsyncDisposable
    {
        public AdapterProcess? Adapter { get; set; }

        public TestServer? Service { get; set; }

        public async ValueTask DisposeAsync()
        {
            if (Adapter is not null)
            {
                await Adapter.DisposeAsync();
            }

            if (Service is not null)
            {
                await Service.DisposeAsync();
            }
        }
    }

    /// <summary>Calls the webhooks of the manifests for what their selectors, rules and conditions choose.</summary>
    private sealed class Cluster(Uri adapter) : IDisposable
    {
        private readonly ApiServerStandIn _api = new(adapter, new SslClientAuthenticationOptions());
        private readonly V1ValidatingWebhookConfiguration _configuration = Read();

        public Task<UserView> CreateAsync(string ns, string image = "gcr.io/acme/api:1") =>
            AdmitAsync(ns, "pods", isSpecChanged: true, AdmissionReviews.Create(Pod(ns, image)));

        /// <summary>Labels a pod that is there.</summary>
        public Task<UserView> LabelAsync(string ns) =>
            AdmitAsync(ns, "pods", isSpecChanged: false, AdmissionReviews.Update(Pod(ns, "gcr.io/old/image:1").Labelled("a", "b"), Pod(ns, "gcr.io/old/image:1")));

        public Task<UserView> DeployAsync(string ns)
        {
            var deployment = AdmissionReviews.Owner("Deployment", "spec.template", "gcr.io/acme/api:1");
            deployment["metadata"]!["namespace"] = ns;
            return AdmitAsync(ns, "deployments", isSpecChanged: true, AdmissionReviews.Create(deployment, "apps"));
        }

        public void Dispose() => _api.Dispose();

        private static System.Text.Json.Nodes.JsonObject Pod(string ns, string image) => AdmissionReviews.Pod(image).With("metadata.namespace", ns);

        private async Task<UserView> AdmitAsync(string ns, string resource, bool isSpecChanged, System.Text.Json.Nodes.JsonObject review)
        {
            review["request"]!["namespace"] = ns;
            foreach (var webhook in _configuration.Webhooks.Where(webhook => Selects(webhook, ns, resource, isSpecChanged)))
            {
                var policy = Enum.Parse<FailurePolicy>(webhook.FailurePolicy);
                if (await _api.AdmitAsync(webhook.ClientConfig.Service.Path, review.ToJsonString(), policy, webhook.TimeoutSeconds!.Value) is { IsAdmitted: false } refused)
                {
                    return refused;
                }
            }

            return new UserView(200, "");
        }

        /// <summary>The conditions themselves are evaluated by the tests of the manifests; this is what the one about updates says.</summary>
        private static bool Selects(V1ValidatingWebhook webhook, string ns, string resource, bool isSpecChanged) =>
            webhook.NamespaceSelector.MatchExpressions.All(expression => expression.Key == "kubernetes.io/metadata.name" && expression.OperatorProperty switch
            {
                "In" => expression.Values.Contains(ns),
                "NotIn" => !expression.Values.Contains(ns),
                var other => throw new InvalidDataException($"the operator {other} is not known here"),
            })
            && webhook.Rules.Any(rule => rule.Resources.Contains(resource))
            && (isSpecChanged || !webhook.MatchConditions.Any(condition => condition.Name == "changes-the-spec"));

        private static V1ValidatingWebhookConfiguration Read()
        {
            for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            {
                var path = Path.Combine(folder.FullName, "deploy", "kubernetes", "base", "webhook.yaml");
                if (File.Exists(path))
                {
                    return KubernetesYaml.LoadAllFromString(File.ReadAllText(path)).OfType<V1ValidatingWebhookConfiguration>().Single();
                }
            }

            throw new FileNotFoundException("there is no deploy/kubernetes/base/webhook.yaml above the tests");
        }
    }
}
