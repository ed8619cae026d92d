using PolicyService.Evidence.Registries;
using PolicyService.Evidence.Registries.Credentials;
using PolicyService.Evidence.Remote;

namespace PolicyService.Server.RemoteEvidence;

/// <summary>What reads from registries: one client for signatures, indexes and tags.</summary>
internal static class RegistryServices
{
    public static IServiceCollection AddRegistries(this IServiceCollection services, ServerSettings settings) => services
        .AddSingleton<RegistryMetrics>().AddSingleton<RegistryGauges>()
        .AddSingleton(provider => new RegistryCredentialStore(settings.Registries, provider.GetRequiredService<TimeProvider>()))
        .AddSingleton(provider => new RegistryClient(
            settings.Registries, provider.GetRequiredService<RegistryCredentialStore>(), provider.GetRequiredService<RegistryMetrics>(), provider.GetRequiredService<TimeProvider>()))
        .AddSingleton(provider => new CosignSignatures(provider.GetRequiredService<RegistryClient>()))
        .AddSingleton(provider =>
        {
            var client = provider.GetRequiredService<RegistryClient>();
            return new IndexChildren(
                (repository, digest, cancellation) => client.GetManifestAsync(repository, digest, fromOrigin: false, cancellation),
                provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<RemoteLifetimes>());
        })
        .AddSingleton(provider =>
        {
            var client = provider.GetRequiredService<RegistryClient>();
            return new TagLookups(
                (repository, tag, cancellation) => client.GetManifestAsync(repository, tag, fromOrigin: true, cancellation),
                provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<RemoteLifetimes>());
        });
}
