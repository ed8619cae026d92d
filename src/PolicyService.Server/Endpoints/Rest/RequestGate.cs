using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using PolicyService.Core;
using PolicyService.Server.Access;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Endpoints.Rest;

/// <summary>What an endpoint takes from others: a place among those who use the store, or only memory for a body.</summary>
internal sealed record RequestCost(bool UsesStore);

/// <summary>
/// Bounds what requests of the REST surface hold, over whichever port they come: memory for bodies, places at the store, time. Of gRPC calls
/// only the time is bounded here; decisions have the rest of the store's connections for themselves.
/// </summary>
internal sealed class RequestGate(TimeProvider time, IHostApplicationLifetime lifetime, DocumentStore? store = null)
{
    private readonly FairPlaces _callers = new(store?.Database.MaxCallers ?? Limits.StoreCallers);
    private readonly BodyBudget _documents = new();
    private readonly BodyBudget _evaluations = new();

    public Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<GrpcMethodMetadata>() is not { } call)
        {
            return BoundedAsync(context, next);
        }

        // A call that ends at once needs no timer to end it.
        var calling = next(context);
        return calling.IsCompleted || call.Method.Type is not MethodType.Unary ? calling : EndingAsync(context, calling);
    }

    private async Task BoundedAsync(HttpContext context, RequestDelegate next)
    {
        if (!HttpProtocol.IsHttp2(context.Request.Protocol))
        {
            // Over HTTP/2 a connection has one rate for all its requests, the server's own.
            SetRates(context);
        }

        using var ending = new CancellationTokenSource(Limits.RequestTime, time);
        using var stopping = lifetime.ApplicationStopping.Register(() => ending.CancelAfter(Limits.RequestTimeAtStop));
        using var aborting = ending.Token.Register(context.Abort);
        if (context.GetEndpoint()?.Metadata.GetMetadata<RequestCost>() is { } cost)
        {
            await BufferedAsync(context, cost, next);
        }
        else
        {
            await next(context);
        }
    }

    /// <summary>
    /// A call of one answer ends in time too: without window for it, an answer would wait for as long as its connection lives. Streams
    /// may last; what waits in one is bounded.
    /// </summary>
    private async Task EndingAsync(HttpContext context, Task calling)
    {
        using var ending = new CancellationTokenSource(Limits.RequestTime, time);
        await using var aborting = ending.Token.UnsafeRegister(static state => ((HttpContext)state!).Abort(), context);
        await calling;
    }

    private static void SetRates(HttpContext context)
    {
        var rate = new MinDataRate(Limits.DataRate, Limits.DataRateGrace);
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } request)
        {
            request.MinDataRate = rate;
        }

        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } response)
        {
            response.MinDataRate = rate;
        }
    }

    /// <summary>The body first: whoever sends it slowly holds memory, but no place at the store.</summary>
    private async Task BufferedAsync(HttpContext context, RequestCost cost, RequestDelegate next)
    {
        var budget = cost.UsesStore ? _documents : _evaluations;
        var bytes = context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody is false ? 0
            : (int)Math.Min(context.Request.ContentLength ?? Limits.MessageBytes, Limits.MessageBytes);
        var usage = context.Features.Get<RequestAllowance>()?.Usage;
        if (!budget.TryTake(bytes, usage))
        {
            await RefuseAsync(context, "too many large requests are under way");
            return;
        }

        try
        {
            if (bytes > 0)
            {
                var body = new MemoryStream(context.Request.ContentLength is null ? 0 : bytes);
                await context.Request.Body.CopyToAsync(body, context.RequestAborted);
                body.Position = 0;
                context.Request.Body = body;
            }

            await (cost.UsesStore ? CallStoreAsync(context, next) : next(context));
        }
        finally
        {
            budget.Return(bytes, usage);
        }
    }

    /// <summary>The place is held until the answer is written.</summary>
    private async Task CallStoreAsync(HttpContext context, RequestDelegate next)
    {
        var caller = context.Caller().Name;
        if (!await TryEnterAsync(caller, context.RequestAborted))
        {
            await RefuseAsync(context, "too many requests use the store");
            return;
        }

        try
        {
            await next(context);
        }
        finally
        {
            _callers.Leave(caller);
        }
    }

    private async Task<bool> TryEnterAsync(string caller, CancellationToken cancellation)
    {
        using var patience = new Decisions.TimedCancellation(Limits.StoreCallerPatience, time, cancellation);
        try
        {
            await _callers.EnterAsync(caller, patience.Token);
            return true;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return false;
        }
    }

    private static Task RefuseAsync(HttpContext context, string why) =>
        RestError.WriteRetryAsync(context, $"{why}: try again", TimeSpan.FromSeconds(1));

    /// <summary>Bytes of bodies in memory: of all callers, and of each where callers are told apart.</summary>
    private sealed class BodyBudget
    {
        private long _left = Limits.BufferedBodyBytes;

        public bool TryTake(int bytes, CallerUsage? usage)
        {
            var own = usage is null ? 0 : Interlocked.Add(ref usage.BodyBytes, bytes);
            if (Interlocked.Add(ref _left, -bytes) >= 0 && own <= Limits.BufferedBodyBytesPerCaller)
            {
                return true;
            }

            Return(bytes, usage);
            return false;
        }

        public void Return(int bytes, CallerUsage? usage)
        {
            Interlocked.Add(ref _left, bytes);
            if (usage is not null)
            {
                Interlocked.Add(ref usage.BodyBytes, -bytes);
            }
        }
    }
}
