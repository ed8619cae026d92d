using System.Buffers;
using System.Net;
using System.Net.Http.Headers;

namespace PolicyService.LoadTests.Calls;

/// <summary>Reads the message of an answer.</summary>
internal delegate Answer MessageReader(ReadOnlySpan<byte> message);

/// <summary>
/// One HTTP/2 connection without TLS (or with it) for unary calls. Below the gRPC client, whose work would be most of what is measured: frames are
/// made beforehand, and grpc-status is read from the trailers, because every gRPC error is HTTP 200.
/// </summary>
internal sealed class Http2Connection : IDisposable
{
    private static readonly MediaTypeHeaderValue ContentType = new("application/grpc");
    private readonly HttpMessageInvoker _invoker;
    private readonly Uri _server;
    private readonly IReadOnlyList<(string Name, string Value)> _headers;

    /// <param name="server">Where to.</param>
    /// <param name="headers">Sent with every call beside what gRPC needs: credentials, a deadline.</param>
    public Http2Connection(Uri server, params IReadOnlyList<(string Name, string Value)> headers)
    {
        (_server, _headers) = (server, headers);
        _invoker = new HttpMessageInvoker(new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            UseCookies = false,
            ActivityHeadersPropagator = null,
            EnableMultipleHttp2Connections = false,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
        });
    }

    /// <param name="path">Service and method: <c>/package.Service/Method</c>.</param>
    /// <param name="frame">The framed request.</param>
    /// <param name="read">Reads the answer, if the status is OK.</param>
    /// <param name="cancellation">The end of the run.</param>
    public async ValueTask<Answer> CallAsync(string path, byte[] frame, MessageReader read, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_server, path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(frame) { Headers = { ContentType = ContentType } },
        };
        request.Headers.TryAddWithoutValidation("te", "trailers");
        foreach (var (name, value) in _headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        try
        {
            using var response = await _invoker.SendAsync(request, cancellation);
            if (response.StatusCode is not HttpStatusCode.OK)
            {
                return Answer.Failed($"HTTP {(int)response.StatusCode}");
            }

            return await ReadAsync(response, read, cancellation);
        }
        catch (HttpRequestException exception)
        {
            return Answer.Failed($"{exception.HttpRequestError}");
        }
        catch (IOException exception)
        {
            return Answer.Failed(exception.GetType().Name);
        }
    }

    public void Dispose() => _invoker.Dispose();

    private static async ValueTask<Answer> ReadAsync(HttpResponseMessage response, MessageReader read, CancellationToken cancellation)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellation);
        var buffer = ArrayPool<byte>.Shared.Rent(1024);
        try
        {
            var length = 0;
            while (await stream.ReadAsync(buffer.AsMemory(length), cancellation) is > 0 and var count)
            {
                length += count;
                if (length == buffer.Length)
                {
                    var larger = ArrayPool<byte>.Shared.Rent(length * 2);
                    buffer.AsSpan(0, length).CopyTo(larger);
                    ArrayPool<byte>.Shared.Return(buffer);
                    buffer = larger;
                }
            }

            return StatusOf(response) switch
            {
                "0" => GrpcFrame.TryRead(buffer.AsSpan(0, length), out var message) ? read(message) : Answer.Failed("no message with grpc-status 0"),
                null => Answer.Failed("no grpc-status"),
                var status => Answer.Failed($"grpc-status {status}"),
            };
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>In the trailers, or in the headers of an answer that has no body.</summary>
    private static string? StatusOf(HttpResponseMessage response) =>
        response.TrailingHeaders.NonValidated.TryGetValues("grpc-status", out var values) || response.Headers.NonValidated.TryGetValues("grpc-status", out values)
            ? values.ToString()
            : null;
}
