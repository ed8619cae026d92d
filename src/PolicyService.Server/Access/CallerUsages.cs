using System.Collections.Concurrent;
using PolicyService.Core;

namespace PolicyService.Server.Access;

/// <summary>What each caller has taken, by name; idle ones are forgotten when there are many.</summary>
internal sealed class CallerUsages(TimeProvider time)
{
    private static readonly TimeSpan BetweenSweeps = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, CallerUsage> _usages = new(StringComparer.Ordinal);
    private readonly CallerUsage _rest = new(time);
    private long _sweptAt;
    private int _count;

    /// <summary>Callers in memory now.</summary>
    public int Count => Volatile.Read(ref _count);

    public CallerUsage Of(string caller)
    {
        if (_usages.TryGetValue(caller, out var known))
        {
            return known;
        }

        if (Count >= Limits.Callers)
        {
            Sweep();
            if (Count >= Limits.Callers)
            {
                // So many are at work that the newest share one bucket: slower for them, and memory stays bounded.
                return _rest;
            }
        }

        var usage = new CallerUsage(time);
        var shared = _usages.GetOrAdd(caller, usage);
        if (ReferenceEquals(shared, usage))
        {
            Interlocked.Increment(ref _count);
        }

        return shared;
    }

    /// <summary>At most once a second: it looks at all of them.</summary>
    private void Sweep()
    {
        var (now, sweptAt) = (time.GetTimestamp(), Volatile.Read(ref _sweptAt));
        if ((sweptAt != 0 && time.GetElapsedTime(sweptAt, now) < BetweenSweeps) || Interlocked.CompareExchange(ref _sweptAt, now, sweptAt) != sweptAt)
        {
            return;
        }

        foreach (var (caller, usage) in _usages)
        {
            if (usage.IsIdle && _usages.TryRemove(KeyValuePair.Create(caller, usage)))
            {
                Interlocked.Decrement(ref _count);
            }
        }
    }
}
