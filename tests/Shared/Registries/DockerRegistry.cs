using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace PolicyService.Tests.Registries;

/// <summary>
/// A real registry, Debian's docker-registry, on a free port of 127.0.0.1 with a folder of its own, and a client that pushes to it. It shares
/// no code with our client.
/// </summary>
public sealed class DockerRegistry : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("registry-");
    private readonly HttpClient _client = new() { Timeout = Patience };
    private readonly StringBuilder _log = new();
    private Process? _process;
    private int _repositories;

    public int Port { get; private set; }

    /// <summary>Name and port, as images have them.</summary>
    public string Host => $"127.0.0.1:{Port}";

    public async ValueTask InitializeAsync()
    {
        // A free port may be taken by somebody else before the registry has it.
        var isUp = false;
        for (var attempt = 0; attempt < 5 && !isUp; attempt++)
        {
            Port = FreePort();
            isUp = await LaunchAsync();
        }

        Assert.True(isUp, Log());
    }

    public ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false })
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process?.Dispose();
        _client.Dispose();
        _folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    /// <summary>A repository that nobody else has.</summary>
    public string NewRepository() => $"acme/image-{Interlocked.Increment(ref _repositories)}";

    /// <summary>Pushes a blob in one piece; its digest.</summary>
    public async Task<string> PushBlobAsync(string repository, byte[] content)
    {
        var digest = DigestOf(content);
        using var begin = await _client.PostAsync(new Uri($"http://{Host}/v2/{repository}/blobs/uploads/"), null, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Accepted, begin.StatusCode);
        var place = new Uri(new Uri($"http://{Host}"), begin.Headers.Location!);
        using var body = new ByteArrayContent(content);
        body.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        using var end = await _client.PutAsync(new Uri($"{place}{(place.Query.Length == 0 ? '?' : '&')}digest={digest}"), body, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Created, end.StatusCode);
        return digest;
    }

    /// <summary>Pushes a manifest under a tag or its digest; its digest.</summary>
    public async Task<string> PushManifestAsync(string repository, string? tag, byte[] content, string mediaType)
    {
        var digest = DigestOf(content);
        using var body = new ByteArrayContent(content);
        body.Headers.ContentType = new MediaTypeHeaderValue(mediaType);
        using var answer = await _client.PutAsync(new Uri($"http://{Host}/v2/{repository}/manifests/{tag ?? digest}"), body, TestContext.Current.CancellationToken);
        Assert.True(answer.StatusCode is HttpStatusCode.Created, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        return digest;
    }

    public async Task DeleteBlobAsync(string repository, string digest)
    {
        using var answer = await _client.DeleteAsync(new Uri($"http://{Host}/v2/{repository}/blobs/{digest}"), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
    }

    public static string DigestOf(byte[] content) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(content))}";

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private string Log()
    {
        lock (_log)
        {
            return _log.ToString();
        }
    }

    /// <returns>False: it ended at once.</returns>
    private async Task<bool> LaunchAsync()
    {
        var configuration = Path.Combine(_folder.FullName, "config.yml");
        await File.WriteAllLinesAsync(
            configuration,
            [
                "version: 0.1", "log: {level: error, accesslog: {disabled: true}}",
                "storage:", $"  filesystem: {{rootdirectory: '{Path.Combine(_folder.FullName, "data")}'}}", "  delete: {enabled: true}",
                $"http: {{addr: '{Host}'}}",
            ],
            TestContext.Current.CancellationToken);
        var start = new ProcessStartInfo("docker-registry") { WorkingDirectory = _folder.FullName, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add("serve");
        start.ArgumentList.Add(configuration);
        _process?.Dispose();
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += Keep;
        _process.ErrorDataReceived += Keep;
        Assert.True(_process.Start());
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        var started = TimeProvider.System.GetTimestamp();
        while (!await IsUpAsync())
        {
            if (_process.HasExited)
            {
                return false;
            }

            Assert.True(TimeProvider.System.GetElapsedTime(started) < Patience, Log());
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, TestContext.Current.CancellationToken);
        }

        return true;
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (_log)
        {
            _log.AppendLine(line.Data);
        }
    }

    private async Task<bool> IsUpAsync()
    {
        try
        {
            using var answer = await _client.GetAsync(new Uri($"http://{Host}/v2/"), TestContext.Current.CancellationToken);
            return answer.IsSuccessStatusCode && !_process!.HasExited;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
