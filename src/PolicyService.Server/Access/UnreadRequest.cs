using Grpc.AspNetCore.Server;
using Grpc.Core;
using PolicyService.Core;

namespace PolicyService.Server.Access;

/// <summary>
/// The body of a request that is refused before anybody reads it. HTTP/2 resets a stream that is answered before its end, and the web server
/// closes a connection with too many of those: a caller that is refused often would lose its other requests with it. So the little that
/// usual requests consist of is read and thrown away.
/// </summary>
internal static class UnreadRequest
{
    /// <summary>Reads what comes within <see cref="Limits.RefusedBodyTime"/>, up to <see cref="Limits.RefusedBodyBytes"/>; what is longer, or slower, is cut off.</summary>
    public static async Task DiscardAsync(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<GrpcMethodMetadata>() is not { Method.Type: MethodType.Unary })
        {
            // The end of a stream comes when its caller likes; and HTTP/1.1 has one request at a time.
            return;
        }

        var left = (long)Limits.RefusedBodyBytes;
        if (context.Request.BodyReader.TryRead(out var here))
        {
            // All of a usual request, as a rule: then there is nothing to wait for, and no timer to set.
            left -= here.Buffer.Length;
            context.Request.BodyReader.AdvanceTo(here.Buffer.End);
            if (here.IsCompleted)
            {
                return;
            }
        }

        using var patience = new Decisions.TimedCancellation(Limits.RefusedBodyTime, context.RequestServices.GetRequiredService<TimeProvider>(), context.RequestAborted);
        try
        {
            while (left > 0)
            {
                var read = await context.Request.BodyReader.ReadAsync(patience.Token);
                left -= read.Buffer.Length;
                context.Request.BodyReader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    return;
                }
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            // Too slow, or gone.
        }
    }
}
