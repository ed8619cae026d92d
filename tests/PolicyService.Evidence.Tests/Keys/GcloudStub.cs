using System.Diagnostics;
using System.Text.RegularExpressions;
using PolicyService.Tests.Kms;

namespace PolicyService.Evidence.Tests.Keys;

/// <summary>
/// A second key service that nobody of this project wrote a client for: <c>gcloud_stub.py</c>, against which the real gcloud was recorded.
/// It stands beside the repository (<c>../shared/acceptance</c>) or where <c>GCLOUD_STUB</c> says. Where it, Python or its openssl is
/// missing, our own stand-in takes its place, and the tests' names say so.
/// </summary>
internal sealed class GcloudStub : IAsyncDisposable
{
    public const string Found = "gcloud_stub.py";
    public const string NotFound = "our own stand-in, gcloud_stub.py is not here";

    private readonly Process? _process;
    private readonly KmsStandIn? _standIn;

    private GcloudStub(string url, Process? process, KmsStandIn? standIn) => (Url, _process, _standIn) = (url, process, standIn);

    public static string? Script { get; } = Find();

    public string Url { get; }

    /// <summary>The stub makes a key at its first use, of the kind its CryptoKey id names.</summary>
    public static async Task<GcloudStub> StartAsync(string folder, IReadOnlyDictionary<string, string> keys)
    {
        if (Script is null)
        {
            var standIn = new KmsStandIn();
            foreach (var (resource, algorithm) in keys)
            {
                standIn.Add(resource, algorithm);
            }

            return new GcloudStub(standIn.Url, null, standIn);
        }

        var process = Process.Start(new ProcessStartInfo("python3", [Script, "--kms-only", "--state", folder]) { RedirectStandardOutput = true })!;
        var line = await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(60), TimeProvider.System);
        return new GcloudStub(Regex.Match(line ?? "", "KMS_URL=(http://127.0.0.1:[0-9]+)").Groups[1].Value, process, null);
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
    }

    private static string? Find()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "PolicyService.sln")))
        {
            root = root.Parent;
        }

        var script = Environment.GetEnvironmentVariable("GCLOUD_STUB") ?? Path.Combine(root!.Parent!.FullName, "shared", "acceptance", "gcloud_stub.py");
        return File.Exists(script) && OnPath("python3") && OnPath("openssl") ? script : null;
    }

    private static bool OnPath(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, program)));
}
