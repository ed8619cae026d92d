namespace PolicyService.LoadTests.Measuring;

/// <summary>What one stretch of load gave.</summary>
/// <param name="Decisions">Right decisions.</param>
/// <param name="Elapsed">From the first request to the last answer.</param>
/// <param name="Latencies">Of every call.</param>
internal sealed record Slice(long Decisions, TimeSpan Elapsed, LatencyHistogram Latencies)
{
    /// <summary>Decisions a second.</summary>
    public double Rate => Decisions / Elapsed.TotalSeconds;
}
