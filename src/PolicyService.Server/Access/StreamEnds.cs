using Grpc.AspNetCore.Server;
using Grpc.Core;
using PolicyService.Core;

namespace PolicyService.Server.Access;

/// <summary>
/// Cuts off every stream whose caller must authenticate anew, if it has not ended by itself soon after: one whose caller does not take its
/// answers, and those of the framework, which know nothing of callers.
/// </summary>
internal sealed class StreamEnds(CallerWatch callers, TimeProvider time)
{
    public Task InvokeAsync(HttpContext context, RequestDelegate next) =>
        context.GetEndpoint()?.Metadata.GetMetadata<GrpcMethodMetadata>() is not { Method.Type: not MethodType.Unary } || context.Caller().Credentials.Count == 0
            ? next(context)
            : EndingAsync(context, next);

    private async Task EndingAsync(HttpContext context, RequestDelegate next)
    {
        using var ended = new CancellationTokenSource();
        var cutting = CutAsync(context, ended.Token);
        try
        {
            await next(context);
        }
        finally
        {
            await ended.CancelAsync();
            await cutting;
        }
    }

    private async Task CutAsync(HttpContext context, CancellationToken ended)
    {
        using var lapsed = new CancellationTokenSource();
        await callers.WaitAsync(context.Caller(), lapsed, ended);
        await Task.Delay(Limits.LapsedStreamTime, time, ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!ended.IsCancellationRequested)
        {
            context.Abort();
        }
    }
}
