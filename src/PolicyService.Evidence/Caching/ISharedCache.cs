namespace PolicyService.Evidence.Caching;

/// <summary>A cache that replicas share; it may lose, replay, swap or invent values. Never throws but for the caller's cancellation.</summary>
public interface ISharedCache
{
    /// <summary>What is there; null: nothing usable.</summary>
    ValueTask<SharedValue?> GetAsync(CacheKey key, CancellationToken cancellation);

    /// <summary>Best effort, in the background.</summary>
    void Set(CacheKey key, ReadOnlyMemory<byte> value, TimeSpan lifetime);
}

/// <summary>A value of a shared cache.</summary>
/// <param name="Content">What somebody wrote there.</param>
/// <param name="IsAuthenticated">A replica of this fleet wrote it under this key; otherwise anybody may have.</param>
public readonly record struct SharedValue(ReadOnlyMemory<byte> Content, bool IsAuthenticated);
