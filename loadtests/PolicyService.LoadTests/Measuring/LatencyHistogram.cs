using System.Numerics;

namespace PolicyService.LoadTests.Measuring;

/// <summary>
/// Counts latencies in buckets that are at most 1/64 of their value wide, so that a percentile is off by less than 2 % however long the run
/// is. Not safe for several threads: each worker has its own, and they are added at the end.
/// </summary>
internal sealed class LatencyHistogram
{
    private const int SubBits = 6;
    private const int SubBuckets = 1 << SubBits;
    private readonly long[] _buckets = new long[SubBuckets * (64 - SubBits)];

    /// <summary>Latencies counted.</summary>
    public long Count { get; private set; }

    /// <summary>The longest; exact.</summary>
    public TimeSpan Longest { get; private set; }

    public void Add(TimeSpan latency)
    {
        var nanoseconds = Math.Max(0, latency.Ticks * TimeSpan.NanosecondsPerTick);
        _buckets[BucketOf(nanoseconds)]++;
        Count++;
        Longest = latency > Longest ? latency : Longest;
    }

    public void Add(LatencyHistogram other)
    {
        for (var bucket = 0; bucket < _buckets.Length; bucket++)
        {
            _buckets[bucket] += other._buckets[bucket];
        }

        Count += other.Count;
        Longest = other.Longest > Longest ? other.Longest : Longest;
    }

    /// <summary>The latency that this share of all did not exceed (nearest rank).</summary>
    /// <param name="share">From 0 to 1: 0.99 for p99.</param>
    /// <returns>Milliseconds; null where nothing was counted.</returns>
    public double? Percentile(double share)
    {
        if (Count == 0)
        {
            return null;
        }

        var rank = Math.Clamp((long)Math.Ceiling(share * Count), 1, Count);
        var seen = 0L;
        for (var bucket = 0; bucket < _buckets.Length; bucket++)
        {
            seen += _buckets[bucket];
            if (seen >= rank)
            {
                return MiddleOf(bucket) / 1e6;
            }
        }

        return Longest.TotalMilliseconds;
    }

    private static int BucketOf(long value)
    {
        if (value < SubBuckets)
        {
            return (int)value;
        }

        var shift = 63 - BitOperations.LeadingZeroCount((ulong)value) - SubBits;
        return (int)(((shift + 1) << SubBits) + (value >> shift) - SubBuckets);
    }

    private static double MiddleOf(int bucket)
    {
        if (bucket < SubBuckets)
        {
            return bucket;
        }

        var shift = (bucket >> SubBits) - 1;
        var low = (long)((bucket & (SubBuckets - 1)) + SubBuckets) << shift;
        return low + ((1L << shift) / 2.0);
    }
}
