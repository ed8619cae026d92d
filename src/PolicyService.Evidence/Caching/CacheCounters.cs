namespace PolicyService.Evidence.Caching;

/// <summary>Where a value was looked for.</summary>
public enum CacheLevel
{
    /// <summary>The memory of this process.</summary>
    Process,

    /// <summary>Redis.</summary>
    Redis,
}

/// <summary>How a look-up ended. Everything but a hit is a miss to whoever asked.</summary>
public enum CacheOutcome
{
    /// <summary>Nothing is there.</summary>
    Miss,

    /// <summary>A usable value.</summary>
    Hit,

    /// <summary>A value that no replica of this fleet stored there, or one longer than any of them would.</summary>
    Lie,

    /// <summary>An honest value of an older generation or of too long ago.</summary>
    Stale,

    /// <summary>No answer in time.</summary>
    Timeout,

    /// <summary>An error instead of an answer.</summary>
    Error,

    /// <summary>Not asked, because the circuit is open or too many are asking.</summary>
    Skipped,
}

/// <summary>How a write ended.</summary>
public enum CacheWrite
{
    /// <summary>Not tried: the queue is full, the value too large, or the circuit open.</summary>
    Dropped,

    /// <summary>Stored, says the server.</summary>
    Stored,

    /// <summary>Refused or lost.</summary>
    Failed,
}

/// <summary>Counts look-ups and writes; every label is of a closed set.</summary>
public sealed class CacheCounters
{
    private readonly long[] _reads = new long[Enum.GetValues<CacheLevel>().Length * Outcomes];
    private readonly long[] _writes = new long[Enum.GetValues<CacheWrite>().Length];

    private static int Outcomes { get; } = Enum.GetValues<CacheOutcome>().Length;

    public void Count(CacheLevel level, CacheOutcome outcome) => Interlocked.Increment(ref _reads[((int)level * Outcomes) + (int)outcome]);

    public void Count(CacheWrite outcome) => Interlocked.Increment(ref _writes[(int)outcome]);

    /// <summary>Look-ups so far.</summary>
    public long Of(CacheLevel level, CacheOutcome outcome) => Interlocked.Read(ref _reads[((int)level * Outcomes) + (int)outcome]);

    /// <summary>Writes so far.</summary>
    public long Of(CacheWrite outcome) => Interlocked.Read(ref _writes[(int)outcome]);
}
