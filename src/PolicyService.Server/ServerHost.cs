using System.Net.Sockets;
using Grpc.Reflection;
using Microsoft.AspNetCore.HostFiltering;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using PolicyService.Core;
using PolicyService.Core.Access;
using PolicyService.Evidence;
using PolicyService.Evidence.Verification;
using PolicyService.Server.Access;
using PolicyService.Server.Access.Certificates;
using PolicyService.Server.Audits;
using PolicyService.Server.Caching;
using PolicyService.Server.Decisions;
using PolicyService.Server.Endpoints;
using PolicyService.Server.Endpoints.Rest;
using PolicyService.Server.Keys;
using PolicyService.Server.Policies;
using PolicyService.Server.RemoteEvidence;
using PolicyService.Server.Shedding;
using PolicyService.Server.Storage;
using Prometheus;

namespace PolicyService.Server;

/// <summary>Puts the service together.</summary>
public sealed class ServerHost
{
    private readonly ListenOptions[] _listening = new ListenOptions[2];
    private readonly string _scheme;

    private ServerHost(WebApplicationBuilder builder, ServerSettings settings)
    {
        _scheme = settings.Scheme;
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => ConfigureKestrel(kestrel, settings));
        builder.Services.Configure<SocketTransportOptions>(ConnectionLimits.Apply);
        Application = builder.Build();
    }

    public WebApplication Application { get; }

    /// <summary>Where gRPC listens, once started; the port is the real one where 0 was asked for.</summary>
    public string GrpcUrl => $"{_scheme}://{_listening[0].IPEndPoint}";

    /// <summary>Where HTTP/1.1 listens, once started.</summary>
    public string HttpUrl => $"{_scheme}://{_listening[1].IPEndPoint}";

    /// <param name="args">The command line.</param>
    /// <param name="time">The clock; tests bring their own.</param>
    /// <exception cref="SettingsException">A setting stops the start.</exception>
    public static ServerHost Build(string[] args, TimeProvider time) => Build(args, time, _ => { });

    /// <param name="args">The command line.</param>
    /// <param name="time">The clock.</param>
    /// <param name="adjust">Comes last: tests put a failing sink, or an ear for the log, in place.</param>
    /// <param name="requiresCallers">Callers must be somebody, whatever the settings: tests say who.</param>
    internal static ServerHost Build(string[] args, TimeProvider time, Action<WebApplicationBuilder> adjust, bool requiresCallers = false)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        var settings = ServerSettings.Read(builder.Configuration, args, requiresCallers);
        // Standard output belongs to the decision records.
        builder.Logging.ClearProviders().AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace)
            .AddFilter("Microsoft", LogLevel.Warning).AddFilter("Grpc", LogLevel.Warning)
            // Many critical lines for each client that breaks the rules of HTTP/2: whoever likes could fill the log, and slow down what writes it.
            .AddFilter("Microsoft.AspNetCore.Server.Kestrel.Http2", LogLevel.None)
            // Any level makes an activity and a scope for each request, which nobody here listens to; whoever does listen still gets them. What is lost
            // is nothing but the framework's own lines about the beginning and end of requests: unhandled exceptions are logged by those who catch
            // them (the exception handler, the gRPC framework, the web server), and a failed start is told by Program.
            .AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None)
            // A start that fails is told in one line, by Program.
            .AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical);
        builder.Services.AddSingleton(settings).AddSingleton(time);
        builder.Services.AddSingleton(_ => Prometheus.Metrics.NewCustomRegistry());
        builder.Services.AddRedis(settings.Redis);
        builder.Services.AddStore(settings);
        builder.Services.AddDocuments(settings);
        builder.Services.AddKeys();
        builder.Services.AddRemoteEvidence(settings);
        builder.Services.AddRegistries(settings);
        builder.Services.AddSingleton<VerifiedSignatures>().AddSingleton<EvidenceCollector>();
        builder.Services.AddSingleton<DecisionMetrics>().AddSingleton<PolicyDecisionPoint>().AddSingleton<EvaluationGate>().AddSingleton<ConnectionGate>();
        builder.Services.AddSingleton<ClusterGate>().AddSingleton<ClusterWatch>().AddSingleton<FindingReports>();
        builder.Services.AddSingleton<StreamDrain>().AddHostedService(services => services.GetRequiredService<StreamDrain>());
        builder.Services.AddSingleton(OpenSink(settings));
        builder.Services.AddSingleton<DecisionLog>().AddHostedService(services => services.GetRequiredService<DecisionLog>());
        builder.Services.AddGrpc(grpc => grpc.MaxReceiveMessageSize = Limits.MessageBytes)
            .AddServiceOptions<ReflectionServiceImpl>(reflection => reflection.Interceptors.Add<ReflectionMessages>())
            .AddServiceOptions<ReflectionV1ServiceImpl>(reflection => reflection.Interceptors.Add<ReflectionMessages>());
        builder.Services.AddGrpcReflection();
        builder.Services.AddAccess(settings);
        builder.Services.AddRest();
        builder.Services.AddCallerLimits();
        builder.Services.AddShedding();
        builder.Services.AddGrpcHealthChecks(health =>
            {
                health.Services.Map("policyservice.v1.PolicyDecisionService", _ => true);
                health.Services.Map("policyservice.v1.ClusterService", _ => true);
            })
            .AddCheck<ReadyCheck>("ready");
        // A name that resolves to this machine must not let a web page of another site in. Where callers authenticate, no page has their credentials.
        builder.Services.Configure<HostFilteringOptions>(filter => filter.AllowedHosts = settings.RequiresCallers ? ["*"] : ["localhost", "127.0.0.1", "[::1]"]);
        adjust(builder);
        var host = new ServerHost(builder, settings);
        host.MapEndpoints();
        return host;
    }

    /// <exception cref="SettingsException">It may not listen where it should.</exception>
    /// <exception cref="IOException">An address is in use.</exception>
    public async Task StartAsync()
    {
        try
        {
            await Application.StartAsync();
        }
        catch (SocketException exception)
        {
            var settings = Application.Services.GetRequiredService<ServerSettings>();
            throw new SettingsException(
                $"{exception.Message} at {settings.Scheme}://{settings.Grpc} or {settings.Scheme}://{settings.Http}: give --Urls:Grpc and --Urls:Http ports above 1023, or the service the right to listen there");
        }
    }

    /// <summary>Starts, says so, and waits for the end.</summary>
    /// <returns>The exit code: 0 after a stop that somebody asked for, 1 after one that a failure within brought about.</returns>
    /// <exception cref="SettingsException">It may not listen where it should.</exception>
    /// <exception cref="IOException">An address is in use.</exception>
    public async Task<int> RunAsync(TextWriter said)
    {
        await StartAsync();
        // One line that scripts may wait for; everything else on standard error is a log.
        await said.WriteLineAsync($"PolicyService is ready: gRPC {GrpcUrl}, HTTP {HttpUrl}");
        await Application.WaitForShutdownAsync();
        var failed = Application.Services.GetServices<IHostedService>().OfType<BackgroundService>().FirstOrDefault(service => service.ExecuteTask is { IsFaulted: true });
        if (failed is null)
        {
            return 0;
        }

        // The log has the exception.
        await said.WriteLineAsync($"PolicyService ended because {failed.GetType().Name} failed");
        return 1;
    }

    private static IRecordSink OpenSink(ServerSettings settings)
    {
        if (settings.AuditFile is null)
        {
            return new StandardOutputSink();
        }

        try
        {
            var sink = new FileRecordSink(settings.AuditFile);
            sink.Write([]);
            return sink;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new SettingsException($"the decision records cannot be written to `{settings.AuditFile}` ({exception.GetType().Name}): mend --Audit:File");
        }
    }

    private void ConfigureKestrel(KestrelServerOptions kestrel, ServerSettings settings)
    {
        kestrel.AddServerHeader = false;
        ConnectionLimits.Apply(kestrel.Limits);
        kestrel.Listen(settings.Grpc, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.ApplicationServices.GetRequiredService<ConnectionGate>().Use(listen);
            UseTls(listen);
            _listening[0] = listen;
        });
        kestrel.Listen(settings.Http, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            listen.ApplicationServices.GetRequiredService<ConnectionGate>().Use(listen);
            UseTls(listen);
            _listening[1] = listen;
        });
    }

    private static void UseTls(ListenOptions listen) => listen.ApplicationServices.GetService<TlsConnections>()?.Use(listen);

    private void MapEndpoints()
    {
        Application.UseHostFiltering();
        Application.UseRestErrors();
        // Before the body of a request takes any memory.
        Application.UseCallers();
        Application.UseShedding();
        Application.UseCallerLimits();
        Application.UseAccess();
        Application.UseStreamEnds();
        var health = new HealthRequests(Application.Services.GetRequiredService<TimeProvider>());
        Application.Use((context, next) => health.InvokeAsync(context, next));
        Application.UseRest();
        // gRPC measures each message against its own limit before it reads it.
        Application.MapGrpcService<PolicyDecisionEndpoint>().WithMetadata(new DisableRequestSizeLimitAttribute()).NeedsByMethod().AnswersUnaryCalls(Application.Services);
        Application.MapGrpcService<ClusterEndpoint>().WithMetadata(new DisableRequestSizeLimitAttribute()).NeedsByMethod();
        Application.MapGrpcReflectionService().NeedsByMethod();
        Application.MapGrpcHealthChecksService().NeedsByMethod();
        Application.MapPost("/v1/evaluate", EvaluateEndpoint.HandleAsync).WithMetadata(new RequestCost(UsesStore: false), AccessRequirement.PerMessage);
        Application.MapRest();
        Application.MapHealthChecks("/healthz/live", new() { Predicate = _ => false }).WithMetadata(AccessRequirement.Open);
        Application.MapHealthChecks("/healthz/ready", ReadyDetail.Options).WithMetadata(AccessRequirement.Open);
        // Created here, so that the first page of metrics shows the documents before anybody asked for a decision.
        Application.Services.GetRequiredService<DecisionMetrics>();
        Application.Services.GetRequiredService<FindingReports>();
        Application.Services.GetRequiredService<KeyGauges>();
        Application.Services.GetRequiredService<CacheMetrics>();
        Application.Services.GetRequiredService<RemoteGauges>();
        Application.Services.GetRequiredService<RegistryGauges>();
        Application.MapMetrics("/metrics", Application.Services.GetRequiredService<CollectorRegistry>()).Needs(Permissions.MetricsGet, AccessResource.Service);
    }
}
