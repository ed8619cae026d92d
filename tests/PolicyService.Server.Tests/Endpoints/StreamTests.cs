using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.DependencyInjection;
using PolicyService.Api.V1;
using StreamCall = Grpc.Core.AsyncDuplexStreamingCall<PolicyService.Api.V1.EvaluateStreamRequest, PolicyService.Api.V1.EvaluateStreamResponse>;

namespace PolicyService.Server.Tests.Endpoints;

public sealed class StreamTests(StandardServer standard) : IClassFixture<StandardServer>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Half_close_is_followed_by_every_answer()
    {
        const int Messages = 1_000;
        using var call = Open(standard.Server);
        for (var index = 0; index < Messages; index++)
        {
            await call.RequestStream.WriteAsync(Message($"{index}", index % 2 == 0 ? Ask.Attested : Ask.Unattested), Cancellation);
            // A client that never reads would be held up before the end.
            if (index >= 100)
            {
                Assert.True(await call.ResponseStream.MoveNext(Cancellation));
            }
        }

        await call.RequestStream.CompleteAsync();
        var left = await ReadAllAsync(call);

        Assert.Equal(100, left.Count);
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    [Fact]
    public async Task Answers_carry_the_correlation_id_of_their_message()
    {
        using var call = Open(standard.Server);
        var expected = new Dictionary<string, Verdict>(StringComparer.Ordinal);
        for (var index = 0; index < 50; index++)
        {
            var id = $"{Guid.NewGuid()}";
            expected[id] = index % 3 == 0 ? Verdict.Allow : Verdict.Deny;
            await call.RequestStream.WriteAsync(Message(id, index % 3 == 0 ? Ask.Attested : Ask.Unattested), Cancellation);
        }

        await call.RequestStream.CompleteAsync();
        var answers = await ReadAllAsync(call);

        // Matched by id: the order is not promised.
        Assert.Equal(expected.Count, answers.Select(answer => answer.CorrelationId).Distinct().Count());
        Assert.All(answers, answer => Assert.Equal(expected[answer.CorrelationId], answer.Response.Verdict));
    }

    [Fact]
    public async Task Bad_messages_are_answered_as_errors_and_end_nothing()
    {
        using var call = Open(standard.Server);
        await call.RequestStream.WriteAsync(Message("bad", "a b"), Cancellation);
        await call.RequestStream.WriteAsync(new EvaluateStreamRequest { CorrelationId = "empty" }, Cancellation);
        await call.RequestStream.WriteAsync(Message(new string('c', 256), Ask.Attested), Cancellation);
        await call.RequestStream.WriteAsync(Message(new string('c', 257), Ask.Attested), Cancellation);
        await call.RequestStream.WriteAsync(Message("", Ask.Attested), Cancellation);
        await call.RequestStream.CompleteAsync();
        var answers = await ReadAllAsync(call);

        Assert.Equal("image_digest", answers.Single(answer => answer.CorrelationId == "bad").Error.Field);
        Assert.Equal("request", answers.Single(answer => answer.CorrelationId == "empty").Error.Field);
        Assert.Equal(Verdict.Allow, answers.Single(answer => answer.CorrelationId.Length == 256).Response.Verdict);
        var tooLong = answers.Single(answer => answer.Error?.Field == "correlation_id");
        Assert.Equal((int)StatusCode.InvalidArgument, tooLong.Error.Code);
        Assert.True(tooLong.Error.Message.Length < 400);
        Assert.Equal(Verdict.Allow, answers.Single(answer => answer.CorrelationId.Length == 0 && answer.Error is null).Response.Verdict);
    }

    [Fact]
    public async Task Each_message_sees_the_documents_then_in_force()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var server = await TestServer.StartAsync(DocumentsFolder.Fixed("ALWAYS_ALLOW"), time);
        using var call = Open(server);

        Assert.Equal(Verdict.Allow, await AskAsync(call));
        server.Documents.Write("policy.yaml", DocumentsFolder.FixedPolicy("ALWAYS_DENY"));
        await server.PollAsync();
        Assert.Equal(Verdict.Deny, await AskAsync(call));
    }

    [Fact]
    public async Task Caller_that_does_not_read_is_not_read_from()
    {
        const int Messages = 100_000;
        await using var server = await TestServer.StartAsync(DocumentsFolder.Fixed("ALWAYS_DENY"));
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        using var call = Open(server, ending);
        var sent = 0;
        var sending = Task.Run(
            async () =>
            {
                for (var index = 0; index < Messages; index++)
                {
                    await call.RequestStream.WriteAsync(Message($"{index}", "gcr.io/acme/" + new string('a', 200)), ending.Token);
                    Interlocked.Increment(ref sent);
                }
            },
            Cancellation);

        // Held up: as many looks in a row as make it sure see no further message, sent or decided.
        var (calm, before) = (0, (Sent: -1, Decided: -1.0));
        await Eventually.Holds("the sender is held up, or through", async () =>
        {
            var now = (Sent: Volatile.Read(ref sent), Decided: (await server.MetricsAsync()).Sum("policyservice_decisions_total"));
            calm = now == before && now.Sent > 0 ? calm + 1 : 0;
            before = now;
            return calm == 30 || now.Sent == Messages;
        });

        TestContext.Current.TestOutputHelper!.WriteLine($"held up after {before.Sent} messages, {before.Decided} of them decided");
        // The windows of both directions and the queue of 64: far from all that the sender has.
        Assert.True(before.Sent < 10_000, $"{before.Sent} messages were taken from a caller that reads nothing");
        Assert.True(before.Decided < 2_000, $"{before.Decided} messages were decided for a caller that reads nothing");

        // Reading sets it free again.
        for (var read = 0; read < 5_000; read++)
        {
            Assert.True(await call.ResponseStream.MoveNext(Cancellation));
        }

        Assert.True(Volatile.Read(ref sent) > before.Sent);
        await ending.CancelAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => sending);
    }

    [Fact]
    public async Task Cancellation_by_the_client_ends_the_server_side()
    {
        var calls = new ActiveStreams();
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(
            DocumentsFolder.Standard(signer),
            configure: services => services.AddSingleton(calls).Configure<GrpcServiceOptions>(options => options.Interceptors.Add<CountStreams>()));
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        using var call = Open(server, ending);
        Assert.Equal(Verdict.Allow, await AskAsync(call));
        Assert.Equal(1, calls.Count);

        await ending.CancelAsync();

        await Eventually.Holds("the server side ended", () => calls.Count == 0);
        Assert.Equal(Verdict.Allow, (await server.AskAsync(Ask.For(Ask.Attested))).Verdict);
    }

    [Fact]
    public async Task Shutdown_answers_what_was_read_and_ends_the_stream_unavailable()
    {
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer));
        using var call = Open(server);
        using var idle = Open(server);
        Assert.Equal(Verdict.Allow, await AskAsync(call));
        await idle.RequestStream.WriteAsync(Message("1", Ask.Attested), Cancellation);
        Assert.True(await idle.ResponseStream.MoveNext(Cancellation));

        var stopping = server.StopAsync();

        foreach (var open in new[] { call, idle })
        {
            var exception = await Assert.ThrowsAsync<RpcException>(() => ReadAllAsync(open));
            Assert.Equal((StatusCode.Unavailable, true), (exception.StatusCode, exception.Status.Detail.Contains("shutting down", StringComparison.Ordinal)));
        }

        await stopping;
    }

    private static StreamCall Open(TestServer server) => server.Client.EvaluateStream(cancellationToken: Cancellation);

    private static StreamCall Open(TestServer server, CancellationTokenSource ending) => server.Client.EvaluateStream(cancellationToken: ending.Token);

    private static EvaluateStreamRequest Message(string id, string image) => new() { CorrelationId = id, Request = Ask.For(image) };

    private static async Task<Verdict> AskAsync(StreamCall call)
    {
        await call.RequestStream.WriteAsync(Message("one", Ask.Attested), Cancellation);
        Assert.True(await call.ResponseStream.MoveNext(Cancellation));
        return call.ResponseStream.Current.Response.Verdict;
    }

    private static async Task<List<EvaluateStreamResponse>> ReadAllAsync(StreamCall call)
    {
        var answers = new List<EvaluateStreamResponse>();
        await foreach (var answer in call.ResponseStream.ReadAllAsync(Cancellation))
        {
            answers.Add(answer);
        }

        return answers;
    }

    private sealed class ActiveStreams
    {
        private int _count;

        public int Count => Volatile.Read(ref _count);

        public void Add(int change) => Interlocked.Add(ref _count, change);
    }

    private sealed class CountStreams(ActiveStreams active) : Interceptor
    {
        public override async Task DuplexStreamingServerHandler<TRequest, TResponse>(
            IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, DuplexStreamingServerMethod<TRequest, TResponse> continuation)
        {
            active.Add(1);
            try
            {
                await continuation(requestStream, responseStream, context);
            }
            finally
            {
                active.Add(-1);
            }
        }
    }
}
