using System.Net;
using System.Text.Json;
using Google.Rpc;
using Grpc.Core;
using Grpc.Health.V1;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Api.V1;
using PolicyService.Core.Access;
using PolicyService.Server.Access;
using PolicyService.Server.Shedding;
using PolicyService.Server.Tests.Access;

namespace PolicyService.Server.Tests.Shedding;

/// <summary>What callers see of an overload over both ports, and what they never see.</summary>
public sealed class LoadShedderTests
{
    private readonly FakeTimeProvider _clock = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_greedy_caller_is_refused_with_retry_information_on_both_ports_and_the_modest_one_is_not()
    {
        await using var server = await OverloadedAsync();

        var refused = await Assert.ThrowsAsync<RpcException>(() => AskAsync(server, "greedy"));
        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
        Assert.Contains("more to do than it can", refused.Status.Detail, StringComparison.Ordinal);
        Assert.InRange(RetryOf(refused), TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(1.5));
        Assert.NotEqual(RetryOf(refused), RetryOf(await Assert.ThrowsAsync<RpcException>(() => AskAsync(server, "greedy"))));

        using var post = new HttpRequestMessage(HttpMethod.Post, "/v1/evaluate") { Content = new StringContent("{}", System.Text.Encoding.UTF8, "application/json") };
        post.Headers.Add(TestCallers.Header, "greedy");
        server.Http.DefaultRequestHeaders.Remove(TestCallers.Header);
        using var answer = await server.Http.SendAsync(post, Cancellation);
        var error = JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync(Cancellation)).GetProperty("error");
        Assert.Equal(HttpStatusCode.TooManyRequests, answer.StatusCode);
        Assert.Equal("RESOURCE_EXHAUSTED", error.GetProperty("status").GetString());
        Assert.NotNull(answer.Headers.RetryAfter);

        using var stream = server.Client.EvaluateStream(TestCallers.As("greedy"), cancellationToken: Cancellation);
        Assert.Equal(StatusCode.ResourceExhausted, (await Assert.ThrowsAsync<RpcException>(() => stream.ResponseStream.MoveNext(Cancellation))).StatusCode);

        await AskAsync(server, "modest");
        await AskAsync(server, "never seen before");
        server.Http.DefaultRequestHeaders.Add(TestCallers.Header, "greedy");
        var page = await server.MetricsAsync();
        Assert.Equal(2, page.Sum("policyservice_shed_total", "what=\"evaluate\""));
        Assert.Equal(1, page.Sum("policyservice_shed_total", "what=\"rest\""));
        Assert.Equal(1, page.Sum("policyservice_shed_total", "what=\"stream\""));
        Assert.Equal(0.1, page.Sum("policyservice_work_wait_seconds"));
        Assert.InRange(page.Sum("policyservice_shed_limit"), OverloadControl.Least, 1000);
    }

    [Fact]
    public async Task What_tells_how_the_service_is_is_never_refused()
    {
        await using var server = await OverloadedAsync();
        await Assert.ThrowsAsync<RpcException>(() => AskAsync(server, "greedy"));
        server.Http.DefaultRequestHeaders.Remove(TestCallers.Header);
        server.Http.DefaultRequestHeaders.Add(TestCallers.Header, "greedy");
        var health = new Health.HealthClient(server.Channel);
        for (var time = 0; time < 50; time++)
        {
            Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, (await health.CheckAsync(new HealthCheckRequest(), TestCallers.As("greedy"), cancellationToken: Cancellation)).Status);
            foreach (var path in new[] { "/healthz/live", "/healthz/ready", "/metrics" })
            {
                using var answer = await server.Http.GetAsync(path, Cancellation);
                Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            }
        }

        using var watch = health.Watch(new HealthCheckRequest(), TestCallers.As("greedy"), cancellationToken: Cancellation);
        Assert.True(await watch.ResponseStream.MoveNext(Cancellation));
    }

    [Fact]
    public async Task A_message_of_an_open_stream_is_refused_alone_and_a_batch_whole()
    {
        await using var server = await StartAsync();
        using var stream = server.Client.EvaluateStream(TestCallers.As("greedy"), cancellationToken: Cancellation);
        Assert.Null((await SayAsync(stream)).Error);
        await OverloadAsync(server);

        Assert.Equal((int)StatusCode.ResourceExhausted, (await SayAsync(stream)).Error.Code);
        var batch = new EvaluateBatchRequest();
        batch.Requests.AddRange(Enumerable.Repeat(Ask.For(Ask.Unattested), 100));
        // Its arrival may be paid by what a new caller has; the images are more than that.
        Assert.Equal(100, (await server.Client.EvaluateBatchAsync(batch, TestCallers.As("batches"), cancellationToken: Cancellation)).Results.Count);
        Assert.Equal(StatusCode.ResourceExhausted, (await Assert.ThrowsAsync<RpcException>(async () =>
            await server.Client.EvaluateBatchAsync(batch, TestCallers.As("batches"), cancellationToken: Cancellation))).StatusCode);
        Calm();
        Assert.Null((await SayAsync(stream)).Error);
        Assert.Equal(100, (await server.Client.EvaluateBatchAsync(batch, TestCallers.As("batches"), cancellationToken: Cancellation)).Results.Count);
    }

    /// <summary>Where nobody authenticates a flood has no name: its connection is what it is told by.</summary>
    [Fact]
    public async Task Anonymous_flood_takes_nothing_from_another_connection()
    {
        var machine = new SimulatedMachine { Capacity = 1_000 };
        machine.Run(TimeSpan.FromSeconds(3), ("flood", 20_000), ("bystander", 5));
        var shedder = new LoadShedder(machine.Control, new SheddingMetrics(Prometheus.Metrics.NewCustomRegistry(), machine.Control));

        // What the last look gave it, and no more.
        Assert.InRange(await LetInAsync("flood", 2_000), 0, 200);
        Assert.Equal(10, await LetInAsync("bystander") + await LetInAsync("new", 9));

        async Task<int> LetInAsync(string connection, int times = 1)
        {
            var letIn = 0;
            for (var time = 0; time < times; time++)
            {
                var context = new DefaultHttpContext { RequestServices = new ServiceCollection().AddLogging().BuildServiceProvider() };
                context.Connection.Id = connection;
                context.SetCaller(Caller.Anonymous);
                await shedder.InvokeAsync(context, _ =>
                {
                    letIn++;
                    return Task.CompletedTask;
                });
            }

            return letIn;
        }
    }

    [Fact]
    public async Task Refused_requests_cost_their_connection_nothing()
    {
        await using var server = await OverloadedAsync();
        // More than the web server lets one connection reset.
        for (var time = 0; time < 500; time++)
        {
            Assert.Equal(StatusCode.ResourceExhausted, (await Assert.ThrowsAsync<RpcException>(() => AskAsync(server, "greedy"))).StatusCode);
        }

        await AskAsync(server, "modest");
        Calm();
        await AskAsync(server, "greedy");
    }

    private static Task<TestServer> StartAsync(OverloadControl control) => TestCallers.StartAsync(
        new CallerQuotas(new CallerLimits(1_000_000, 1_000_000, 1000, 1000), []), configure: services => services.AddSingleton(control));

    private static async Task AskAsync(TestServer server, string caller) =>
        await server.Client.EvaluateAsync(Ask.For(Ask.Unattested), TestCallers.As(caller), cancellationToken: Cancellation);

    private static async Task<EvaluateStreamResponse> SayAsync(AsyncDuplexStreamingCall<EvaluateStreamRequest, EvaluateStreamResponse> stream)
    {
        await stream.RequestStream.WriteAsync(new EvaluateStreamRequest { CorrelationId = "one", Request = Ask.For(Ask.Unattested) }, Cancellation);
        Assert.True(await stream.ResponseStream.MoveNext(Cancellation));
        return stream.ResponseStream.Current;
    }

    private static TimeSpan RetryOf(RpcException refused) => refused.GetRpcStatus()!.GetDetail<RetryInfo>()!.RetryDelay.ToTimeSpan();

    private OverloadControl Control { get => field ??= new OverloadControl(_clock); }

    private Task<TestServer> StartAsync() => StartAsync(Control);

    private async Task<TestServer> OverloadedAsync()
    {
        var server = await StartAsync();
        await OverloadAsync(server);
        return server;
    }

    /// <summary>The greedy caller asks for twenty times what is let in, and has had its share; the modest one asks once a look.</summary>
    private async Task OverloadAsync(TestServer server)
    {
        await AskAsync(server, "modest");
        for (var look = 0; look < 60; look++)
        {
            Look(TimeSpan.FromMilliseconds(100));
            Control.TryEnter("modest", 1);
            for (var image = 0; image < 200; image++)
            {
                Control.TryEnter("greedy", 1);
            }
        }
    }

    private void Calm()
    {
        for (var look = 0; look < 40; look++)
        {
            Look(TimeSpan.Zero);
        }

        Assert.True(Control.IsCalm);
    }

    private void Look(TimeSpan wait)
    {
        _clock.Advance(OverloadControl.Interval);
        Control.Observe(wait, OverloadControl.FewInLine);
    }
}
