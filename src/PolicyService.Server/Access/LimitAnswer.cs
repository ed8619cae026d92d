using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using PolicyService.Server.Endpoints.Rest;

namespace PolicyService.Server.Access;

/// <summary>RESOURCE_EXHAUSTED with <c>google.rpc.RetryInfo</c>, over gRPC and over REST.</summary>
internal static class LimitAnswer
{
    private static readonly string ResourceExhausted = ((int)StatusCode.ResourceExhausted).ToString(System.Globalization.CultureInfo.InvariantCulture);

    public static async Task WriteAsync(HttpContext context, LimitRefusal refusal)
    {
        if (!HttpProtocol.IsHttp2(context.Request.Protocol))
        {
            await RestError.WriteRetryAsync(context, refusal.Message, refusal.RetryAfter);
            return;
        }

        await UnreadRequest.DiscardAsync(context);

        // "Trailers-Only" of gRPC over HTTP/2: status and details in the only block of headers. Nothing of the request is parsed.
        var response = context.Response;
        response.ContentType = "application/grpc";
        response.Headers["grpc-status"] = ResourceExhausted;
        response.Headers["grpc-message"] = refusal.Trailers.Message;
        response.Headers["grpc-status-details-bin"] = refusal.Trailers.Details;
    }

    /// <summary>What a refusal is in trailers.</summary>
    public static LimitTrailers TrailersOf(LimitRefusal refusal) =>
        new(Uri.EscapeDataString(refusal.Message), Convert.ToBase64String(StatusOf(refusal).ToByteArray()).TrimEnd('='));

    /// <summary>The same from within an endpoint.</summary>
    public static RpcException ToException(LimitRefusal refusal) => StatusOf(refusal).ToRpcException();

    private static Google.Rpc.Status StatusOf(LimitRefusal refusal) => new()
    {
        Code = (int)StatusCode.ResourceExhausted,
        Message = refusal.Message,
        Details = { Any.Pack(new RetryInfo { RetryDelay = Duration.FromTimeSpan(refusal.RetryAfter) }) },
    };
}

/// <summary>The trailers of a refusal beside its status.</summary>
/// <param name="Message"><c>grpc-message</c>, percent-encoded.</param>
/// <param name="Details"><c>grpc-status-details-bin</c>, in base64.</param>
internal sealed record LimitTrailers(string Message, string Details);
