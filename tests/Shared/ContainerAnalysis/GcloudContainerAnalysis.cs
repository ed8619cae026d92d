using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace PolicyService.Tests.ContainerAnalysis;

/// <summary>
/// A second Container Analysis that nobody of this project wrote a client for: <c>gcloud_stub.py</c>, against which the real gcloud was
/// recorded. It stands beside the repository (<c>../shared/acceptance</c>) or where <c>GCLOUD_STUB</c> says. Where it or Python is missing,
/// our own stand-in takes its place, and the tests' names say so.
/// </summary>
internal sealed class GcloudContainerAnalysis : IAsyncDisposable
{
    /// <summary>It takes any.</summary>
    public const string Token = "a-token";

    private static readonly string? Script = Find();

    private readonly ContainerAnalysisStandIn? _standIn;
    private readonly Process? _process;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("gcloud-stub-");
    private readonly HttpClient _http = new();

    private GcloudContainerAnalysis()
    {
        if (Script is null)
        {
            _standIn = new ContainerAnalysisStandIn { FaultOf = call => call.Headers.ContainsKey("authorization") ? ContainerAnalysisFault.None : ContainerAnalysisFault.Unauthorized };
            Url = _standIn.Url;
        }
        else
        {
            _process = Process.Start(new ProcessStartInfo("python3", [Script, "--state", _folder.FullName]) { RedirectStandardOutput = true })!;
        }
    }

    public static string Name => Script is null ? "our own stand-in, gcloud_stub.py is not here" : "gcloud_stub.py";

    public string Url { get; private set; } = "";

    public static async Task<GcloudContainerAnalysis> StartAsync()
    {
        var stub = new GcloudContainerAnalysis();
        if (stub._process is { } process)
        {
            var line = await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(60), TimeProvider.System);
            stub.Url = Regex.Match(line ?? "", "BASE_URL=(http://127.0.0.1:[0-9]+)").Groups[1].Value;
        }

        stub._http.BaseAddress = new Uri(stub.Url);
        stub._http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        return stub;
    }

    public async Task MakeNoteAsync(string project, string note)
    {
        if (_standIn is not null)
        {
            _standIn.AddNote($"projects/{project}/notes/{note}");
            return;
        }

        await SendAsync(HttpMethod.Post, $"/v1/projects/{project}/notes/?noteId={note}", new JsonObject { ["attestation"] = new JsonObject() });
    }

    /// <returns>The occurrence's name.</returns>
    public async Task<string> MakeAsync(string project, JsonObject occurrence) =>
        _standIn is not null ? _standIn.Add(occurrence, project) : (string)(await SendAsync(HttpMethod.Post, $"/v1/projects/{project}/occurrences", occurrence))["name"]!;

    public async Task DeleteAsync(string name)
    {
        if (_standIn is not null)
        {
            _standIn.Delete(name);
            return;
        }

        await SendAsync(HttpMethod.Delete, $"/v1/{name}", null);
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
            _process.Dispose();
        }

        if (_standIn is not null)
        {
            await _standIn.DisposeAsync();
        }

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
