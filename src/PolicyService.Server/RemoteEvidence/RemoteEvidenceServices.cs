using Microsoft.Extensions.DependencyInjection.Extensions;
using PolicyService.Evidence.Caching;
using PolicyService.Evidence.Grafeas;
using PolicyService.Evidence.Registries;
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

        services.AddSingleton(provider =>
        {
            var (lifetimes, metrics, time) = (provider.GetRequiredService<RemoteLifetimes>(), provider.GetRequiredService<RemoteMetrics>(), provider.GetRequiredService<TimeProvider>());
            return new ContainerAnalysisClients(endpoint => new ContainerAnalysisClient(endpoint, lifetimes.Attempt, metrics, time));
        });
        return services.AddSingleton(provider => new RemoteAnswers(
            Listing(provider),
            provider.GetRequiredService<SharedEvidence>(),
            provider.GetRequiredService<RemoteMetrics>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<RemoteLifetimes>(),
            provider.GetService<EvidenceArchive>()));
    }

    private static RemoteListing Listing(IServiceProvider provider)
    {
        var analyses = provider.GetRequiredService<ContainerAnalysisClients>();
        var registries = provider.GetRequiredService<RegistryAccess>();
        return (question, isAgain, cancellation) => question switch
        {
            ContainerAnalysisQuestion analysis => analyses.ListAsync(analysis, cancellation),
            RegistryQuestion registry => registries.ListAsync(registry, isAgain, cancellation),
            _ => Task.FromResult(new RemoteList([], IsCut: false, RemoteFailure.NotFetched)),
        };
    }
}
