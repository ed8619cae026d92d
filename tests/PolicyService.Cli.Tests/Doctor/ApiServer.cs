using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using k8s;
using k8s.Models;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using PolicyService.Cli.Tests.Running;

namespace PolicyService.Cli.Tests.Doctor;

/// <summary>Speaks as much of the API server's REST interface as the doctor reads: lists in pages, single objects, refusals, its clock.</summary>
internal sealed class ApiServer : IAsyncDisposable
{
    private static readonly Dictionary<string, Type> Lists = new(StringComparer.Ordinal)
    {
        ["/api/v1/namespaces"] = typeof(V1Namespace),
        ["/api/v1/pods"] = typeof(V1Pod),
        ["/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"] = typeof(V1ValidatingWebhookConfiguration),
        ["/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"] = typeof(V1MutatingWebhookConfiguration),
        ["/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"] = typeof(V1ValidatingAdmissionPolicy),
        ["/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"] = typeof(V1ValidatingAdmissionPolicyBinding),
        ["/apis/discovery.k8s.io/v1/namespaces/policyservice-system/endpointslices"] = typeof(V1EndpointSlice),
    };

    private readonly WebApplication _app;
    private readonly Folder _folder = new();

    public ApiServer(IEnumerable<IKubernetesObject<V1ObjectMeta>> objects)
    {
        Objects = [.. objects];
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        _app = builder.Build();
        _app.Run(AnswerAsync);
    }

    /// <summary>What the cluster holds.</summary>
    public List<IKubernetesObject<V1ObjectMeta>> Objects { get; }

    /// <summary>Paths that are refused, with their status.</summary>
    public Dictionary<string, int> Refusals { get; } = new(StringComparer.Ordinal);

    /// <summary>How far its clock is ahead.</summary>
    public TimeSpan Ahead { get; set; }

    /// <summary>Most objects of a page, whatever is asked for.</summary>
    public int PageSize { get; set; } = 2;

    /// <summary>A list that never ends.</summary>
    public string? Endless { get; set; }

    /// <summary>Method and path of every request.</summary>
    public ConcurrentQueue<string> Requests { get; } = [];

    public T One<T>()
        where T : IKubernetesObject<V1ObjectMeta> => Objects.OfType<T>().Single();

    /// <summary>Writes a kubeconfig that leads here.</summary>
    public async Task<string> StartAsync()
    {
        await _app.StartAsync(TestContext.Current.CancellationToken);
        return _folder.Write("config", $$"""
            apiVersion: v1
            kind: Config
            clusters: [{name: here, cluster: { server: "{{_app.Urls.Single()}}" } }]
            users: [{ name: me, user: { token: planted } }]
            contexts: [{ name: here, context: { cluster: here, user: me } }]
            current-context: here
            """);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _folder.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!;
        Requests.Enqueue($"{context.Request.Method} {path}");
        context.Response.Headers.Date = (TimeProvider.System.GetUtcNow() + Ahead).ToString("R", CultureInfo.InvariantCulture);
        context.Response.ContentType = "application/json";
        if (Refusals.TryGetValue(path, out var status))
        {
            context.Response.StatusCode = status;
            await context.Response.WriteAsync("""{"kind":"Status","apiVersion":"v1","status":"Failure"}""", context.RequestAborted);
            return;
        }

        if (Lists.TryGetValue(path, out var type))
        {
            var all = Objects.Where(found => found.GetType() == type).ToList();
            var start = int.Parse(context.Request.Query["continue"].FirstOrDefault() ?? "0", CultureInfo.InvariantCulture);
            var size = Math.Min(PageSize, int.Parse(context.Request.Query["limit"].Single()!, CultureInfo.InvariantCulture));
            var page = all.Skip(start).Take(size).Select(item => KubernetesJson.Serialize(item));
            var next = Endless == path || start + size < all.Count ? (start + size).ToString(CultureInfo.InvariantCulture) : "";
            await context.Response.WriteAsync($$"""{"kind":"{{type.Name[2..]}}List","metadata":{"continue":"{{next}}"},"items":[{{string.Join(',', page)}}]}""", context.RequestAborted);
            return;
        }

        var found = Objects.FirstOrDefault(one => path == $"/api/v1/namespaces/{one.Metadata.NamespaceProperty}/{one.Kind?.ToLowerInvariant()}s/{one.Metadata.Name}");
        context.Response.StatusCode = found is null ? 404 : 200;
        await context.Response.WriteAsync(found is null ? """{"kind":"Status","apiVersion":"v1","status":"Failure"}""" : KubernetesJson.Serialize(found), context.RequestAborted);
    }
}
