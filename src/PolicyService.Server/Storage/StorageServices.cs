using PolicyService.Evidence.Grafeas;
using PolicyService.Evidence.Remote;

namespace PolicyService.Server.Storage;

/// <summary>Registers the store, where one is configured.</summary>
public static class StorageServices
{
    public static void AddStore(this IServiceCollection services, ServerSettings settings)
    {
        StoreDatabase? database = settings.StorePath is { } path ? new SqliteDatabase(path)
            : settings.StorePostgres is { } postgres ? new PostgresDatabase(postgres, settings.StorePostgresPasswordFile)
            : null;
        if (database is null)
        {
            return;
        }

        services.AddSingleton(provider => new DocumentStore(database, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<DocumentStore>>()));
        services.AddSingleton<IOccurrenceSource>(provider => provider.GetRequiredService<DocumentStore>());
        services.AddSingleton<StoredOccurrences>();
        services.AddSingleton<IEvidenceArchive>(provider => provider.GetRequiredService<DocumentStore>());
        // Before whatever reads it: hosted services start in their order.
        services.AddHostedService<StoreMigration>();
    }

    /// <summary>Brings the tables up to date before anything uses them.</summary>
    private sealed class StoreMigration(DocumentStore store) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => store.MigrateAsync(cancellationToken);

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
