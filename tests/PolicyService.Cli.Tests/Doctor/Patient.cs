using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using k8s.Models;
using PolicyService.Cli.Tests.Deploy;
using PolicyService.Cli.Tests.Running;

namespace PolicyService.Cli.Tests.Doctor;

/// <summary>A cluster with everything that deploy/kubernetes applies, two namespaces of others, and their pods; then something is wrong with it.</summary>
internal static class Patient
{
    public static async Task<ApiServer> HealthyAsync()
    {
        // Objects of its own: a test changes them.
        var overlay = Overlay.Parse((await Overlay.Of("on-prem")).Yaml);
        var server = new ApiServer(overlay.Objects);
        foreach (var name in new[] { "kube-system", "shop", "default" })
        {
            server.Objects.Add(NamespaceOf(name));
        }

        server.Objects.Add(PodOf("shop", "web-1"));
        server.Objects.Add(PodOf("shop", "job-1", "Succeeded"));
        server.Objects.Add(PodOf("kube-system", "coredns-1"));
        return server;
    }

    public static V1Namespace NamespaceOf(string name) => new() { ApiVersion = "v1", Kind = "Namespace", Metadata = new V1ObjectMeta { Name = name, Labels = new Dictionary<string, string> { ["kubernetes.io/metadata.name"] = name } } };

    public static V1Pod PodOf(string space, string name, string phase = "Running") =>
        new() { ApiVersion = "v1", Kind = "Pod", Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = space }, Status = new V1PodStatus { Phase = phase } };

    public static V1ValidatingWebhook Closed(this ApiServer server) => server.Webhook("closed");

    public static V1ValidatingWebhook Webhook(this ApiServer server, string name) =>
        server.Objects.OfType<V1ValidatingWebhookConfiguration>().Single(found => found.Metadata.Name == "policyservice").Webhooks.Single(webhook => webhook.Name == $"{name}.policyservice.dev");

    /// <summary>Has the webhooks and the adapter's Secret use this certificate, which is its own authority or has one.</summary>
    public static void Serve(this ApiServer server, X509Certificate2 served, params X509Certificate2[] authorities)
    {
        server.Objects.OfType<V1Secret>().Single(secret => secret.Metadata.Name == "policyservice-adapter-tls").Data["tls.crt"] = Encoding.ASCII.GetBytes(served.ExportCertificatePem());
        foreach (var name in new[] { "closed", "templates", "open" })
        {
            server.Webhook(name).ClientConfig.CaBundle = Encoding.ASCII.GetBytes(string.Join('\n', authorities.Select(authority => authority.ExportCertificatePem())));
        }
    }

    public static async Task<(Run Run, List<(string Severity, string Code, string Where, string What)> Findings)> ExamineAsync(this ApiServer server, params string[] more)
    {
        var kubeconfig = await server.StartAsync();
        var run = await Policyctl.RunHereAsync(["doctor", "kubernetes", "--kubeconfig", kubeconfig, "-o", "json", .. more]);
        Assert.True(run.Output.Length > 0, run.Error);
        using var document = JsonDocument.Parse(run.Output);
        Assert.All(server.Requests, request => Assert.StartsWith("GET ", request, StringComparison.Ordinal));
        return (run, [.. document.RootElement.GetProperty("findings").EnumerateArray().Select(finding => (Text(finding, "severity"), Text(finding, "code"), Text(finding, "where"), Text(finding, "what")))]);

        static string Text(JsonElement finding, string name) => finding.GetProperty(name).GetString()!;
    }
}
