using PolicyService.Server.Storage;

namespace PolicyService.Server.Policies;

/// <summary>Registers the documents in force and where they come from.</summary>
public static class PoliciesServices
{
    public static void AddDocuments(this IServiceCollection services, ServerSettings settings)
    {
        if (settings.PoliciesDirectory is { } directory)
        {
            services.AddSingleton<IDocumentSource>(provider => new DirectorySource(directory, provider.GetRequiredService<TimeProvider>()));
        }

        if (settings.StorePath is not null || settings.StorePostgres is not null)
        {
            services.AddSingleton<IDocumentSource>(provider => new StoreSource(provider.GetRequiredService<DocumentStore>()));
        }

        services.AddSingleton<SnapshotInForce>().AddHostedService<DocumentsWatcher>();
    }
}
