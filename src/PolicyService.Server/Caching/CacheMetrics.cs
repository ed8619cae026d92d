using PolicyService.Evidence.Caching;
using PolicyService.Server.Policies;
using Prometheus;

namespace PolicyService.Server.Caching;

/// <summary>Shows what the caches and the bell counted. Every label is of a closed set.</summary>
public sealed class CacheMetrics
{
    public CacheMetrics(CollectorRegistry registry, CacheCounters caches, BellCounters bells, RedisLink? link = null)
    {
        var factory = Metrics.WithCustomRegistry(registry);
        var reads = factory.CreateCounter("policyservice_cache_reads_total", "Look-ups by level and outcome.", "level", "outcome");
        var writes = factory.CreateCounter("policyservice_cache_writes_total", "Writes to the shared cache by outcome.", "outcome");
        var rings = factory.CreateCounter("policyservice_bell_messages_total", "Bells rung, and messages heard on their channel, by what became of them.", "outcome");
        var isUp = link is null ? null : factory.CreateGauge("policyservice_redis_up", "1 while Redis answers in time.");
        registry.AddBeforeCollectCallback(() =>
        {
            isUp?.Set(link?.State is RedisState.Up or RedisState.Refusing ? 1 : 0);
            foreach (var outcome in Enum.GetValues<CacheOutcome>())
            {
                foreach (var level in Enum.GetValues<CacheLevel>())
                {
                    reads.WithLabels(Name(level), Name(outcome)).IncTo(caches.Of(level, outcome));
                }
            }

            foreach (var outcome in Enum.GetValues<CacheWrite>())
            {
                writes.WithLabels(Name(outcome)).IncTo(caches.Of(outcome));
            }

            foreach (var outcome in Enum.GetValues<BellOutcome>())
            {
                rings.WithLabels(Name(outcome)).IncTo(bells.Of(outcome));
            }
        });
    }

    private static string Name<T>(T value)
        where T : struct, Enum => Enum.GetName(value)!.ToLowerInvariant();
}
