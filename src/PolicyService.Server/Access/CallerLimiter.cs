using System.Globalization;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using PolicyService.Core.Documents;
using PolicyService.Server.Shedding;

namespace PolicyService.Server.Access;

/// <summary>A limit of the caller is reached.</summary>
/// <param name="message">Who, which limit, and when to ask again; for people.</param>
/// <param name="retryAfter">When to ask again, from now.</param>
internal sealed class LimitRefusal(string message, TimeSpan retryAfter)
{
    public string Message => message;

    public TimeSpan RetryAfter => retryAfter;

    /// <summary>The trailers of gRPC that say so; made once, since under overload one refusal is given many times.</summary>
    public LimitTrailers Trailers => field ??= LimitAnswer.TrailersOf(this);
}

/// <summary>
/// Holds each caller to its quota (docs/access.md), before anything of its request is read: a request costs one token on arrival; a batch one
/// more for each further image and a stream one for each further message, when they are seen.
/// </summary>
internal sealed class CallerLimiter(QuotasInForce inForce, CallerUsages usages, LimitMetrics metrics, LoadShedder shedder)
{
    /// <summary>When to ask again where nobody can know: some request of the caller's own has to end first.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(1);

    public Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (inForce.Current is not { } quotas)
        {
            return next(context);
        }

        var isStream = IsStream(context);
        return !isStream && context.GetEndpoint()?.Metadata.GetMetadata<AccessRequirement>() is { Kind: AccessKind.Open }
            ? next(context)
            : LimitedAsync(context, next, isStream, quotas);
    }

    /// <summary>Null: they were taken.</summary>
    public LimitRefusal? Take(RequestAllowance allowance, int tokens, int paid)
    {
        if (inForce.Current is not { } quotas)
        {
            return null;
        }

        var quota = allowance.Usage.QuotaOf(allowance.Caller, quotas);
        if (allowance.Usage.TryTake(tokens, paid, quota, out var retryAfter))
        {
            metrics.Count(LimitOutcome.Admitted);
            return null;
        }

        metrics.Count(LimitOutcome.Rate);
        return new LimitRefusal(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{Shown.Value(allowance.Caller.Name)} asks for more than {quota.RequestsPerSecond} images a second (requestsPerSecond of its limits, burst {quota.Burst}): ask again in {Math.Ceiling(retryAfter.TotalMilliseconds) / 1000:0.###} s"),
            retryAfter);
    }

    private async Task LimitedAsync(HttpContext context, RequestDelegate next, bool isStream, CallerQuotas quotas)
    {
        var caller = context.Caller();
        var allowance = new RequestAllowance(this, shedder, caller, usages.Of(caller.Name));
        var quota = allowance.Usage.QuotaOf(caller, quotas);
        if (!allowance.Usage.TryEnter(isStream, quota))
        {
            metrics.Count(isStream ? LimitOutcome.Streams : LimitOutcome.ConcurrentRequests);
            await LimitAnswer.WriteAsync(context, new LimitRefusal(
                isStream ? $"{Shown.Value(caller.Name)} has {quota.Streams} streams open (streams of its limits): end one, or ask again in 1 s"
                : $"{Shown.Value(caller.Name)} has {quota.ConcurrentRequests} requests under way (concurrentRequests of its limits): ask again in 1 s",
                Soon));
            return;
        }

        try
        {
            if (Take(allowance, tokens: 1, paid: 0) is { } refusal)
            {
                await LimitAnswer.WriteAsync(context, refusal);
                return;
            }

            context.Features.Set(allowance);
            await next(context);
        }
        finally
        {
            allowance.Usage.Leave(isStream);
        }
    }

    private static bool IsStream(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<GrpcMethodMetadata>() is { Method.Type: not MethodType.Unary };
}

/// <summary>What a request that was let in may further take.</summary>
internal sealed class RequestAllowance(CallerLimiter limiter, LoadShedder shedder, Caller caller, CallerUsage usage)
{
    public Caller Caller => caller;

    public CallerUsage Usage => usage;

    /// <summary>Pays for a batch; its arrival has paid for the first image. Null: it is paid.</summary>
    public LimitRefusal? TakeBatch(int images) =>
        images > 1 ? shedder.Refusal(caller, images - 1, ShedKind.Batch) ?? limiter.Take(this, images, paid: 1) : null;

    /// <summary>Pays for a message of a stream after the first, which the arrival of the stream has paid for. Null: it is paid.</summary>
    public LimitRefusal? TakeMessage() => shedder.Refusal(caller, images: 1, ShedKind.Message) ?? limiter.Take(this, tokens: 1, paid: 0);
}
