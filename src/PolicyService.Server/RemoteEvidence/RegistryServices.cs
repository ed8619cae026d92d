using PolicyService.Evidence.Registries;
using PolicyService.Evidence.Remote;

namespace PolicyService.Server.RemoteEvidence;

/// <summary>What reads from registries: signatures, indexes and tags, by one client.</summary>
internal static class RegistryServices
{
    public static IServiceCollection AddRegistries(this IServiceCollection services, ServerSettings settings) => services
        .AddSingleton<RegistryMetrics>().AddSingleton<RegistryGauges>()
        .AddSingleton(provider => new RegistryAccess(
            settings.Registries with { Attempt = provider.GetRequiredService<RemoteLifetimes>().Attempt },
            provider.GetRequiredService<RegistryMetrics>(),
            provider.GetRequiredService<TimeProvider>()))
        .AddSingleton(provider =>
        {
            var client = provider.GetRequiredService<RegistryAccess>().Client;
            return new IndexChildren(
                (repository, digest, cancellation) => client.GetManifestAsync(repository, digest, fromOrigin: false, cancellation),
                provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<RemoteLifetimes>());
        })
        .AddSingleton(provider =>
        {
            var client = provider.GetRequiredService<RegistryAccess>().Client;
            return new TagLookups(
                // A mirror may be behind.
                (repository, tag, cancellation) => client.GetManifestAsync(repository, tag, fromOrigin: true, cancellation),
                provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<RemoteLifetimes>());
        });
}
