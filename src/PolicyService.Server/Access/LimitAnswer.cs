using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using PolicyService.Server.Endpoints.Rest;

namespace PolicyService.Server.Access;

/// <summary>RESOURCE_EXHAUSTED with <c>google.rpc.RetryInfo</c>, over gRPC and over REST.</summary>
internal static class LimitAnswer
{
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
        response.Headers["grpc-status"] = ((int)StatusCode.ResourceExhausted).ToString(System.Globalization.CultureInfo.InvariantCulture);
        response.Headers["grpc-message"] = Uri.EscapeDataString(refusal.Message);
        response.Headers["grpc-status-details-bin"] = Convert.ToBase64String(StatusOf(refusal).ToByteArray()).TrimEnd('=');
    }

    /// <summary>The same from within an endpoint.</summary>
    public static RpcException ToException(LimitRefusal refusal) => StatusOf(refusal).ToRpcException();

    private static Google.Rpc.Status StatusOf(LimitRefusal refusal) => new()
    {
        Code = (int)StatusCode.ResourceExhausted,
        Message = refusal.Message,
        Details = { Any.Pack(new RetryInfo { RetryDelay = Duration.FromTimeSpan(refusal.RetryAfter) }) },
    };
}
