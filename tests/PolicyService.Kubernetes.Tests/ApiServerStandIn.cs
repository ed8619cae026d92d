using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Text;
using System.Text.Json;

namespace PolicyService.Kubernetes.Tests;

/// <summary>What a webhook's entry says of calls that fail.</summary>
internal enum FailurePolicy
{
    Fail,
    Ignore,
}

/// <summary>What the user of the cluster gets to see of an admission.</summary>
/// <param name="Status">200, or the status of the refusal.</param>
/// <param name="Message">The refusal, as kubectl prints it; empty for an admission.</param>
internal sealed record UserView(int Status, string Message)
{
    public bool IsAdmitted => Status == 200;

    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>As they reach the audit log: <c>webhook/key</c>.</summary>
    public IReadOnlyDictionary<string, string> Audit { get; init; } = new Dictionary<string, string>();

    public string Verdict => Audit.GetValueOrDefault($"{ApiServerStandIn.Webhook}/verdict", "");

    public JsonElement? Patch { get; init; }
}

/// <summary>Calls webhooks and takes their answers as an API server does (KUBERNETES.md).</summary>
internal sealed class ApiServerStandIn : IDisposable
{
    public const string Webhook = "images.policyservice.dev";
    private const int MaxWarningBytes = 4096;
    private const int Tries = 5;
    private readonly HttpClient _client;

    public ApiServerStandIn(Uri url, SslClientAuthenticationOptions tls)
    {
        var handler = new SocketsHttpHandler { SslOptions = tls, AllowAutoRedirect = false, AutomaticDecompression = DecompressionMethods.GZip, UseProxy = false };
        // HTTP/2 where the other side offers it; the policy of a request is to take less, too.
        _client = new HttpClient(handler) { BaseAddress = url, Timeout = TimeSpan.FromMinutes(2) };
        _client.DefaultRequestHeaders.UserAgent.ParseAdd("kube-apiserver-admission");
        _client.DefaultRequestHeaders.Accept.ParseAdd("application/json, */*");
    }

    /// <summary>How many times the last review of images was sent.</summary>
    public int Sent { get; private set; }

    /// <summary>Calls an admission webhook for a review.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="review">The AdmissionReview.</param>
    /// <param name="policy">What happens where the call fails.</param>
    /// <param name="timeout">Its <c>timeoutSeconds</c>.</param>
    public async Task<UserView> AdmitAsync(string path, string review, FailurePolicy policy = FailurePolicy.Fail, int timeout = 30)
    {
        var uid = JsonDocument.Parse(review).RootElement.GetProperty("request").GetProperty("uid").GetString();
        try
        {
            using var response = await PostAsync($"{path}?timeout={timeout}s", review, timeout);
            var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            return response.StatusCode is HttpStatusCode.OK ? Take(JsonDocument.Parse(body).RootElement, uid, path) : throw new InvalidDataException($"status {(int)response.StatusCode}: {body}");
        }
        catch (Exception exception) when (exception is HttpRequestException or InvalidDataException or JsonException or OperationCanceledException)
        {
            return policy is FailurePolicy.Ignore
                ? new UserView(200, "") { Audit = new Dictionary<string, string> { [$"failed-open.validating.webhook.admission.k8s.io/{Webhook}"] = Webhook } }
                : new UserView(500, $"Internal error occurred: failed calling webhook \"{Webhook}\": {exception.Message}");
        }
    }

    /// <summary>Asks the backend of the image policy; tries again as the plugin does, and keeps no answer (allowTTL and denyTTL are off).</summary>
    public async Task<UserView> ReviewImagesAsync(string review, bool defaultAllow = false, int timeout = 30)
    {
        Sent = 0;
        for (var tries = 0; tries < Tries; tries++)
        {
            Sent++;
            using var response = await PostAsync($"/imagereview?timeout={timeout}s", review, timeout);
            if ((int)response.StatusCode is 429 or >= 500)
            {
                continue;
            }

            var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            return response.StatusCode is HttpStatusCode.OK ? TakeImages(JsonDocument.Parse(body).RootElement) : Failed(defaultAllow, body);
        }

        return Failed(defaultAllow, "it failed every time");
    }

    public async Task<HttpResponseMessage> PostAsync(string path, string body, int timeout = 60) =>
        await PostAsync(path, new ByteArrayContent(Encoding.UTF8.GetBytes(body)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } }, timeout);

    public async Task<HttpResponseMessage> PostAsync(string path, HttpContent content, int timeout = 60, Version? version = null)
    {
        // The bound of a test is not the cluster's: a busy machine must not look like a slow adapter.
        using var ending = new CancellationTokenSource(TimeSpan.FromSeconds(timeout + 60), TimeProvider.System);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(ending.Token, TestContext.Current.CancellationToken);
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(path, UriKind.Relative)) { Content = content, Version = version ?? HttpVersion.Version20 };
        return await _client.SendAsync(request, linked.Token);
    }

    public async Task<HttpStatusCode> GetAsync(string path)
    {
        using var response = await _client.GetAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);
        return response.StatusCode;
    }

    public void Dispose() => _client.Dispose();

    private static UserView Failed(bool defaultAllow, string body) => defaultAllow ? new UserView(200, "") : new UserView(403, $"forbidden: {body}");

    private static UserView TakeImages(JsonElement review)
    {
        Require(review.GetProperty("apiVersion").GetString() == "imagepolicy.k8s.io/v1alpha1" && review.GetProperty("kind").GetString() == "ImageReview", "another kind of answer");
        var status = review.GetProperty("status");
        return status.GetProperty("allowed").GetBoolean()
            ? new UserView(200, "") { Audit = AuditOf(status) }
            : new UserView(403, $"pods is forbidden: image policy webhook backend denied one or more images: {status.GetProperty("reason").GetString()}") { Audit = AuditOf(status) };
    }

    private static UserView Take(JsonElement review, string? uid, string path)
    {
        Require(review.TryGetProperty("apiVersion", out var version) && version.GetString() == "admission.k8s.io/v1", "another apiVersion");
        Require(review.TryGetProperty("kind", out var kind) && kind.GetString() == "AdmissionReview", "another kind");
        Require(review.TryGetProperty("response", out var response), "no response");
        Require(response.GetProperty("uid").GetString() == uid, "another uid");
        var hasPatch = response.TryGetProperty("patch", out var patch);
        Require(!hasPatch || (path == "/mutate" && response.GetProperty("patchType").GetString() == "JSONPatch"), "a patch that nobody asked for");
        var warnings = response.TryGetProperty("warnings", out var list) ? WarningsOf(list) : [];
        if (response.GetProperty("allowed").GetBoolean())
        {
            return new UserView(200, "") { Warnings = warnings, Audit = AuditOf(response), Patch = hasPatch ? JsonDocument.Parse(patch.GetBytesFromBase64()).RootElement : null };
        }

        var status = response.TryGetProperty("status", out var given) ? given : default;
        var code = status.ValueKind is JsonValueKind.Object && status.TryGetProperty("code", out var number) ? number.GetInt32() : 0;
        var message = status.ValueKind is JsonValueKind.Object && status.TryGetProperty("message", out var text) ? text.GetString() : "without explanation";
        return new UserView(code is 0 or 200 ? 400 : code, $"admission webhook \"{Webhook}\" denied the request: {message}") { Warnings = warnings, Audit = AuditOf(response) };
    }

    /// <summary>One with a line break is dropped; of all together about 4 kB arrive.</summary>
    private static List<string> WarningsOf(JsonElement list)
    {
        var (arrived, bytes) = (new List<string>(), 0);
        foreach (var warning in list.EnumerateArray().Select(item => item.GetString()!).Where(warning => !warning.Any(char.IsControl)))
        {
            if ((bytes += Encoding.UTF8.GetByteCount(warning)) <= MaxWarningBytes)
            {
                arrived.Add(warning);
            }
        }

        return arrived;
    }

    private static Dictionary<string, string> AuditOf(JsonElement response) => response.TryGetProperty("auditAnnotations", out var annotations)
        ? annotations.EnumerateObject().Where(pair => pair.Name.IndexOfAny(['/', ' ']) < 0).ToDictionary(pair => $"{Webhook}/{pair.Name}", pair => pair.Value.GetString()!)
        : [];

    private static void Require(bool holds, string problem)
    {
        if (!holds)
        {
            throw new InvalidDataException(problem);
        }
    }
}
