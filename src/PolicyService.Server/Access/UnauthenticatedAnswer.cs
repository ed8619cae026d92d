using System.Globalization;
using System.Text;
using Grpc.Core;
using PolicyService.Server.Endpoints.Rest;

namespace PolicyService.Server.Access;

/// <summary>Refuses whoever has not authenticated: by a status without messages over gRPC, in Google's error shape over REST.</summary>
internal static class UnauthenticatedAnswer
{
    public static async Task WriteAsync(HttpContext context, string problem)
    {
        if (context.Request.ContentType?.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase) is true)
        {
            // "Trailers-Only" of the gRPC protocol over HTTP/2: the status is in the headers, and nothing follows.
            var headers = context.Response.Headers;
            context.Response.StatusCode = StatusCodes.Status200OK;
            context.Response.ContentType = "application/grpc";
            headers["grpc-status"] = ((int)StatusCode.Unauthenticated).ToString(CultureInfo.InvariantCulture);
            headers["grpc-message"] = Encode(problem);
            await UnreadRequest.DiscardAsync(context);
            await context.Response.CompleteAsync();
            return;
        }

        context.Response.Headers.WWWAuthenticate = "Bearer";
        await RestError.WriteAsync(context, StatusCodes.Status401Unauthorized, "UNAUTHENTICATED", problem);
    }

    /// <summary>Percent-encoding of the gRPC protocol for <c>grpc-message</c>.</summary>
    internal static string Encode(string text)
    {
        var encoded = new StringBuilder(text.Length);
        foreach (var part in Encoding.UTF8.GetBytes(text))
        {
            if (part is >= 0x20 and <= 0x7e and not (byte)'%')
            {
                encoded.Append((char)part);
            }
            else
            {
                encoded.Append(CultureInfo.InvariantCulture, $"%{part:X2}");
            }
        }

        return encoded.ToString();
    }
}
