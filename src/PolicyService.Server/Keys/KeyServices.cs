using Microsoft.Extensions.DependencyInjection.Extensions;
using PolicyService.Evidence.Caching;
using PolicyService.Evidence.Keys;

namespace PolicyService.Server.Keys;

/// <summary>Keys kept in Cloud KMS: the client, the cache over it, and what looks after both.</summary>
internal static class KeyServices
{
    public static IServiceCollection AddKeys(this IServiceCollection services)
    {
        services.TryAddSingleton<ISharedCache>(NoSharedCache.Instance);
        services.TryAddSingleton(new KeyLifetimes());
        services.AddSingleton<KeyMetrics>();
        services.AddSingleton<IKeyManagement>(provider => new CloudKmsClient(
            provider.GetRequiredService<ServerSettings>().KmsEndpoint,
            CloudKmsClient.ServiceAttempt,
            provider.GetRequiredService<KeyMetrics>(),
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new PublicKeyCache(
            provider.GetRequiredService<IKeyManagement>(),
            provider.GetRequiredService<ISharedCache>(),
            provider.GetRequiredService<KeyMetrics>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<KeyLifetimes>()));
        return services.AddSingleton<KeyGauges>().AddHostedService<KeyUpkeep>();
    }
}
