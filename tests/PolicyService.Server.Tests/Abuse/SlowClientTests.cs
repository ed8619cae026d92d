using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using PolicyService.Core;

namespace PolicyService.Server.Tests.Abuse;

/// <summary>Clients that take their time, or say too much at once: their connections end, and others are answered meanwhile.</summary>
public sealed class SlowClientTests(AbusedServer server) : IClassFixture<AbusedServer>
{
    private const int Clients = 100;

    private static readonly TimeSpan Drip = TimeSpan.FromMilliseconds(100);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public Task Headers_that_drip_over_HTTP1_end_the_connection() => DripAsync(
        "headers over HTTP/1.1", server.HttpUrl, Encoding.ASCII.GetBytes("GET /healthz/live HTTP/1.1\r\nHost: localhost\r\n"), "x: y\r\n"u8.ToArray(), Limits.HeadersTime);

    [Fact]
    public Task Headers_that_drip_over_HTTP2_end_the_connection() => DripAsync(
        "headers over HTTP/2",
        server.GrpcUrl,
        [.. Preface(), .. RawHttp2.Frame(RawHttp2.HeadersType, 0, 1, RawHttp2.Headers(AbusedServer.Evaluate))],
        RawHttp2.Frame(RawHttp2.Continuation, 0, 1, []),
        Limits.HeadersTime);

    [Fact]
    public Task Bodies_that_drip_over_HTTP1_end_the_request() => DripAsync(
        "bodies over HTTP/1.1",
        server.HttpUrl,
        Encoding.ASCII.GetBytes("POST /v1/evaluate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{"),
        " "u8.ToArray(),
        Limits.DataRateGrace);

    [Fact]
    public Task Bodies_that_drip_over_HTTP2_end_the_connection() => DripAsync(
        "bodies over HTTP/2",
        server.GrpcUrl,
        [.. Preface(), .. RawHttp2.Frame(RawHttp2.HeadersType, RawHttp2.EndHeaders, 1, RawHttp2.Headers(AbusedServer.Evaluate)), .. RawHttp2.Frame(RawHttp2.Data, 0, 1, [0, 0, 1, 0, 0])],
        RawHttp2.Frame(RawHttp2.Data, 0, 1, [0]),
        Limits.DataRateGrace);

    [Fact]
    public async Task Headers_of_64_KB_over_HTTP1_are_431()
    {
        await using var others = new Bystander(server.Process);
        foreach (var headers in new[] { $"x: {new string('a', 64 * 1024)}\r\n", string.Concat(Enumerable.Range(0, 8).Select(number => $"x{number}: {new string('a', 8 * 1024)}\r\n")), string.Concat(Enumerable.Repeat("x: y\r\n", Limits.Headers + 1)) })
        {
            using var client = await ConnectAsync(server.HttpUrl);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"GET /healthz/live HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"), Cancellation);
            Assert.StartsWith("HTTP/1.1 431", await AnswerAsync(client), StringComparison.Ordinal);
        }

        await others.AnswersAsync(5);
        await others.EndAsync("64 KB headers over HTTP/1.1");
    }

    [Fact]
    public async Task A_thousand_idle_connections_on_each_port_keep_nobody_out()
    {
        await using var others = new Bystander(server.Process);
        var idle = new List<TcpClient>();
        try
        {
            for (var number = 0; number < 1000; number++)
            {
                idle.Add(await ConnectAsync(server.HttpUrl));
                idle.Add(await ConnectAsync(server.GrpcUrl));
                if (number % 2 == 0)
                {
                    await idle[^1].GetStream().WriteAsync(Preface(), Cancellation);
                }
            }

            await others.AnswersAsync(20);
            await others.EndAsync("1,000 idle connections on each port");
        }
        finally
        {
            idle.ForEach(one => one.Dispose());
        }
    }

    [Fact]
    public async Task Connections_that_are_idle_for_long_end_by_themselves()
    {
        await using var impatient = await TestServer.StartAsync(DocumentsFolder.Fixed("ALWAYS_DENY"), configure: services =>
            services.PostConfigure<KestrelServerOptions>(kestrel =>
            {
                Assert.Equal(Limits.IdleConnection, kestrel.Limits.KeepAliveTimeout);
                kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(1);
            }));
        var idle = new List<TcpClient>();
        try
        {
            foreach (var url in new[] { impatient.Http.BaseAddress!, new Uri(impatient.GrpcUrl) })
            {
                for (var number = 0; number < 50; number++)
                {
                    idle.Add(await ConnectAsync(url));
                }
            }

            foreach (var one in idle)
            {
                await ReadToEndAsync(one).WaitAsync(TimeSpan.FromSeconds(60), TimeProvider.System, Cancellation);
            }
        }
        finally
        {
            idle.ForEach(one => one.Dispose());
        }
    }

    private static byte[] Preface() => [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. RawHttp2.Frame(RawHttp2.Settings, 0, 0, [])];

    private static Task<TcpClient> ConnectAsync(string url) => ConnectAsync(new Uri(url));

    private static async Task<TcpClient> ConnectAsync(Uri url)
    {
        var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, url.Port, Cancellation);
        return client;
    }

    /// <summary>What the server says until it closes the connection, or the first of it.</summary>
    private static async Task<string> AnswerAsync(TcpClient client)
    {
        var buffer = new byte[1024];
        try
        {
            var read = await client.GetStream().ReadAsync(buffer, Cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(60), TimeProvider.System, Cancellation);
            return Encoding.ASCII.GetString(buffer, 0, read);
        }
        catch (IOException)
        {
            return "";
        }
    }

    private Task DripAsync(string what, string url, byte[] first, byte[] drop, TimeSpan patience) => DripAsync(what, new Uri(url), first, drop, patience);

    /// <summary>Many clients send a little now and then until the server has enough of each.</summary>
    private async Task DripAsync(string what, Uri url, byte[] first, byte[] drop, TimeSpan patience)
    {
        await using var others = new Bystander(server.Process);
        var started = TimeProvider.System.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(async _ =>
        {
            using var client = await ConnectAsync(url);
            var ended = ReadToEndAsync(client);
            try
            {
                await client.GetStream().WriteAsync(first, Cancellation);
                while (!ended.IsCompleted)
                {
                    await client.GetStream().WriteAsync(drop, Cancellation);
                    await Task.WhenAny(ended, Task.Delay(Drip, TimeProvider.System, Cancellation));
                }
            }
            catch (IOException)
            {
                // The server has closed it.
            }

            await ended.WaitAsync(TimeSpan.FromSeconds(60), TimeProvider.System, Cancellation);
        }));
        var took = TimeProvider.System.GetElapsedTime(started);
        await others.AnswersAsync(5);
        await others.EndAsync($"{what} drip on {Clients} connections, the last of which ended after {took.TotalSeconds:0.0} s");
        Assert.InRange(took, TimeSpan.Zero, 5 * patience);
    }

    private static async Task ReadToEndAsync(TcpClient client)
    {
        var buffer = new byte[1024];
        try
        {
            while (await client.GetStream().ReadAsync(buffer, Cancellation) > 0)
            {
                // Its goodbye.
            }
        }
        catch (IOException)
        {
            // Reset.
        }
    }
}
