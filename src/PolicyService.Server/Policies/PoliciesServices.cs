using PolicyService.Server.Audits;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Policies;

/// <summary>Registers the documents in force and where they come from.</summary>
public static class PoliciesServices
{
    public static void AddDocuments(this IServiceCollection services, ServerSettings settings)
    {
        if (settings.PoliciesDirectory is { } directory)
        {
            services.AddSingleton(provider => new DirectorySource(directory, provider.GetRequiredService<TimeProvider>()));
            services.AddSingleton<IDocumentSource>(provider => provider.GetRequiredService<DirectorySource>());
        }

        if (settings.StorePath is not null || settings.StorePostgres is not null)
        {
            services.AddSingleton<IDocumentSource>(provider =>
            {
                var store = provider.GetRequiredService<DocumentStore>();
                store.IsElsewhere = provider.GetService<DirectorySource>() is { } files ? files.HasProject : _ => false;
                return new StoreSource(store, settings.RequiresCallers);
            });
        }

        if (settings.RequiresCallers)
        {
            services.AddSingleton<IDocumentSource>(provider => new AccessFileSource(
                settings.AccessFile, provider.GetRequiredService<AccessLog>(), provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<AccessFileSource>>()));
        }

        services.AddSingleton<SnapshotInForce>().AddHostedService<DocumentsWatcher>();
    }
}
