using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PolicyService.Server.Tests;
using PolicyService.Tests.OpenId;

namespace PolicyService.Kubernetes.Tests;

/// <summary>The adapter in this process, over real TLS on a free port of 127.0.0.1.</summary>
internal sealed class TestAdapter : IAsyncDisposable
{
    private readonly TestAuthority _authority = new();
    private readonly WebApplication _application;

    private TestAdapter(WebApplication application, TestAuthority authority, LogLines log)
    {
        (_application, _authority, Log) = (application, authority, log);
        ApiServer = NewApiServer();
    }

    public LogLines Log { get; }

    public Uri Url => new(_application.Urls.Single());

    /// <summary>Who calls it.</summary>
    public ApiServerStandIn ApiServer { get; }

    /// <param name="service">Where the decision service listens.</param>
    /// <param name="change">The settings that matter to the test.</param>
    /// <param name="configure">Further changes.</param>
    /// <param name="time">Its clock.</param>
    public static async Task<TestAdapter> StartAsync(
        string service, Func<AdapterSettings, AdapterSettings>? change = null, Action<IServiceCollection>? configure = null, TimeProvider? time = null)
    {
        var (authority, log) = (new TestAuthority(), new LogLines());
        var settings = new AdapterSettings { Service = new Uri(service), Cluster = Ask.Enforced };
        var certificate = authority.IssueServer();
        var application = AdapterHost.Build(change?.Invoke(settings) ?? settings, time ?? TimeProvider.System, builder =>
        {
            builder.Logging.ClearProviders().AddProvider(log);
            builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(5));
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
            configure?.Invoke(builder.Services);
        });
        await application.StartAsync(TestContext.Current.CancellationToken);
        return new TestAdapter(application, authority, log);
    }

    /// <summary>Another caller with connections of its own.</summary>
    public ApiServerStandIn NewApiServer(X509Certificate2? clientCertificate = null)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        policy.CustomTrustStore.Add(_authority.Certificate);
        var tls = new SslClientAuthenticationOptions { CertificateChainPolicy = policy };
        if (clientCertificate is not null)
        {
            tls.ClientCertificates = [clientCertificate];
        }

        return new ApiServerStandIn(Url, tls);
    }

    public async ValueTask DisposeAsync()
    {
        ApiServer.Dispose();
        await _application.StopAsync();
        await _application.DisposeAsync();
        _authority.Dispose();
    }
}

/// <summary>A service with the standard documents and an adapter before it, for the tests of one class that change neither.</summary>
public sealed class StandardAdapter : IAsyncLifetime
{
    private readonly Signer _signer = new();
    private TestServer? _server;
    private TestAdapter? _enforced;
    private TestAdapter? _dryRun;
    private TestAdapter? _templates;

    internal TestServer Server => _server!;

    /// <summary>Of a cluster whose rules are enforced.</summary>
    internal TestAdapter Enforced => _enforced!;

    /// <summary>Of a cluster whose rules are a dry run.</summary>
    internal TestAdapter DryRun => _dryRun!;

    /// <summary>One that enforces templates, those of two configured kinds among them.</summary>
    internal TestAdapter Templates => _templates!;

    public async ValueTask InitializeAsync()
    {
        _server = await TestServer.StartAsync(DocumentsFolder.Standard(_signer));
        _enforced = await TestAdapter.StartAsync(Server.GrpcUrl);
        _dryRun = await TestAdapter.StartAsync(Server.GrpcUrl, settings => settings with { Cluster = Ask.DryRun });
        _templates = await TestAdapter.StartAsync(Server.GrpcUrl, settings => settings with
        {
            Templates = TemplateMode.Enforce,
            TemplateKinds = Workloads.TemplatePath.ParseList("Rollout.argoproj.io=spec.template;JobSet.jobset.x-k8s.io=spec.replicatedJobs[*].template.spec.template"),
        });
    }

    public async ValueTask DisposeAsync()
    {
        await Enforced.DisposeAsync();
        await DryRun.DisposeAsync();
        await Templates.DisposeAsync();
        await Server.DisposeAsync();
        _signer.Dispose();
    }
}
