using System.Collections.Concurrent;
using PolicyService.Evidence.Caching;

namespace PolicyService.Evidence.Tests.Keys;

/// <summary>A shared cache that holds what it is told to, and says of it what it is told to.</summary>
internal sealed class TestSharedCache : ISharedCache
{
    public ConcurrentDictionary<CacheKey, byte[]> Values { get; } = new();

    public bool IsAuthenticated { get; set; }

    /// <summary>Answers every question with this, whatever was asked.</summary>
    public byte[]? Lie { get; set; }

    public bool IsSilent { get; set; }

    public int Questions { get; private set; }

    public async ValueTask<SharedValue?> GetAsync(CacheKey key, CancellationToken cancellation)
    {
        Questions++;
        if (IsSilent)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
        }

        return Lie is not null ? new SharedValue(Lie, IsAuthenticated)
            : Values.TryGetValue(key, out var value) ? new SharedValue(value, IsAuthenticated)
            : null;
    }

    public void Set(CacheKey key, ReadOnlyMemory<byte> value, TimeSpan lifetime) => Values[key] = value.ToArray();
}
