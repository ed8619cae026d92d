using Microsoft.AspNetCore.Server.Kestrel.Core;
using PolicyService.Api.V1;
using PolicyService.Kubernetes.Connections;
using PolicyService.Kubernetes.Decisions;
using PolicyService.Kubernetes.Endpoints;
using PolicyService.Kubernetes.Events;
using PolicyService.Kubernetes.Findings;
using PolicyService.Kubernetes.Postures;
using PolicyService.Kubernetes.Running;
using Prometheus;

namespace PolicyService.Kubernetes;

/// <summary>Puts the adapter together.</summary>
public static class AdapterHost
{
    private const int MaxConnections = 1000;
    private const int MaxHeaderBytes = 32 * 1024;
    private static readonly TimeSpan HeadersTime = TimeSpan.FromSeconds(10);

    /// <summary>Longer than any API server keeps one without a call: it is never the adapter that ends a connection in the moment a call comes.</summary>
    private static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(130);
    private static readonly TimeSpan PingAfter = TimeSpan.FromSeconds(30);

    /// <param name="args">The command line.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="SettingsException">A setting stops the start.</exception>
    public static WebApplication Build(string[] args, TimeProvider time)
    {
        var configuration = new ConfigurationBuilder().AddEnvironmentVariables().AddCommandLine(args).Build();
        return Build(AdapterSettingsReader.Read(configuration, args), time, _ => { });
    }

    /// <param name="settings">The settings.</param>
    /// <param name="time">The clock.</param>
    /// <param name="adjust">Comes last: tests say where to listen, and put an ear for the log in place.</param>
    /// <exception cref="SettingsException">A file cannot be used.</exception>
    internal static WebApplication Build(AdapterSettings settings, TimeProvider time, Action<WebApplicationBuilder> adjust)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Logging.ClearProviders().AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace)
            .AddFilter("Microsoft", LogLevel.Warning).AddFilter("Grpc", LogLevel.Warning).AddFilter("System.Net.Http", LogLevel.Warning)
            // Many critical lines for each client that breaks the rules of HTTP/2.
            .AddFilter("Microsoft.AspNetCore.Server.Kestrel.Http2", LogLevel.None)
            .AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => Configure(kestrel, settings));
        AddServices(builder.Services, settings, time);
        adjust(builder);
        var application = builder.Build();
        Map(application);
        return application;
    }

    private static void AddServices(IServiceCollection services, AdapterSettings settings, TimeProvider time)
    {
        services.AddSingleton(settings).AddSingleton(time);
        services.AddSingleton(_ => Metrics.NewCustomRegistry()).AddSingleton<AdapterMetrics>();
        services.AddSingleton<ServiceConnection>();
        services.AddSingleton(provider => new PolicyDecisionService.PolicyDecisionServiceClient(provider.GetRequiredService<ServiceConnection>()));
        services.AddSingleton(provider => new ClusterService.ClusterServiceClient(provider.GetRequiredService<ServiceConnection>()));
        services.AddSingleton<AdapterCertificate>().AddSingleton<ClientCertificates>().AddSingleton<WebhookConnections>();
        services.AddSingleton<PostureFile>().AddSingleton<FindingJournal>().AddSingleton<ServiceCall>().AddSingleton<Fallback>();
        services.AddSingleton(provider => new DecisionService(
            provider.GetRequiredService<ServiceCall>(), provider.GetRequiredService<Fallback>(), settings, provider.GetRequiredService<AdapterMetrics>(), time));
        services.AddSingleton<EventWriter>().AddSingleton<ServiceWatch>().AddSingleton<Readiness>();
        services.AddHostedService(provider => provider.GetRequiredService<EventWriter>());
        services.AddHostedService(provider => provider.GetRequiredService<ServiceWatch>());
        services.AddHostedService(provider => provider.GetRequiredService<Readiness>());
        services.AddHostedService<FindingForwarder>().AddHostedService<FileWatcher>();
        services.AddWebhooks();
    }

    private static void Configure(KestrelServerOptions kestrel, AdapterSettings settings)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxConcurrentConnections = MaxConnections;
        kestrel.Limits.MaxRequestHeadersTotalSize = MaxHeaderBytes;
        kestrel.Limits.RequestHeadersTimeout = HeadersTime;
        kestrel.Limits.KeepAliveTimeout = IdleTime;
        kestrel.Limits.Http2.KeepAlivePingDelay = PingAfter;
        kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(16 * 1024, HeadersTime / 2);
        if (settings.Listen is not { } address)
        {
            return;
        }

        kestrel.Listen(address, listen =>
        {
            if (settings.Tls is not null)
            {
                listen.ApplicationServices.GetRequiredService<WebhookConnections>().Use(listen);
            }
        });
    }

    private static void Map(WebApplication application)
    {
        var (connections, metrics, readiness) = (
            application.Services.GetRequiredService<WebhookConnections>(), application.Services.GetRequiredService<AdapterMetrics>(), application.Services.GetRequiredService<Readiness>());
        application.Use(async (context, next) =>
        {
            if (!IsOpen(context.Request.Path) && connections.ProblemOf(context) is { } problem)
            {
                context.Response.StatusCode = StatusCodes.Status403Forbidden;
                await context.Response.WriteAsync(problem, context.RequestAborted);
            }
            else
            {
                await next(context);
            }

            metrics.Reviewed(context.Request.Path.Value ?? "", context.Response.StatusCode);
        });
        application.MapWebhooks();
        application.MapGet("/healthz/live", () => Results.Text("live\n"));
        application.MapGet("/healthz/ready", () => readiness.IsReady ? Results.Text("ready\n") : Results.Text("not ready\n", statusCode: StatusCodes.Status503ServiceUnavailable));
        application.MapMetrics("/metrics", metrics.Registry);
    }

    /// <summary>The kubelet and who collects metrics have no certificate of an API server.</summary>
    private static bool IsOpen(PathString path) => path == "/healthz/live" || path == "/healthz/ready" || path == "/metrics";
}
