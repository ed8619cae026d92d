using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using PolicyService.Api.V1;
using PolicyService.LoadTests.Calls;
using PolicyService.LoadTests.Tests.Running;

namespace PolicyService.LoadTests.Tests;

public sealed class TargetTests
{
    [Fact]
    public async Task Unreachable_target_ends_with_3()
    {
        var (code, output, said) = await LoadTest.RunAsync("--target", $"http://127.0.0.1:{FreePort()}");

        Assert.Equal(3, code);
        Assert.Contains("cannot be reached", said, StringComparison.Ordinal);
        Assert.DoesNotContain("target ", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(HttpProtocols.Http1)]
    [InlineData(HttpProtocols.Http2)]
    public async Task Target_that_is_no_PolicyService_ends_with_3(HttpProtocols protocols)
    {
        await using var server = await LyingServer.StartWithoutServiceAsync(protocols);

        var (code, _, said) = await LoadTest.RunAsync("--target", server.Url.AbsoluteUri);

        Assert.Equal(3, code);
        Assert.Contains(server.Url.Authority, said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Target_that_answers_about_another_image_ends_with_3()
    {
        await using var server = await LyingServer.StartAsync((_, _) => new EvaluateResponse { Verdict = Verdict.Allow, ImageDigest = "x", Cluster = "a.b" });

        var (code, _, said) = await LoadTest.RunAsync("--target", server.Url.AbsoluteUri);

        Assert.Equal(3, code);
        Assert.Contains("another image", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Target_that_decides_the_same_ends_with_0_and_no_ratio()
    {
        await using var server = await LyingServer.StartAsync((_, request) => LyingServer.Allow(request));

        var (code, output, json) = await LoadTest.RunWithJsonAsync("--target", server.Url.AbsoluteUri, "--image", "ghcr.io/acme/api:1", "--cluster", "a.b", "--expect", "ALLOW");

        Assert.True(code == 0, output);
        var target = json.GetProperty("scenarios")[0];
        Assert.Equal(System.Text.Json.JsonValueKind.Null, target.GetProperty("ratio").ValueKind);
        Assert.True(target.GetProperty("rate").GetDouble() > 0);
    }

    [Fact]
    public async Task Wrong_verdict_is_noticed()
    {
        await using var server = await LyingServer.StartAsync((number, request) => LyingServer.Answer(request, number == 100 ? Verdict.Deny : Verdict.Allow));

        var (code, output, json) = await LoadTest.RunWithJsonAsync("--target", server.Url.AbsoluteUri);

        Assert.Equal(1, code);
        Assert.Equal(1, json.GetProperty("scenarios")[0].GetProperty("wrongVerdicts").GetInt64());
        Assert.Contains("expected Allow, got Deny", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Error_status_is_noticed_though_it_is_HTTP_200()
    {
        await using var server = await LyingServer.StartAsync((number, request) => number == 100 ? throw new RpcException(new Status(StatusCode.ResourceExhausted, "later")) : LyingServer.Allow(request));

        var (code, output, json) = await LoadTest.RunWithJsonAsync("--target", server.Url.AbsoluteUri);

        Assert.Equal(1, code);
        Assert.Equal(1, json.GetProperty("scenarios")[0].GetProperty("errors").GetInt64());
        Assert.Contains("1 × grpc-status 8", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dumped_body_is_what_h2load_sends()
    {
        var seen = 0;
        await using var server = await LyingServer.StartAsync((_, request) =>
        {
            Interlocked.Add(ref seen, request is { ImageDigest: "ghcr.io/acme/api:1", Cluster: "a.b" } ? 1 : 1000);
            return LyingServer.Allow(request);
        });
        var body = Path.GetTempFileName();
        try
        {
            var (code, _, said) = await LoadTest.RunAsync("--dump-body", body, "--image", "ghcr.io/acme/api:1", "--cluster", "a.b");
            Assert.True(code == 0, said);
            var said2 = await H2LoadAsync("-n", "20", "-c", "2", "-m", "2", $"--data={body}", "-H", "content-type: application/grpc", "-H", "te: trailers", $"{server.Url.GetLeftPart(UriPartial.Authority)}{UnaryCaller.Path}");

            Assert.Contains("20 succeeded, 0 failed, 0 errored", said2, StringComparison.Ordinal);
            Assert.Equal(20, Volatile.Read(ref seen));
        }
        finally
        {
            File.Delete(body);
        }
    }

    private static async Task<string> H2LoadAsync(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("h2load", arguments) { RedirectStandardOutput = true })!;
        try
        {
            var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(60), TimeProvider.System, TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            return output;
        }
        finally
        {
            process.Kill();
        }
    }

    private static string FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
    }
}
