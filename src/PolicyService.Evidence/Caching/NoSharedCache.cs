namespace PolicyService.Evidence.Caching;

/// <summary>Stands where no shared cache is configured: holds nothing.</summary>
public sealed class NoSharedCache : ISharedCache
{
    public static NoSharedCache Instance { get; } = new();

    public ValueTask<SharedValue?> GetAsync(CacheKey key, CancellationToken cancellation) => ValueTask.FromResult<SharedValue?>(null);

    public void Set(CacheKey key, ReadOnlyMemory<byte> value, TimeSpan lifetime)
    {
    }
}
