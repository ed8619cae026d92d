using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Api.V1;
using PolicyService.Tests.OpenId;
using StreamCall = Grpc.Core.AsyncDuplexStreamingCall<PolicyService.Api.V1.EvaluateStreamRequest, PolicyService.Api.V1.EvaluateStreamResponse>;

namespace PolicyService.Server.Tests.Access;

/// <summary>A stream ends with what its caller authenticated with.</summary>
public sealed class StreamEndTests : IDisposable
{
    private readonly IssuerKey _key = IssuerKey.Ec();
    private readonly DocumentsFolder _documents = DocumentsFolder.Fixed("ALWAYS_ALLOW");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

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

    public void Dispose() => _key.Dispose();

    private static async Task<Verdict> AskAsync(StreamCall call)
    {
        await call.RequestStream.WriteAsync(new EvaluateStreamRequest { Request = Ask.For(Ask.Attested) }, Cancellation);
        Assert.True(await call.ResponseStream.MoveNext(Cancellation));
        return call.ResponseStream.Current.Response.Verdict;
    }

    /// <summary>The stream may end while a message is written, which then says it in its own way; the status is asked for after that.</summary>
    private static async Task<bool> AskOnceMoreAsync(StreamCall call)
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
        server.Client.EvaluateStream(Credentials.With(_key.Sign(IssuerKey.Claims(Credentials.Issuer, now))), cancellationToken: Cancellation);
}
