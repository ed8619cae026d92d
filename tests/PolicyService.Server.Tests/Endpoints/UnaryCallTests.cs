using System.Collections;
using System.IO.Compression;
using System.Net;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Api.V1;
using PolicyService.Core;
using PolicyService.Server.Access;
using PolicyService.Server.Endpoints;

namespace PolicyService.Server.Tests.Endpoints;

/// <summary>Calls of Evaluate, frame by frame: those that are answered without the framework, and those that are left to it.</summary>
public sealed class UnaryCallTests(StandardServer standard) : IClassFixture<StandardServer>
{
    private const string Evaluate = "/policyservice.v1.PolicyDecisionService/Evaluate";
    private const string Batch = "/policyservice.v1.PolicyDecisionService/EvaluateBatch";

    private static readonly byte[] Message = Ask.For(Ask.Attested).ToByteArray();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string, byte[], StatusCode> Bodies => new()
    {
        { "one message", Frame(0, Message), StatusCode.OK },
        { "no message", [], StatusCode.Internal },
        { "half a prefix", [0, 0], StatusCode.Internal },
        { "half a message", Frame(0, Message)[..^1], StatusCode.Internal },
        { "two messages", [.. Frame(0, []), .. Frame(0, [])], StatusCode.Internal },
        { "a byte behind the message", [.. Frame(0, []), 0], StatusCode.Internal },
        { "compressed", Frame(1, Packed(Message)), StatusCode.OK },
        { "an unknown flag", Frame(2, Message), StatusCode.Unknown },
        { "an empty message, which has no image", Frame(0, []), StatusCode.InvalidArgument },
        { "no message of Protobuf", Frame(0, [0xFF, 0xFF, 0xFF]), StatusCode.InvalidArgument },
        { "4 MiB are read", Frame(0, new byte[Limits.MessageBytes]), StatusCode.InvalidArgument },
        { "a byte more than 4 MiB", Frame(0, new byte[Limits.MessageBytes + 1]), StatusCode.ResourceExhausted },
    };

    public static TheoryData<string, double?> Timeouts => new()
    {
        { "1H", 3_600_000 },
        { "2M", 120_000 },
        { "3S", 3_000 },
        { "40m", 40 },
        { "500u", 0.5 },
        { "700n", 0.0007 },
        { "99999999S", 86_400_000 },
        { "99999999H", 86_400_000 },
        { "", null },
        { "S", null },
        { "0S", null },
        { "99n", null },
        { "1s", null },
        { "1", null },
        { "-1S", null },
        { "+1S", null },
        { " 1S", null },
        { "1S ", null },
        { "1.5S", null },
        { "123456789S", null },
        { "١S", null },
    };

    [Theory, MemberData(nameof(Bodies))]
    public async Task Body_is_answered_by_what_it_holds(string name, byte[] body, StatusCode status)
    {
        var answer = await SendAsync(standard.Server, Evaluate, body);

        Assert.True(answer.Status == status, $"{name}: {answer.Status} {answer.Message}");
        Assert.DoesNotContain("Error Evaluate failed", standard.Server.Log.Lines);
        if (status is StatusCode.OK)
        {
            Assert.Equal(Verdict.Allow, EvaluateResponse.Parser.ParseFrom(answer.Body.AsSpan(5)).Verdict);
        }
        else if (status is not StatusCode.InvalidArgument)
        {
            // What is wrong with the frames does not depend on the method.
            Assert.Equal((answer.Status, answer.Message), await SendAsync(standard.Server, Batch, body) is var framework ? (framework.Status, framework.Message) : default);
        }
    }

    [Fact]
    public async Task Answer_is_framed_and_its_status_is_a_trailer()
    {
        using var response = await PostAsync(standard.Server, Evaluate, Frame(0, Message));
        var body = await response.Content.ReadAsByteArrayAsync(Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/grpc", response.Content.Headers.ContentType!.ToString());
        Assert.Equal(body, Frame(0, EvaluateResponse.Parser.ParseFrom(body.AsSpan(5)).ToByteArray()));
        Assert.False(response.Headers.Contains("grpc-status"));
        Assert.Equal(("grpc-status", "0"), Assert.Single(response.TrailingHeaders.Select(header => (header.Key, Assert.Single(header.Value)))));
    }

    [Theory]
    [InlineData("application/grpc+proto", HttpStatusCode.OK)]
    [InlineData("application/grpc;charset=utf-8", HttpStatusCode.OK)]
    [InlineData("application/grpc+json", HttpStatusCode.OK)]
    [InlineData("application/json", HttpStatusCode.UnsupportedMediaType)]
    public async Task Content_type_is_looked_at(string type, HttpStatusCode status)
    {
        using var response = await PostAsync(standard.Server, Evaluate, Frame(0, Message), type);
        Assert.Equal(status, response.StatusCode);
    }

    [Fact]
    public async Task Body_that_comes_in_parts_is_answered()
    {
        using var response = await PostAsync(standard.Server, Evaluate, new InParts(Frame(0, Message)));
        var body = await response.Content.ReadAsByteArrayAsync(Cancellation);

        Assert.Equal(Verdict.Allow, EvaluateResponse.Parser.ParseFrom(body.AsSpan(5)).Verdict);
        Assert.Equal("0", Assert.Single(response.TrailingHeaders.GetValues("grpc-status")));
    }

    [Fact]
    public async Task Refusal_is_percent_encoded()
    {
        var body = Frame(0, Ask.For("100% nonsense").ToByteArray());
        Assert.Contains("100%25 nonsense", (await SendAsync(standard.Server, Evaluate, body)).Message, StringComparison.Ordinal);
        Assert.Contains("100% nonsense", (await standard.Server.RefusalAsync(Ask.For("100% nonsense"))).Detail, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Timeouts))]
    public void Timeout_is_read_as_the_protocol_writes_it(string header, double? milliseconds)
    {
        Assert.Equal(milliseconds is not null, UnaryCall.TryReadTimeout(header, out var timeout));
        Assert.True(milliseconds is null || timeout == TimeSpan.FromMilliseconds(milliseconds.Value), $"{header}: {timeout}");
    }

    [Fact]
    public void Timeout_may_be_missing_and_stands_once()
    {
        Assert.True(UnaryCall.TryReadTimeout(default, out var timeout));
        Assert.Null(timeout);
        Assert.False(UnaryCall.TryReadTimeout(new(["1S", "2S"]), out _));
    }

    [Fact]
    public async Task Malformed_timeout_is_none() =>
        Assert.Equal(StatusCode.OK, (await SendAsync(standard.Server, Evaluate, Frame(0, Message), timeout: "soon")).Status);

    /// <summary>By its own clock, which stands still, the service would wait for ever.</summary>
    [Fact]
    public async Task Deadline_that_passes_is_told_while_the_answer_still_waits()
    {
        var sink = new TestSink();
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer), new FakeTimeProvider(TimeProvider.System.GetUtcNow()), sink, durable: true);
        sink.Block();

        var answer = await SendAsync(server, Evaluate, Frame(0, Message), timeout: "300m");

        Assert.Equal((StatusCode.DeadlineExceeded, "Deadline Exceeded", 0), (answer.Status, answer.Message, answer.Body.Length));
        await Eventually.Holds("the decision is given up", async () => (await server.MetricsAsync()).Sum("policyservice_audit_records_total", "outcome=\"refused\"") == 1);
        Assert.DoesNotContain(server.Log.Lines, line => line.StartsWith("Error", StringComparison.Ordinal));
        sink.Unblock();
    }

    [Fact]
    public async Task Caller_that_goes_cancels_its_call()
    {
        var sink = new TestSink();
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer), new FakeTimeProvider(TimeProvider.System.GetUtcNow()), sink, durable: true);
        sink.Block();
        using var going = new CancellationTokenSource();

        var asking = server.Client.EvaluateAsync(Ask.For(Ask.Attested), cancellationToken: going.Token).ResponseAsync;
        await Eventually.Holds("the record is on its way", () => sink.Entered == 1);
        await going.CancelAsync();

        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => asking)).StatusCode);
        await Eventually.Holds("the decision is given up", async () => (await server.MetricsAsync()).Sum("policyservice_audit_records_total", "outcome=\"refused\"") == 1);
        Assert.DoesNotContain(server.Log.Lines, line => line.StartsWith("Error", StringComparison.Ordinal));
        sink.Unblock();
    }

    [Fact]
    public async Task Failure_of_ours_is_UNKNOWN_and_one_line_of_the_log()
    {
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer), caller: _ => new Caller("somebody", new Broken()));
        server.Services.GetRequiredService<QuotasInForce>().Replace(null);

        var answer = await SendAsync(server, Evaluate, Frame(0, Message));
        Assert.Equal((StatusCode.Unknown, "Exception was thrown by handler.", 0), (answer.Status, answer.Message, answer.Body.Length));
        Assert.Single(server.Log.Lines, line => line == "Error Evaluate failed");
    }

    private static byte[] Frame(byte flag, byte[] message) =>
        [flag, (byte)(message.Length >> 24), (byte)(message.Length >> 16), (byte)(message.Length >> 8), (byte)message.Length, .. message];

    private static byte[] Packed(byte[] message)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(message);
        }

        return packed.ToArray();
    }

    private static Task<HttpResponseMessage> PostAsync(TestServer server, string path, byte[] body, string type = "application/grpc", string? timeout = null) =>
        PostAsync(server, path, new ByteArrayContent(body), type, timeout);

    private static async Task<HttpResponseMessage> PostAsync(TestServer server, string path, HttpContent body, string type = "application/grpc", string? timeout = null)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{server.GrpcUrl}{path}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = body,
            Headers = { { "te", "trailers" }, { "grpc-encoding", "gzip" } },
        };
        request.Content.Headers.TryAddWithoutValidation("content-type", type);
        if (timeout is not null)
        {
            request.Headers.Add("grpc-timeout", timeout);
        }

        var response = await http.SendAsync(request, Cancellation);
        await response.Content.LoadIntoBufferAsync(Cancellation);
        return response;
    }

    private static async Task<(StatusCode Status, string Message, byte[] Body)> SendAsync(TestServer server, string path, byte[] body, string? timeout = null)
    {
        using var response = await PostAsync(server, path, body, timeout: timeout);
        var last = response.Headers.Contains("grpc-status") ? response.Headers : response.TrailingHeaders;
        return (
            Enum.Parse<StatusCode>(last.GetValues("grpc-status").Single()),
            last.TryGetValues("grpc-message", out var message) ? message.Single() : "",
            await response.Content.ReadAsByteArrayAsync(Cancellation));
    }

    /// <summary>Pauses before its last byte.</summary>
    private sealed class InParts(byte[] body) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(body.AsMemory(0, body.Length - 1), Cancellation);
            await stream.FlushAsync(Cancellation);
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, Cancellation);
            await stream.WriteAsync(body.AsMemory(body.Length - 1), Cancellation);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }

    /// <summary>A failure within the service that no caller may learn of.</summary>
    private sealed class Broken : IReadOnlyList<string>
    {
        public int Count => throw new InvalidOperationException("the inside");

        public string this[int index] => throw new InvalidOperationException("the inside");

        public IEnumerator<string> GetEnumerator() => throw new InvalidOperationException("the inside");

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
