using System.Net;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Core;
using PolicyService.Server.Access;
using PolicyService.Server.Endpoints.Rest;

namespace PolicyService.Server.Tests.Rest;

/// <summary>What requests of the REST surface may hold, at the edge of each bound.</summary>
public sealed class RequestGateTests : IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    private readonly FakeTimeProvider _time = new();
    private readonly Lifetime _lifetime = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddLogging().BuildServiceProvider();
    private readonly RequestGate _gate;
    private string _protocol = "HTTP/1.1";

    public RequestGateTests() => _gate = new RequestGate(_time, _lifetime);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, Trait("attack", "96")]
    [InlineData("HTTP/1.1")]
    [InlineData("HTTP/2")]
    public async Task One_more_than_may_use_the_store_waits_and_is_then_refused(string protocol)
    {
        _protocol = protocol;
        var holding = new TaskCompletionSource();
        var entered = 0;
        var first = Enumerable.Range(0, Limits.StoreCallers).Select(_ => _gate.InvokeAsync(Request(0), HoldAsync)).ToArray();
        Assert.Equal(Limits.StoreCallers, entered);

        var beyond = Request(0);
        var refused = _gate.InvokeAsync(beyond, HoldAsync);
        // Evaluations do not wait for callers of the store.
        await _gate.InvokeAsync(Request(0, usesStore: false), _ => Task.CompletedTask);
        Assert.False(refused.IsCompleted);
        _time.Advance(Limits.StoreCallerPatience);
        await refused.WaitAsync(Bound, TimeProvider.System, Cancellation);
        Assert.Equal((429, "1", Limits.StoreCallers), (beyond.Response.StatusCode, beyond.Response.Headers.RetryAfter.ToString(), entered));

        var waiting = _gate.InvokeAsync(Request(0), HoldAsync);
        holding.SetResult();
        await Task.WhenAll([waiting, .. first]);
        Assert.Equal(Limits.StoreCallers + 1, entered);

        Task HoldAsync(HttpContext context)
        {
            Interlocked.Increment(ref entered);
            return holding.Task;
        }
    }

    [Fact, Trait("attack", "96")]
    public async Task Bodies_take_no_more_memory_than_their_budget_and_evaluations_have_their_own()
    {
        // Each says that it sends the most there may be, and sends nothing.
        var dripping = Enumerable.Range(0, Limits.BufferedBodyBytes / Limits.MessageBytes).Select(_ => Dripping(Limits.MessageBytes)).ToArray();
        var running = dripping.Select(one => _gate.InvokeAsync(one, _ => Task.CompletedTask)).ToArray();

        var beyond = Dripping(1);
        await _gate.InvokeAsync(beyond, _ => Task.CompletedTask).WaitAsync(Bound, TimeProvider.System, Cancellation);
        Assert.Equal((429, "1"), (beyond.Response.StatusCode, beyond.Response.Headers.RetryAfter.ToString()));
        var passed = 0;
        await _gate.InvokeAsync(Request(1000, usesStore: false), PassAsync);
        await _gate.InvokeAsync(Request(0), PassAsync);
        Assert.Equal(2, passed);

        // The time for a request ends, and gives everything back.
        _time.Advance(Limits.RequestTime);
        Assert.All(dripping, one => Assert.True(one.RequestAborted.IsCancellationRequested));
        await Task.WhenAll(running).ContinueWith(_ => { }, Cancellation, TaskContinuationOptions.None, TaskScheduler.Default).WaitAsync(Bound, TimeProvider.System, Cancellation);
        await _gate.InvokeAsync(Request(Limits.MessageBytes), PassAsync);
        Assert.Equal(3, passed);

        Task PassAsync(HttpContext context)
        {
            passed++;
            return Task.CompletedTask;
        }
    }

    [Fact]
    public async Task Request_that_never_ends_ends_soon_after_the_service_is_told_to_stop()
    {
        var dripping = Dripping(Limits.MessageBytes);
        var running = _gate.InvokeAsync(dripping, _ => Task.CompletedTask);

        _lifetime.StopApplication();
        _time.Advance(Limits.RequestTimeAtStop - TimeSpan.FromTicks(1));
        Assert.False(dripping.RequestAborted.IsCancellationRequested);
        _time.Advance(TimeSpan.FromTicks(1));

        Assert.True(dripping.RequestAborted.IsCancellationRequested);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.WaitAsync(Bound, TimeProvider.System, Cancellation));
    }

    [Theory]
    [InlineData(MethodType.Unary, true)]
    [InlineData(MethodType.DuplexStreaming, false)]
    public async Task Call_of_one_answer_that_nobody_takes_ends_and_a_stream_may_last(MethodType type, bool ends)
    {
        var marshaller = Marshallers.Create<string>(_ => [], _ => "");
        var call = Request(0);
        call.Request.Protocol = "HTTP/2";
        call.SetEndpoint(new Endpoint(null, new EndpointMetadataCollection(new GrpcMethodMetadata(typeof(object), new Method<string, string>(type, "s", "m", marshaller, marshaller))), "test"));
        var taken = new TaskCompletionSource();
        var running = _gate.InvokeAsync(call, _ => taken.Task);

        _time.Advance(Limits.RequestTime - TimeSpan.FromTicks(1));
        Assert.False(call.RequestAborted.IsCancellationRequested);
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.Equal(ends, call.RequestAborted.IsCancellationRequested);
        taken.SetResult();
        await running;
    }

    [Fact, Trait("attack", "96")]
    public async Task Every_endpoint_of_the_store_is_behind_the_gate()
    {
        var documents = new DocumentsFolder();
        await using var server = await TestServer.StartAsync(documents, more: ["--Store:Path", documents.Beside("store.db")]);
        var endpoints = server.Services.GetRequiredService<Microsoft.AspNetCore.Routing.EndpointDataSource>().Endpoints.OfType<Microsoft.AspNetCore.Routing.RouteEndpoint>();
        var ofStore = endpoints.Where(endpoint => endpoint.RoutePattern.RawText!.Contains("projects/", StringComparison.Ordinal) || endpoint.RoutePattern.RawText.Contains("locations/", StringComparison.Ordinal)).ToArray();

        Assert.True(ofStore.Length > 50, $"{ofStore.Length}");
        Assert.All(ofStore, endpoint => Assert.True(endpoint.Metadata.GetMetadata<RequestCost>() is { UsesStore: true }, endpoint.RoutePattern.RawText));
        Assert.False(endpoints.Single(endpoint => endpoint.RoutePattern.RawText == "/v1/evaluate").Metadata.GetMetadata<RequestCost>()!.UsesStore);
    }

    [Fact, Trait("attack", "96")]
    public async Task One_connection_more_than_a_port_takes_is_closed_and_the_other_port_takes_more()
    {
        await using var server = await TestServer.StartAsync(new DocumentsFolder());
        var url = server.Http.BaseAddress!;
        var connections = new List<System.Net.Sockets.TcpClient>();
        try
        {
            for (var number = 0; number < Limits.Connections; number++)
            {
                connections.Add(await ConnectAsync(url));
            }

            // All are taken: the last one is answered.
            Assert.Contains("200", await AskAsync(connections[^1]), StringComparison.Ordinal);
            using var beyond = await ConnectAsync(url);
            Assert.Equal("", await AskAsync(beyond));
            // Who leaves makes room.
            connections[0].Dispose();
            await Eventually.Holds("there is room again", async () =>
            {
                using var next = await ConnectAsync(url);
                return (await AskAsync(next)).Contains("200", StringComparison.Ordinal);
            });
            Assert.NotEqual(PolicyService.Api.V1.Verdict.Unspecified, (await server.AskAsync(Ask.For(Ask.Attested))).Verdict);
        }
        finally
        {
            connections.ForEach(connection => connection.Dispose());
        }
    }

    public void Dispose()
    {
        _lifetime.Dispose();
        _services.Dispose();
    }

    private static async Task<System.Net.Sockets.TcpClient> ConnectAsync(Uri url)
    {
        var connection = new System.Net.Sockets.TcpClient();
        await connection.ConnectAsync(IPAddress.Loopback, url.Port, Cancellation);
        return connection;
    }

    /// <summary>The first line of the answer; empty if the connection is closed.</summary>
    private static async Task<string> AskAsync(System.Net.Sockets.TcpClient connection)
    {
        try
        {
            var stream = connection.GetStream();
            await stream.WriteAsync("GET /healthz/live HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray(), Cancellation);
            using var reader = new StreamReader(stream, leaveOpen: true);
            return await reader.ReadLineAsync(Cancellation) ?? "";
        }
        catch (IOException)
        {
            return "";
        }
    }

    private DefaultHttpContext Dripping(int length)
    {
        var context = Request(length);
        context.Request.Body = new Silent();
        return context;
    }

    private DefaultHttpContext Request(int length, bool usesStore = true)
    {
        var context = new DefaultHttpContext { RequestServices = _services };
        context.SetCaller(Caller.Anonymous);
        context.Request.Protocol = _protocol;
        context.Request.ContentLength = length;
        context.Request.Body = new MemoryStream(new byte[length]);
        context.Features.Set<IHttpRequestBodyDetectionFeature>(new Detection(length > 0));
        context.Features.Set<IHttpRequestLifetimeFeature>(new Abortable());
        context.SetEndpoint(new Endpoint(null, new EndpointMetadataCollection(new RequestCost(usesStore)), "test"));
        return context;
    }

    private sealed record Detection(bool CanHaveBody) : IHttpRequestBodyDetectionFeature;

#pragma warning disable CA1001 // Without a timer the source holds nothing.
    private sealed class Abortable : IHttpRequestLifetimeFeature
    {
        private readonly CancellationTokenSource _aborted = new();
#pragma warning restore CA1001

        public Abortable() => RequestAborted = _aborted.Token;

        public CancellationToken RequestAborted { get; set; }

        public void Abort() => _aborted.Cancel();
    }

    private sealed class Lifetime : IHostApplicationLifetime, IDisposable
    {
        private readonly CancellationTokenSource _stopping = new();

        public CancellationToken ApplicationStarted => default;

        public CancellationToken ApplicationStopping => _stopping.Token;

        public CancellationToken ApplicationStopped => default;

        public void StopApplication() => _stopping.Cancel();

        public void Dispose() => _stopping.Dispose();
    }

    /// <summary>Nothing ever comes.</summary>
    private sealed class Silent : MemoryStream
    {
        public override Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
    }
}
