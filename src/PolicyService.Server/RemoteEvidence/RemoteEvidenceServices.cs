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
        services.TryAddSingleton<RegistryMetrics>();
        services.TryAddSingleton(provider => new RegistryAccess(settings.Registries, provider.GetRequiredService<RegistryMetrics>(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new TagLookups(
            // A mirror may be behind.
            (repository, tag, ending) => provider.GetRequiredService<RegistryAccess>().Client.GetManifestAsync(repository, tag, fromOrigin: true, ending),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<RemoteLifetimes>()));
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
        return (question, isAgain, cancellation) => question switch
        {
            ContainerAnalysisQuestion analysis => analyses.ListAsync(analysis, cancellation),
            _ => Task.FromResult(new RemoteList([], IsCut: false, RemoteFailure.NotFetched)),
        };
    }
}
