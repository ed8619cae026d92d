using PolicyService.Core.Attestors;

namespace PolicyService.Evidence.Keys;

/// <summary>Where a key was looked for.</summary>
public enum KeyLevel
{
    /// <summary>This process.</summary>
    Memory,

    /// <summary>The cache that replicas share.</summary>
    Redis,

    /// <summary>The key service.</summary>
    Kms,
}

/// <summary>
/// Counts where keys were found and why not. Levels and outcomes are closed sets: neither a caller nor a key service can make a new
/// series.
/// </summary>
public sealed class KeyMetrics
{
    public const string Hit = "HIT";
    public const string Miss = "MISS";

    /// <summary>A failure that is remembered for a few seconds.</summary>
    public const string Negative = "NEGATIVE";

    /// <summary>A value of the shared cache that is not the pinned key: a lie, or another pin.</summary>
    public const string Refused = "REFUSED_VALUE";

    public const string Ok = "OK";

    private readonly long[] _memory = new long[3];
    private readonly long[] _redis = new long[3];
    private readonly long[] _kms = new long[KeyFailures.All.Count + 1];
    private readonly long[] _states = new long[KeyFailures.All.Count + 1];
    private long _retries;

    /// <summary>Calls to the key service that were repeated.</summary>
    public long Retries => Interlocked.Read(ref _retries);

    public void CountMemoryHit() => Interlocked.Increment(ref _memory[0]);

    public void CountMemoryMiss() => Interlocked.Increment(ref _memory[1]);

    public void CountNegative() => Interlocked.Increment(ref _memory[2]);

    public void CountSharedHit() => Interlocked.Increment(ref _redis[0]);

    public void CountSharedMiss() => Interlocked.Increment(ref _redis[1]);

    public void CountSharedRefused() => Interlocked.Increment(ref _redis[2]);

    /// <summary>One question to the key service; null: it was answered.</summary>
    public void CountKms(KeyFailure? failure) => Interlocked.Increment(ref _kms[failure is { } why ? (int)why + 1 : 0]);

    /// <summary>One reading of a key version's state; null: it was answered.</summary>
    public void CountState(KeyFailure? failure) => Interlocked.Increment(ref _states[failure is { } why ? (int)why + 1 : 0]);

    public void CountRetry() => Interlocked.Increment(ref _retries);

    /// <summary>Every series with its count, those at zero included.</summary>
    public IEnumerable<(KeyLevel Level, string Outcome, long Count)> Read()
    {
        (string, long)[] memory = [(Hit, Interlocked.Read(ref _memory[0])), (Miss, Interlocked.Read(ref _memory[1])), (Negative, Interlocked.Read(ref _memory[2]))];
        (string, long)[] redis = [(Hit, Interlocked.Read(ref _redis[0])), (Miss, Interlocked.Read(ref _redis[1])), (Refused, Interlocked.Read(ref _redis[2]))];
        return memory.Select(one => (KeyLevel.Memory, one.Item1, one.Item2))
            .Concat(redis.Select(one => (KeyLevel.Redis, one.Item1, one.Item2)))
            .Concat(Outcomes(_kms).Select(one => (KeyLevel.Kms, one.Outcome, one.Count)));
    }

    /// <summary>The same for readings of states.</summary>
    public IEnumerable<(string Outcome, long Count)> ReadStates() => Outcomes(_states);

    private static IEnumerable<(string Outcome, long Count)> Outcomes(long[] counts) =>
        KeyFailures.All.Select(failure => (KeyFailures.Name(failure), Interlocked.Read(ref counts[(int)failure + 1]))).Prepend((Ok, Interlocked.Read(ref counts[0])));
}
