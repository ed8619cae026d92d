using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace PolicyService.Tests.ContainerAnalysis;

/// <summary>
/// A second Container Analysis that nobody of this project wrote a client for: <c>gcloud_stub.py</c>, against which the real gcloud was
/// recorded, beside the repository (<c>../shared/acceptance</c>) or where <c>GCLOUD_STUB</c> says.
/// </summary>
internal sealed class GcloudContainerAnalysis : IDisposable
{
    private readonly Process _process;
    private readonly DirectoryInfo _folder;
    private readonly HttpClient _http;

    private GcloudContainerAnalysis(Process process, DirectoryInfo folder, string url)
    {
        (_process, _folder, Url) = (process, folder, url);
        _http = new HttpClient { BaseAddress = new Uri(url) };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
    }

    /// <summary>It takes any.</summary>
    public const string Token = "a-token";

    public string Url { get; }

    public static string? Script { get; } = Find();

    public static async Task<GcloudContainerAnalysis> StartAsync()
    {
        var folder = Directory.CreateTempSubdirectory("gcloud-stub-");
        var process = Process.Start(new ProcessStartInfo("python3", [Script!, "--state", folder.FullName]) { RedirectStandardOutput = true })!;
        var line = await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(60), TimeProvider.System);
        return new GcloudContainerAnalysis(process, folder, Regex.Match(line ?? "", "BASE_URL=(http://127.0.0.1:[0-9]+)").Groups[1].Value);
    }

    public Task<JsonNode> PostAsync(string path, JsonObject body) => SendAsync(HttpMethod.Post, path, body);

    public Task DeleteAsync(string path) => SendAsync(HttpMethod.Delete, path, null);

    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        _http.Dispose();
        _folder.Delete(recursive: true);
    }

    private async Task<JsonNode> SendAsync(HttpMethod method, string path, JsonObject? body)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json") };
        using var response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonNode.Parse(text)!;
    }

    private static string? Find()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "PolicyService.sln")))
        {
            root = root.Parent;
        }

        var script = Environment.GetEnvironmentVariable("GCLOUD_STUB") ?? Path.Combine(root!.Parent!.FullName, "shared", "acceptance", "gcloud_stub.py");
        return File.Exists(script) && (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, "python3"))) ? script : null;
    }
}
