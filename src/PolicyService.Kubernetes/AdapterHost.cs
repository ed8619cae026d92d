using PolicyService.Api.Clients;
using PolicyService.Api.V1;
using PolicyService.Kubernetes.Decisions;
using PolicyService.Kubernetes.Endpoints;

namespace PolicyService.Kubernetes;

/// <summary>Puts the adapter together.</summary>
public static class AdapterHost
{
    /// <param name="settings">The settings.</param>
    /// <param name="time">The clock.</param>
    /// <param name="adjust">Comes last: tests say where to listen, and put an ear for the log in place.</param>
    internal static WebApplication Build(AdapterSettings settings, TimeProvider time, Action<WebApplicationBuilder> adjust)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.Services.AddSingleton(settings).AddSingleton(time);
        builder.Services.AddSingleton(_ => PolicyDecisionChannel.Open(settings.Service));
        builder.Services.AddSingleton(services => new PolicyDecisionService.PolicyDecisionServiceClient(services.GetRequiredService<Grpc.Net.Client.GrpcChannel>()));
        builder.Services.AddSingleton<DecisionService>();
        builder.Services.AddWebhooks();
        adjust(builder);
        var application = builder.Build();
        application.MapWebhooks();
        return application;
    }
}
