using Prometheus;

namespace PolicyService.Server.Shedding;

/// <summary>What is refused under overload.</summary>
internal enum ShedKind
{
    /// <summary><c>Evaluate</c>.</summary>
    Evaluate,

    /// <summary><c>EvaluateBatch</c>.</summary>
    Batch,

    /// <summary>An <c>EvaluateStream</c> that was to be opened.</summary>
    Stream,

    /// <summary>A message of an open stream.</summary>
    Message,

    /// <summary>A request over HTTP/1.1.</summary>
    Rest,

    /// <summary>Any other call over gRPC.</summary>
    Other,
}

/// <summary>Counts what was refused under overload, not by caller, whose number has no bound; and shows how long work waits.</summary>
internal sealed class SheddingMetrics
{
    private static readonly string[] Names = ["evaluate", "batch", "stream", "message", "rest", "other"];

    private readonly Counter.Child[] _shed;

    public SheddingMetrics(CollectorRegistry registry, OverloadControl control)
    {
        var factory = Metrics.WithCustomRegistry(registry);
        var shed = factory.CreateCounter("policyservice_shed_total", "Requests, batches and messages of streams refused because the service had more to do than it could.", "what");
        _shed = [.. Names.Select(what => shed.WithLabels(what))];
        var wait = factory.CreateGauge("policyservice_work_wait_seconds", "How long work waits for a thread, looked at every 50 ms.");
        var limit = factory.CreateGauge("policyservice_shed_limit", "Images a second that are let in under overload; 0 where as many as come.");
        registry.AddBeforeCollectCallback(() =>
        {
            wait.Set(control.Wait.TotalSeconds);
            limit.Set(control.Limit ?? 0);
        });
    }

    public void Count(ShedKind what) => _shed[(int)what].Inc();
}
