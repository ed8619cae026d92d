namespace PolicyService.LoadTests.Scenarios;

/// <summary>How long and how much. The full plan is PERFORMANCE.md's; the quick one fits into three minutes on two busy cores.</summary>
internal sealed record RunPlan
{
    public static RunPlan Full { get; } = new();

    public static RunPlan Quick { get; } = new()
    {
        SliceTime = TimeSpan.FromMilliseconds(700),
        WarmDecisions = 30_000,
        WarmTime = TimeSpan.FromSeconds(2),
        LatencySlices = 1,
        ColdImages = 60_000,
        ColdDecisionsPerSlice = 5000,
        CountsAllocations = false,
    };

    /// <summary>Connections to each server.</summary>
    public int Connections { get; init; } = 4;

    /// <summary>Calls under way on each connection.</summary>
    public int Streams { get; init; } = 16;

    /// <summary>Pairs of slices: the echo, then the service.</summary>
    public int Slices { get; init; } = 9;

    public TimeSpan SliceTime { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Decisions that warm a server.</summary>
    public long WarmDecisions { get; init; } = 200_000;

    /// <summary>When warming ends however few they were.</summary>
    public TimeSpan WarmTime { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Pairs of slices on a fixed schedule, for the latencies.</summary>
    public int LatencySlices { get; init; } = 5;

    /// <summary>Of the lower of the two rates found, this share is asked for when latency is measured: a full queue measures itself.</summary>
    public double LatencyLoad { get; init; } = 0.4;

    /// <summary>
    /// Images of the cold scenarios. More than the service remembers signatures (100,000): one that is asked again after all the others was forgotten.
    /// </summary>
    public int ColdImages { get; init; } = 120_000;

    /// <summary>After so many a slice ends: with fewer images than are remembered none may be asked about twice.</summary>
    public long ColdDecisionsPerSlice { get; init; } = long.MaxValue;

    /// <summary>Asks the runtimes of the servers what they allocate.</summary>
    public bool CountsAllocations { get; init; } = true;

    /// <summary>Images whose evidence lies in Redis.</summary>
    public int RedisImages { get; init; } = 40_000;

    /// <summary>After so many a slice ends, so that no image is asked about twice.</summary>
    public long RedisDecisionsPerSlice { get; init; } = 2500;

    /// <summary>How long twice of what the service can do is asked for.</summary>
    public TimeSpan OverloadTime { get; init; } = TimeSpan.FromSeconds(10);

    public int ManyRulesProjects { get; init; } = 10;

    /// <summary>Rules of each of those projects: 100,000 in all, in documents below the limit of 4 MiB.</summary>
    public int RulesPerProject { get; init; } = 10_000;

    public int ManyAttestations { get; init; } = 1_000_000;
}
