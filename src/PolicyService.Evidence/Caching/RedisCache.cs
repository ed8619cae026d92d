namespace PolicyService.Evidence.Caching;

/// <summary>
/// The shared cache in Redis. With a fleet key every value is sealed under it; without one only public keys are kept, as they are: they
/// count by their pin and not by where they came from.
/// </summary>
public sealed class RedisCache(RedisLink link, FleetKey? fleet, CacheCounters counters, TimeProvider time) : ISharedCache
{
    /// <summary>The kind of <see cref="CacheKey"/> of public keys.</summary>
    public const string PublicKeyKind = "key";

    private const string PublicKeyPrefix = $"ps:1:{PublicKeyKind}:";
    private readonly Seal? _seal = fleet is null ? null : new Seal(fleet.Derive(FleetKeyPurpose.Cache));

    public async ValueTask<SharedValue?> GetAsync(CacheKey key, CancellationToken cancellation)
    {
        if (!MayHold(key))
        {
            return null;
        }

        var (outcome, bytes) = await link.ReadAsync(key, cancellation);
        var (judged, value) = outcome is CacheOutcome.Hit ? Judge(key, bytes) : (outcome, default);
        counters.Count(CacheLevel.Redis, judged);
        return judged is CacheOutcome.Hit ? value : null;
    }

    public void Set(CacheKey key, ReadOnlyMemory<byte> value, TimeSpan lifetime)
    {
        if (MayHold(key))
        {
            link.Write(key, _seal?.Close(key, "", new SealedValue(0, time.GetUtcNow(), lifetime, value)) ?? value, lifetime);
        }
    }

    private bool MayHold(CacheKey key) => _seal is not null || key.ToString().StartsWith(PublicKeyPrefix, StringComparison.Ordinal);

    private (CacheOutcome Outcome, SharedValue Value) Judge(CacheKey key, ReadOnlyMemory<byte> bytes)
    {
        if (_seal is null)
        {
            return (CacheOutcome.Hit, new SharedValue(bytes, false));
        }

        return !_seal.TryOpen(key, "", bytes, out var value) ? (CacheOutcome.Lie, default)
            : !value.IsCurrentAt(time.GetUtcNow()) ? (CacheOutcome.Stale, default)
            : (CacheOutcome.Hit, new SharedValue(value.Content, true));
    }
}
