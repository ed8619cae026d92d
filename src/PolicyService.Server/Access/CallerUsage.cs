using PolicyService.Core.Access;

namespace PolicyService.Server.Access;

/// <summary>
/// What one caller has taken. The bucket is a single number, the time at which it will be full again, so that taking from it needs no lock
/// and a change of the quota keeps its fill. (The framework's limiters read their own clock, and a new limit would mean a new, full bucket.)
/// </summary>
internal sealed class CallerUsage(TimeProvider time)
{
    private CallerLimits _last = CallerLimits.Default;
    private long _fullAt = time.GetTimestamp();
    private int _requests;
    private int _streams;
    private long _bodyBytes;

    /// <summary>Bytes of bodies held in memory for it.</summary>
    public ref long BodyBytes => ref _bodyBytes;

    /// <summary>Nothing is lost when it is forgotten.</summary>
    public bool IsIdle =>
        Volatile.Read(ref _requests) == 0 && Volatile.Read(ref _streams) == 0 && Volatile.Read(ref _bodyBytes) == 0 && Volatile.Read(ref _fullAt) <= time.GetTimestamp();

    /// <summary>
    /// The quota that counts for the caller. Asked each time: requests of one name may bring different members, and what one of them has must
    /// not stay with the next.
    /// </summary>
    public CallerLimits QuotaOf(Caller caller, CallerQuotas quotas)
    {
        var (quota, last) = (quotas.Of(caller), Volatile.Read(ref _last));
        if (!ReferenceEquals(quota, last) && ReferenceEquals(Interlocked.CompareExchange(ref _last, quota, last), last) && quota.RequestsPerSecond != last.RequestsPerSecond)
        {
            Refill(last.RequestsPerSecond / quota.RequestsPerSecond);
        }

        return quota;
    }

    /// <summary>Takes a place among its requests or streams.</summary>
    public bool TryEnter(bool isStream, CallerLimits quota)
    {
        ref var count = ref isStream ? ref _streams : ref _requests;
        if (Interlocked.Increment(ref count) <= (isStream ? quota.Streams : quota.ConcurrentRequests))
        {
            return true;
        }

        Interlocked.Decrement(ref count);
        return false;
    }

    public void Leave(bool isStream) => Interlocked.Decrement(ref isStream ? ref _streams : ref _requests);

    /// <summary>
    /// Takes tokens out of the bucket. What is larger than the whole bucket is let through when it is full, and takes it below empty, so
    /// that over time the rate holds whatever the sizes.
    /// </summary>
    /// <param name="tokens">What a request costs in all; at least one.</param>
    /// <param name="paid">What of it was taken before.</param>
    /// <param name="quota">The quota that counts.</param>
    /// <param name="retryAfter">When the same could be taken; zero if it was.</param>
    public bool TryTake(int tokens, int paid, CallerLimits quota, out TimeSpan retryAfter)
    {
        var now = time.GetTimestamp();
        var ticks = time.TimestampFrequency / quota.RequestsPerSecond;
        var room = (long)((quota.Burst - Math.Min(tokens, quota.Burst) + paid) * ticks);
        var price = (long)((tokens - paid) * ticks);
        while (true)
        {
            var fullAt = Volatile.Read(ref _fullAt);
            var owed = Math.Max(0, fullAt - now);
            if (owed > room)
            {
                retryAfter = time.GetElapsedTime(now, now + owed - room);
                return false;
            }

            if (Interlocked.CompareExchange(ref _fullAt, now + owed + price, fullAt) == fullAt)
            {
                retryAfter = TimeSpan.Zero;
                return true;
            }
        }
    }

    /// <summary>As many tokens are missing as before, and fill at another rate.</summary>
    private void Refill(double stretch)
    {
        while (true)
        {
            var (now, fullAt) = (time.GetTimestamp(), Volatile.Read(ref _fullAt));
            if (fullAt <= now || Interlocked.CompareExchange(ref _fullAt, now + (long)((fullAt - now) * stretch), fullAt) == fullAt)
            {
                return;
            }
        }
    }
}
