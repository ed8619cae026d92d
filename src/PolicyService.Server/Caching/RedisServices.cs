using PolicyService.Evidence.Caching;
using PolicyService.Server.Policies;

namespace PolicyService.Server.Caching;

/// <summary>What the service shares with its fleet, or nothing: everything works in process without Redis.</summary>
public static class RedisServices
{
    public static IServiceCollection AddRedis(this IServiceCollection services, RedisSetup? setup)
    {
        services.AddSingleton<CacheCounters>().AddSingleton<BellCounters>().AddSingleton<CacheMetrics>().AddSingleton<PollSignal>();
        if (setup is null)
        {
            return services.AddSingleton<ISharedCache>(NoSharedCache.Instance).AddSingleton<IChangeBell, NoChangeBell>()
                .AddSingleton(provider => new SharedEvidence(null, null, provider.GetRequiredService<CacheCounters>(), provider.GetRequiredService<TimeProvider>()));
        }

        return services
            .AddSingleton(setup)
            .AddSingleton(provider => new RedisLink(setup.Redis, provider.GetRequiredService<CacheCounters>(), provider.GetRequiredService<TimeProvider>()))
            .AddSingleton<ISharedCache>(provider => new RedisCache(
                provider.GetRequiredService<RedisLink>(), setup.Fleet, provider.GetRequiredService<CacheCounters>(), provider.GetRequiredService<TimeProvider>()))
            .AddSingleton(provider => new SharedEvidence(
                provider.GetRequiredService<RedisLink>(), setup.Fleet, provider.GetRequiredService<CacheCounters>(), provider.GetRequiredService<TimeProvider>()))
            .AddSingleton<RedisBell>().AddSingleton<IChangeBell>(provider => provider.GetRequiredService<RedisBell>())
            .AddHostedService<RedisKeeper>();
    }
}
