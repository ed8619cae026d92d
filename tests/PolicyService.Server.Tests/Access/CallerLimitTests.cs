using System.Net;
using System.Text.Json;
using Google.Rpc;
using Grpc.Core;
using Grpc.Reflection.V1Alpha;
using Microsoft.Extensions.DependencyInjection;
using PolicyService.Api.V1;
using PolicyService.Core.Access;
using PolicyService.Server.Access;

namespace PolicyService.Server.Tests.Access;

/// <summary>Limits of each caller over both ports: what is refused, how, and what goes on.</summary>
public sealed class CallerLimitTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_empty_bucket_is_RESOURCE_EXHAUSTED_with_retry_information_on_both_ports()
    {
        await using var server = await StartAsync(new CallerLimits(0.001, 2, 10, 10));
        await AskAsync(server, "alice");
        await AskAsync(server, "alice");

        var refused = await Assert.ThrowsAsync<RpcException>(() => AskAsync(server, "alice"));
        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
        Assert.Contains("alice", refused.Status.Detail, StringComparison.Ordinal);
        Assert.Contains("requestsPerSecond", refused.Status.Detail, StringComparison.Ordinal);
        Assert.InRange(RetryOf(refused), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1000));

        using var post = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        post.Headers.Add(TestCallers.Header, "alice");
        using var answer = await server.Http.SendAsync(post, Cancellation);
        var error = JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync(Cancellation)).GetProperty("error");
        Assert.Equal(HttpStatusCode.TooManyRequests, answer.StatusCode);
        Assert.Equal("RESOURCE_EXHAUSTED", error.GetProperty("status").GetString());
        Assert.Equal("type.googleapis.com/google.rpc.RetryInfo", error.GetProperty("details")[0].GetProperty("@type").GetString());
        Assert.EndsWith("s", error.GetProperty("details")[0].GetProperty("retryDelay").GetString(), StringComparison.Ordinal);
        Assert.InRange(answer.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1000));

        // Another caller has a bucket of its own, and whether the service lives is told to everybody.
        await AskAsync(server, "bob");
        Assert.Equal(HttpStatusCode.OK, (await server.ReadyAsync()).Status);
        Assert.Equal(2, (await server.MetricsAsync()).Sum("policyservice_caller_limit_total", "outcome=\"rate\""));
    }

    [Fact]
    public async Task A_batch_costs_a_token_for_each_image()
    {
        await using var server = await StartAsync(new CallerLimits(0.001, 10, 10, 10));
        await BatchAsync(server, 8);
        var refused = await Assert.ThrowsAsync<RpcException>(() => BatchAsync(server, 3));
        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
        Assert.True(RetryOf(refused) > TimeSpan.Zero);
        // Its arrival has cost the last token but one.
        await AskAsync(server, "alice");
        await Assert.ThrowsAsync<RpcException>(() => AskAsync(server, "alice"));
    }

    [Fact]
    public async Task A_message_beyond_the_rate_is_refused_and_the_stream_lives()
    {
        await using var server = await StartAsync(new CallerLimits(0.001, 3, 10, 10));
        using var stream = server.Client.EvaluateStream(TestCallers.As("alice"), cancellationToken: Cancellation);
        for (var number = 0; number < 5; number++)
        {
            await stream.RequestStream.WriteAsync(new EvaluateStreamRequest { CorrelationId = $"{number}", Request = Ask.For(Ask.Unattested) }, Cancellation);
        }

        var codes = new List<int>();
        for (var number = 0; number < 5; number++)
        {
            Assert.True(await stream.ResponseStream.MoveNext(Cancellation));
            Assert.Equal($"{number}", stream.ResponseStream.Current.CorrelationId);
            codes.Add(stream.ResponseStream.Current.Error?.Code ?? 0);
        }

        Assert.Equal([0, 0, 0, (int)StatusCode.ResourceExhausted, (int)StatusCode.ResourceExhausted], codes);
        // The limits change with the access file, and this stream sees it.
        Set(server, new CallerLimits(1000, 1000, 10, 10));
        await Eventually.Holds("a token for the stream", async () =>
        {
            await stream.RequestStream.WriteAsync(new EvaluateStreamRequest { Request = Ask.For(Ask.Unattested) }, Cancellation);
            return await stream.ResponseStream.MoveNext(Cancellation) && stream.ResponseStream.Current.Response is not null;
        });
        await stream.RequestStream.CompleteAsync();
        Assert.False(await stream.ResponseStream.MoveNext(Cancellation));
    }

    [Fact]
    public async Task A_message_of_reflection_beyond_the_rate_ends_its_stream()
    {
        await using var server = await StartAsync(new CallerLimits(0.001, 2, 10, 10));
        using var stream = new ServerReflection.ServerReflectionClient(server.Channel).ServerReflectionInfo(TestCallers.As("alice"), cancellationToken: Cancellation);
        for (var number = 0; number < 2; number++)
        {
            await stream.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" }, Cancellation);
            Assert.True(await stream.ResponseStream.MoveNext(Cancellation));
        }

        await stream.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" }, Cancellation);
        var refused = await Assert.ThrowsAsync<RpcException>(() => stream.ResponseStream.MoveNext(Cancellation));
        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
        Assert.True(RetryOf(refused) > TimeSpan.Zero);
    }

    [Fact]
    public async Task Streams_of_a_caller_are_counted_and_one_that_ends_makes_room()
    {
        await using var server = await StartAsync(new CallerLimits(1000, 1000, 10, 2));
        var open = new List<AsyncDuplexStreamingCall<EvaluateStreamRequest, EvaluateStreamResponse>>();
        for (var number = 0; number < 2; number++)
        {
            open.Add(server.Client.EvaluateStream(TestCallers.As("alice"), cancellationToken: Cancellation));
            await AnswerAsync(open[^1]);
        }

        using (var third = server.Client.EvaluateStream(TestCallers.As("alice"), cancellationToken: Cancellation))
        {
            var refused = await Assert.ThrowsAsync<RpcException>(() => third.ResponseStream.MoveNext(Cancellation));
            Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
            Assert.Equal(TimeSpan.FromSeconds(1), RetryOf(refused));
        }

        using var others = server.Client.EvaluateStream(TestCallers.As("bob"), cancellationToken: Cancellation);
        await AnswerAsync(others);
        open[0].Dispose();
        await Eventually.Holds("room for a stream", async () =>
        {
            using var next = server.Client.EvaluateStream(TestCallers.As("alice"), cancellationToken: Cancellation);
            try
            {
                await AnswerAsync(next);
                return true;
            }
            catch (RpcException exception) when (exception.StatusCode == StatusCode.ResourceExhausted)
            {
                return false;
            }
        });
        open[1].Dispose();

        static async Task AnswerAsync(AsyncDuplexStreamingCall<EvaluateStreamRequest, EvaluateStreamResponse> stream)
        {
            try
            {
                await stream.RequestStream.WriteAsync(new EvaluateStreamRequest { Request = Ask.For(Ask.Unattested) }, Cancellation);
            }
            catch (RpcException)
            {
                // The answer says why.
            }

            Assert.True(await stream.ResponseStream.MoveNext(Cancellation));
        }
    }

    [Fact]
    public async Task Requests_under_way_are_counted_for_each_caller()
    {
        using var sink = new TestSink();
        await using var server = await StartAsync(new CallerLimits(1000, 1000, 2, 2), sink);
        // Answers wait for their records.
        sink.Block();
        var asking = Enumerable.Range(0, 3).Select(_ => AskAsync(server, "alice")).ToArray();
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await await Task.WhenAny(asking));
        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
        Assert.Contains("concurrentRequests", refused.Status.Detail, StringComparison.Ordinal);
        var others = AskAsync(server, "bob");

        sink.Unblock();
        await others;
        await Task.WhenAll(asking).ContinueWith(_ => { }, Cancellation, TaskContinuationOptions.None, TaskScheduler.Default);
        Assert.Equal(2, asking.Count(one => one.IsCompletedSuccessfully));
        await AskAsync(server, "alice");
    }

    [Fact]
    public async Task Refusals_do_not_cost_the_connection()
    {
        await using var server = await StartAsync(new CallerLimits(0.001, 1, 1000, 10));
        await AskAsync(server, "alice");

        // All on one connection: where refusals end it, others of its calls end with it.
        for (var round = 0; round < 10; round++)
        {
            var refused = await Task.WhenAll(Enumerable.Range(0, 90).Select(async _ => (await Assert.ThrowsAsync<RpcException>(() => AskAsync(server, "alice"))).StatusCode));
            Assert.All(refused, code => Assert.Equal(StatusCode.ResourceExhausted, code));
        }
    }

    [Fact]
    public async Task Limits_of_the_access_file_count_and_change_with_it()
    {
        const string Path = "/v1/projects/acme/attestors";
        await using var access = await AccessServer.StartAsync("limits: {default: {requestsPerSecond: 1, burst: 2}}\n");
        for (var round = 0; round < 3; round++)
        {
            var refused = await Eventually.Holds("the limit is reached", async () => (await access.SendAsync("group:a", "GET", Path)).Code is HttpStatusCode.TooManyRequests);
            access.Write("limits: {default: {requestsPerSecond: 1, burst: 2}, callers: [{members: [\"group:a\"], requestsPerSecond: 1000000, burst: 1000000}]}\n");
            // So many in a row are more than the narrow bucket ever holds.
            var wider = await Eventually.Holds("the limit is wider", async () =>
            {
                for (var number = 0; number < 10; number++)
                {
                    if ((await access.SendAsync("group:a", "GET", Path)).Code is HttpStatusCode.TooManyRequests)
                    {
                        return false;
                    }
                }

                return true;
            });
            access.Write("limits: {default: {requestsPerSecond: 1, burst: 2}}\n");
            TestContext.Current.TestOutputHelper!.WriteLine($"refused after {refused.TotalMilliseconds:0} ms, wider {wider.TotalMilliseconds:0} ms after the change of the file");
            // The bound is 1 s.
            Assert.InRange(wider, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        }
    }

    [Fact]
    public async Task Without_quotas_nobody_is_limited()
    {
        await using var server = await StartAsync(null);
        for (var number = 0; number < 50; number++)
        {
            await AskAsync(server, "alice");
        }

        Assert.Equal(0, (await server.MetricsAsync()).Sum("policyservice_caller_limit_total"));
    }

    private static Task<TestServer> StartAsync(CallerLimits? quota, TestSink? sink = null) => TestCallers.StartAsync(quota is null ? null : new CallerQuotas(quota, []), sink);

    private static void Set(TestServer server, CallerLimits quota) => server.Services.GetRequiredService<QuotasInForce>().Replace(new CallerQuotas(quota, []));

    private static async Task AskAsync(TestServer server, string caller) =>
        await server.Client.EvaluateAsync(Ask.For(Ask.Unattested), TestCallers.As(caller), TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(60), Cancellation);

    private static async Task BatchAsync(TestServer server, int images)
    {
        var batch = new EvaluateBatchRequest();
        batch.Requests.AddRange(Enumerable.Range(0, images).Select(_ => Ask.For(Ask.Unattested)));
        await server.Client.EvaluateBatchAsync(batch, TestCallers.As("alice"), cancellationToken: Cancellation);
    }

    private static TimeSpan RetryOf(RpcException exception) => exception.GetRpcStatus()!.GetDetail<RetryInfo>().RetryDelay.ToTimeSpan();
}
