using System.IO.Compression;
using System.Net;
using Grpc.Core;
using PolicyService.Core;

namespace PolicyService.Server.Tests.Endpoints;

/// <summary>Bytes over gRPC that are no message: whoever sends them learns so, and the log does not.</summary>
public sealed class MalformedMessageTests(StandardServer standard) : IClassFixture<StandardServer>
{
    private const string Health = "/grpc.health.v1.Health/Check";
    private const string Evaluate = "/policyservice.v1.PolicyDecisionService/Evaluate";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Evaluate, "00 00000003 FFFFFF")]
    [InlineData(Health, "00 00000003 FFFFFF")]
    [InlineData(Health, "00 00000009 01")]
    [InlineData(Health, "")]
    [InlineData(Health, "00 7FFFFFFF 00")]
    [InlineData(Health, "00 00000000 00 00000000")]
    [InlineData(Health, "01 00000003 FFFFFF")]
    [InlineData(Health, "02 00000000")]
    public async Task Malformed_message_is_INVALID_ARGUMENT_and_no_line_of_the_log(string path, string hex)
    {
        var body = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

        Assert.Equal(StatusCode.InvalidArgument, await SendAsync(path, new ByteArrayContent(body)));
        Assert.DoesNotContain(standard.Server.Log.Lines, line => line.StartsWith("Error", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Question_for_health_may_be_compressed_and_is_bounded_all_the_same()
    {
        Assert.Equal(StatusCode.OK, await SendAsync(Health, Packed([])));
        Assert.Equal(StatusCode.InvalidArgument, await SendAsync(Health, Packed(new byte[1024 * 1024])));
    }

    /// <summary>It needs no credentials: a hundred of them on a connection held four mebibytes each.</summary>
    [Fact]
    public async Task Long_question_for_health_is_answered_before_it_has_come()
    {
        var sending = new Endless();
        Assert.Equal(StatusCode.InvalidArgument, await SendAsync(Health, sending).WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System, Cancellation));
        Assert.InRange(sending.Sent, 0, Limits.MessageBytes / 2);
    }

    private static ByteArrayContent Packed(byte[] message)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(message);
        }

        return new ByteArrayContent([1, 0, 0, (byte)(packed.Length >> 8), (byte)packed.Length, .. packed.ToArray()]);
    }

    private async Task<StatusCode> SendAsync(string path, HttpContent content)
    {
        content.Headers.ContentType = new("application/grpc");
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{standard.Server.GrpcUrl}{path}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
            Headers = { { "grpc-encoding", "gzip" } },
        };
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        if (!response.Headers.TryGetValues("grpc-status", out var status))
        {
            await response.Content.ReadAsByteArrayAsync(Cancellation);
            status = response.TrailingHeaders.GetValues("grpc-status");
        }

        return Enum.Parse<StatusCode>(status.Single());
    }

    /// <summary>The beginning of a message of nearly four mebibytes, and no end.</summary>
    private sealed class Endless : HttpContent
    {
        private int _sent;

        public int Sent => Volatile.Read(ref _sent);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(new byte[] { 0, 0, 0x3F, 0xFF, 0xFF }, Cancellation);
            var part = new byte[64 * 1024];
            while (Sent < Limits.MessageBytes - (2 * part.Length))
            {
                await stream.WriteAsync(part, Cancellation);
                Interlocked.Add(ref _sent, part.Length);
            }

            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, Cancellation);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
