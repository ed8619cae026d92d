using Prometheus;

namespace PolicyService.Server.Access;

/// <summary>What the limits of a caller said.</summary>
internal enum LimitOutcome
{
    /// <summary>Let in.</summary>
    Admitted,

    /// <summary>Its bucket was empty.</summary>
    Rate,

    /// <summary>It had too many requests under way.</summary>
    ConcurrentRequests,

    /// <summary>It had too many streams open.</summary>
    Streams,
}

/// <summary>Counts what the limits said; not by caller, whose number has no bound.</summary>
internal sealed class LimitMetrics
{
    private static readonly string[] Names = ["admitted", "rate", "concurrent_requests", "streams"];

    private readonly Counter.Child[] _outcomes;

    public LimitMetrics(CollectorRegistry registry, CallerUsages usages)
    {
        var factory = Metrics.WithCustomRegistry(registry);
        var outcomes = factory.CreateCounter(
            "policyservice_caller_limit_total", "Requests, batches and further messages of streams by what the limits of their callers said.", "outcome");
        _outcomes = [.. Names.Select(outcome => outcomes.WithLabels(outcome))];
        var callers = factory.CreateGauge("policyservice_callers", "Callers whose use is remembered.");
        registry.AddBeforeCollectCallback(() => callers.Set(usages.Count));
    }

    public void Count(LimitOutcome outcome) => _outcomes[(int)outcome].Inc();
}
