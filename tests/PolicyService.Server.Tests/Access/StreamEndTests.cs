using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Reflection.V1Alpha;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Api.V1;
using PolicyService.Server.Access;
using PolicyService.Tests.OpenId;
using StreamCall = Grpc.Core.AsyncDuplexStreamingCall<PolicyService.Api.V1.EvaluateStreamRequest, PolicyService.Api.V1.EvaluateStreamResponse>;

namespace PolicyService.Server.Tests.Access;

/// <summary>A stream ends with what its caller authenticated with.</summary>
public sealed class StreamEndTests : IDisposable
{
    private readonly IssuerKey _key = IssuerKey.Ec();
    private readonly DocumentsFolder _documents = DocumentsFolder.Fixed("ALWAYS_ALLOW");

    /// <summary>What does not end fails.</summary>
    private readonly CancellationTokenSource _patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

    public StreamEndTests() => _patience.CancelAfter(TimeSpan.FromSeconds(30));

    private CancellationToken Cancellation => _patience.Token;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Stream_ends_when_its_token_expires(bool isIdle)
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var server = await StartAsync(time);
        using var call = Open(server, time.GetUtcNow());
        Assert.Equal(Verdict.Allow, await AskAsync(call));
        time.Advance(TimeSpan.FromMinutes(5));
        // Within the skew.
        Assert.Equal(Verdict.Allow, await AskAsync(call));

        time.Advance(TimeSpan.FromMinutes(1));

        var refused = await Assert.ThrowsAsync<RpcException>(() => isIdle ? call.ResponseStream.MoveNext(Cancellation) : AskOnceMoreAsync(call));
        Assert.Equal(StatusCode.Unauthenticated, refused.StatusCode);
        Assert.Contains("the token has expired", refused.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stream_ends_when_the_key_of_its_token_is_removed()
    {
        await using var server = await StartAsync(TimeProvider.System);
        using var other = IssuerKey.Ec("other");
        using var call = Open(server, TimeProvider.System.GetUtcNow());
        Assert.Equal(Verdict.Allow, await AskAsync(call));
        Credentials.Write(_documents.Beside("keys.json"), IssuerKey.Set(_key, other));
        await Eventually.Holds("the other key counts", async () => (await Credentials.GrpcAsync(server, other.Sign(IssuerKey.Claims(Credentials.Issuer, TimeProvider.System.GetUtcNow())))).StatusCode is StatusCode.OK);
        Assert.Equal(Verdict.Allow, await AskAsync(call));

        Credentials.Write(_documents.Beside("keys.json"), IssuerKey.Set(other));

        var refused = await Assert.ThrowsAsync<RpcException>(async () => await call.ResponseStream.MoveNext(Cancellation));
        Assert.Equal(StatusCode.Unauthenticated, refused.StatusCode);
        Assert.Contains("a key that its issuer does not have any more", refused.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_messages_at_the_moment_of_expiry_get_answers_or_the_end()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var server = await StartAsync(time);
        using var call = Open(server, time.GetUtcNow());
        // Else the stream itself might come too late.
        Assert.Equal(Verdict.Allow, await AskAsync(call));
        var asked = 0;
        var answered = 0;
        var reading = Task.Run(
            async () =>
            {
                while (await call.ResponseStream.MoveNext(Cancellation))
                {
                    Interlocked.Increment(ref answered);
                }
            },
            Cancellation);
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            while (true)
            {
                await call.RequestStream.WriteAsync(new EvaluateStreamRequest { Request = Ask.For(Ask.Attested) }, Cancellation);
                if (++asked == 200)
                {
                    time.Advance(TimeSpan.FromMinutes(6));
                }
            }
        });

        var refused = await Assert.ThrowsAsync<RpcException>(() => reading);
        Assert.Equal(StatusCode.Unauthenticated, refused.StatusCode);
        Assert.True(answered <= asked);
    }

    [Fact]
    public async Task Streams_of_the_framework_end_too()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var server = await StartAsync(time);
        var headers = Credentials.With(Token(time.GetUtcNow()));
        using var watch = new Health.HealthClient(server.Channel).Watch(new HealthCheckRequest(), headers, cancellationToken: Cancellation);
        Assert.True(await watch.ResponseStream.MoveNext(Cancellation));
        using var idle = new ServerReflection.ServerReflectionClient(server.Channel).ServerReflectionInfo(headers, cancellationToken: Cancellation);
        using var asking = new ServerReflection.ServerReflectionClient(server.Channel).ServerReflectionInfo(headers, cancellationToken: Cancellation);
        foreach (var call in new[] { idle, asking })
        {
            await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" }, Cancellation);
            Assert.True(await call.ResponseStream.MoveNext(Cancellation));
        }

        time.Advance(TimeSpan.FromMinutes(6));
        await asking.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" }, Cancellation);
        var refused = await Assert.ThrowsAsync<RpcException>(() => asking.ResponseStream.MoveNext(Cancellation));
        Assert.Equal(StatusCode.Unauthenticated, refused.StatusCode);

        refused = await Assert.ThrowsAsync<RpcException>(() => idle.ResponseStream.MoveNext(Cancellation));
        Assert.Equal(StatusCode.Unauthenticated, refused.StatusCode);

        // It knows nothing of callers, and is cut off a moment later.
        var watching = watch.ResponseStream.MoveNext(Cancellation);
        await PassesUntil(time, () => watching.IsCompleted);
        await Assert.ThrowsAsync<RpcException>(() => watching);
        Assert.DoesNotContain(server.Log.Lines, line => line.StartsWith("Error", StringComparison.Ordinal));
    }

    /// <summary>Such as one whose caller takes no answers: it would wait to write the next for as long as its connection lives.</summary>
    [Fact]
    public async Task Stream_that_does_not_end_by_itself_is_cut_off()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var marshaller = Marshallers.Create<string>(_ => [], _ => "");
        var method = new Method<string, string>(MethodType.DuplexStreaming, "s", "m", marshaller, marshaller);
        var (aborted, context) = (new Abortable(), new DefaultHttpContext());
        context.Features.Set<IHttpRequestLifetimeFeature>(aborted);
        context.SetEndpoint(new Endpoint(null, new EndpointMetadataCollection(new GrpcMethodMetadata(typeof(object), method)), "test"));
        context.SetCaller(new Caller("somebody", ["somebody"]) { Credentials = [new Ending(time.GetUtcNow().AddMinutes(5))] });
        var running = new StreamEnds(new CallerWatch(new AccessChanges(), time), time).InvokeAsync(context, _ => aborted.Ended.Task);

        time.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromTicks(1));
        Assert.False(aborted.Ended.Task.IsCompleted);
        time.Advance(TimeSpan.FromTicks(1));
        Assert.False(aborted.Ended.Task.IsCompleted);
        await PassesUntil(time, () => aborted.Ended.Task.IsCompleted);
        await running.WaitAsync(Cancellation);
    }

    public void Dispose()
    {
        _key.Dispose();
        _patience.Dispose();
    }

    /// <summary>Moves the clock a little at a time: timers begin when their reason is seen, not when it happens.</summary>
    private async Task PassesUntil(FakeTimeProvider time, Func<bool> condition)
    {
        while (!condition())
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, Cancellation);
        }
    }

    private async Task<Verdict> AskAsync(StreamCall call)
    {
        await call.RequestStream.WriteAsync(new EvaluateStreamRequest { Request = Ask.For(Ask.Attested) }, Cancellation);
        Assert.True(await call.ResponseStream.MoveNext(Cancellation));
        return call.ResponseStream.Current.Response.Verdict;
    }

    /// <summary>The stream may end while a message is written, which then says it in its own way; the status is asked for after that.</summary>
    private async Task<bool> AskOnceMoreAsync(StreamCall call)
    {
        try
        {
            await call.RequestStream.WriteAsync(new EvaluateStreamRequest { Request = Ask.For(Ask.Attested) }, Cancellation);
        }
        catch (Exception exception) when (exception is RpcException or InvalidOperationException)
        {
            // Read below.
        }

        return await call.ResponseStream.MoveNext(Cancellation);
    }

    private Task<TestServer> StartAsync(TimeProvider time)
    {
        Credentials.Write(_documents.Beside("keys.json"), IssuerKey.Set(_key));
        return TestServer.StartAsync(_documents, time, more: [.. Credentials.Tokens(_documents.Beside("keys.json")), .. Credentials.Access(_documents)]);
    }

    private StreamCall Open(TestServer server, DateTimeOffset now) =>
        server.Client.EvaluateStream(Credentials.With(Token(now)), cancellationToken: Cancellation);

    private string Token(DateTimeOffset now) => _key.Sign(IssuerKey.Claims(Credentials.Issuer, now));

    private sealed record Ending(DateTimeOffset Until) : ICredential
    {
        public string? ProblemAt(DateTimeOffset now) => now >= Until ? "it has ended" : null;
    }

    private sealed class Abortable : IHttpRequestLifetimeFeature
    {
        public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public CancellationToken RequestAborted { get; set; }

        public void Abort() => Ended.TrySetResult();
    }
}
