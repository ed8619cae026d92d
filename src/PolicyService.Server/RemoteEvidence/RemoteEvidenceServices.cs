using Microsoft.Extensions.DependencyInjection.Extensions;
using PolicyService.Evidence.Caching;
using PolicyService.Evidence.Grafeas;
using PolicyService.Evidence.Remote;

namespace PolicyService.Server.RemoteEvidence;

/// <summary>Evidence of Container Analysis elsewhere, and the archive that speaks for it while it is down.</summary>
internal static class RemoteEvidenceServices
{
    public static IServiceCollection AddRemoteEvidence(this IServiceCollection services, ServerSettings settings)
    {
        services.TryAddSingleton(new RemoteLifetimes());
        services.AddSingleton<RemoteMetrics>().AddSingleton<RemoteGauges>();
        if (settings.StorePath is not null || settings.StorePostgres is not null)
        {
            services.AddSingleton<EvidenceArchive>();
        }

        return services.AddSingleton(provider =>
        {
            var (lifetimes, metrics, time) = (provider.GetRequiredService<RemoteLifetimes>(), provider.GetRequiredService<RemoteMetrics>(), provider.GetRequiredService<TimeProvider>());
            return new RemoteOccurrences(
                endpoint => new ContainerAnalysisClient(endpoint, lifetimes.Attempt, metrics, time),
                provider.GetRequiredService<SharedEvidence>(),
                metrics,
                time,
                lifetimes,
                provider.GetService<EvidenceArchive>());
        });
    }
}
