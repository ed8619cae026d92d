using PolicyService.LoadTests.Measuring;

namespace PolicyService.LoadTests.Scenarios;

/// <summary>What a scenario gave.</summary>
internal sealed record ScenarioResult
{
    public required string Name { get; init; }

    /// <summary>Decisions a second, against the echo's calls a second in the slice before. Null: there were errors, or no echo.</summary>
    public Spread? Ratio { get; init; }

    /// <summary>Decisions a second: the median of the slices.</summary>
    public double? Rate { get; init; }

    /// <summary>Processor time of the server for one decision; microseconds. Null: the process is not ours.</summary>
    public double? CpuMicrosPerRequest { get; init; }

    /// <summary>The same against the echo's in the same slices.</summary>
    public double? CpuRatio { get; init; }

    /// <summary>Latency of a call on a fixed schedule; milliseconds.</summary>
    public double? P50 { get; init; }

    public double? P99 { get; init; }

    public double? P999 { get; init; }

    /// <summary>The echo's, on the same schedule in the slices between; milliseconds.</summary>
    public double? EchoP99 { get; init; }

    /// <summary>Calls a second when latency was measured.</summary>
    public double? LatencyRate { get; init; }

    /// <summary>Managed memory allocated for one decision; bytes. Null: not counted.</summary>
    public double? AllocatedBytes { get; init; }

    /// <summary>The same against the echo's for one call.</summary>
    public double? AllocatedRatio { get; init; }

    /// <summary>The most memory that the server ever took; MiB.</summary>
    public double? PeakMemoryMiB { get; init; }

    public required long Errors { get; init; }

    public required long WrongVerdicts { get; init; }

    /// <summary>How many of which kind went wrong.</summary>
    public IReadOnlyDictionary<string, long> Kinds { get; init; } = new Dictionary<string, long>();

    /// <summary>Compared with the hot path in slices between; null: it is not compared.</summary>
    public HotComparison? Hot { get; init; }

    /// <summary>What else there is to tell, for people.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    public bool IsClean => Errors == 0 && WrongVerdicts == 0;
}

/// <summary>Against the hot path in the same run.</summary>
/// <param name="Ratio">Of the rates.</param>
/// <param name="P50Ratio">Of the medians of latency.</param>
/// <param name="P99Ratio">Of the p99s.</param>
/// <param name="CpuAddedMicros">Processor time added to a decision; microseconds.</param>
/// <param name="VerificationMicros">What the base library takes for one verification; microseconds. Null: none is on the path.</param>
internal sealed record HotComparison(Spread Ratio, double? P50Ratio, double? P99Ratio, double? CpuAddedMicros, double? VerificationMicros);
