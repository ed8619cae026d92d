using System.Globalization;
using Grpc.AspNetCore.Server;
using PolicyService.Core.Access;
using PolicyService.Server.Access;

namespace PolicyService.Server.Shedding;

/// <summary>
/// Refuses what the machine has no time for, before anything of it is read, the more of a caller the more it asks for. Never what tells how the
/// service is: whoever asks that must not take an overload for a death.
/// </summary>
internal sealed class LoadShedder(OverloadControl control, SheddingMetrics metrics)
{
    private static readonly TimeSpan Soonest = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Spread = TimeSpan.FromSeconds(1);

    /// <summary>Each says another time: callers that were refused together must not come again together.</summary>
    private static readonly LimitRefusal[] Refusals = [.. Enumerable.Range(0, 16).Select(number => RefusalAfter(Soonest + (Spread * number / 16)))];

    private uint _refused;

    public Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (control.IsCalm || KindOf(context) is not { } kind || Refusal(NameOf(context), images: 1, kind) is not { } refusal)
        {
            return next(context);
        }

        return LimitAnswer.WriteAsync(context, refusal);
    }

    /// <summary>Asks for further images of a request that was let in. Null: they may be evaluated.</summary>
    public LimitRefusal? Refusal(Caller caller, int images, ShedKind kind) => Refusal(caller.Name, images, kind);

    private LimitRefusal? Refusal(string caller, int images, ShedKind kind)
    {
        if (control.TryEnter(caller, images))
        {
            return null;
        }

        metrics.Count(kind);
        return Refusals[Interlocked.Increment(ref _refused) % Refusals.Length];
    }

    /// <summary>Where nobody authenticates all have one name: then each connection is a caller, so that one that floods takes nothing from the others.</summary>
    private static string NameOf(HttpContext context) => context.Caller() is { IsAnonymous: false } caller ? caller.Name : context.Connection.Id;

    /// <summary>Null: it is never refused.</summary>
    private static ShedKind? KindOf(HttpContext context)
    {
        var endpoint = context.GetEndpoint();
        if (endpoint?.Metadata.GetMetadata<AccessRequirement>() is { Kind: AccessKind.Open } or { Permission: Permissions.MetricsGet })
        {
            return null;
        }

        return endpoint?.Metadata.GetMetadata<GrpcMethodMetadata>()?.Method switch
        {
            null => ShedKind.Rest,
            { ServiceName: "grpc.health.v1.Health" } => null,
            { ServiceName: "policyservice.v1.PolicyDecisionService" } method => method.Name switch
            {
                "Evaluate" => ShedKind.Evaluate,
                "EvaluateBatch" => ShedKind.Batch,
                "EvaluateStream" => ShedKind.Stream,
                _ => ShedKind.Other,
            },
            _ => ShedKind.Other,
        };
    }

    private static LimitRefusal RefusalAfter(TimeSpan retry) => new(
        string.Create(CultureInfo.InvariantCulture, $"the service has more to do than it can, and this caller has had its share: ask again in {retry.TotalSeconds:0.###} s"), retry);
}
