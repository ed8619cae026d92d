using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PolicyService.Kubernetes.Connections;
using PolicyService.Kubernetes.Decisions;
using PolicyService.Kubernetes.Findings;
using PolicyService.Kubernetes.Postures;
using PolicyService.Server.Tests;
using PolicyService.Tests.OpenId;

namespace PolicyService.Kubernetes.Tests.Running;

/// <summary>The whole adapter in this process, with its own way to listen and a directory of its own.</summary>
internal sealed class LinkedAdapter : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly DirectoryInfo _directory;

    private LinkedAdapter(WebApplication application, DirectoryInfo directory, LogLines log) => (_application, _directory, Log) = (application, directory, log);

    public LogLines Log { get; }

    public string Folder => _directory.FullName;

    public Uri Url => new(_application.Urls.Single());

    public DecisionService Decisions => _application.Services.GetRequiredService<DecisionService>();

    public ServiceWatch Watch => _application.Services.GetRequiredService<ServiceWatch>();

    public FindingJournal Journal => _application.Services.GetRequiredService<FindingJournal>();

    /// <param name="service">Where the service answers.</param>
    /// <param name="change">The settings that matter; told the directory, which is empty.</param>
    public static async Task<LinkedAdapter> StartAsync(string service, Func<AdapterSettings, string, AdapterSettings>? change = null)
    {
        var (directory, log) = (Directory.CreateTempSubdirectory("policyservice-test-"), new LogLines());
        var settings = new AdapterSettings { Service = new Uri(service), Cluster = Ask.Enforced, StateDirectory = directory.FullName, Listen = new IPEndPoint(IPAddress.Loopback, 0) };
        var application = AdapterHost.Build(change?.Invoke(settings, directory.FullName) ?? settings, TimeProvider.System, builder =>
        {
            builder.Logging.ClearProviders().AddProvider(log);
            builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(5));
        });
        await application.StartAsync(TestContext.Current.CancellationToken);
        return new LinkedAdapter(application, directory, log);
    }

    /// <summary>Documents that enforce, and admit what lies in one place.</summary>
    public static DocumentsFolder Enforced()
    {
        var folder = new DocumentsFolder();
        folder.Write("policy.yaml", DocumentsFolder.FixedPolicy("ALWAYS_DENY") + "\nadmissionWhitelistPatterns: [{namePattern: gcr.io/acme/*}]\n");
        return folder;
    }

    /// <summary>Writes a certificate of the adapter's and its key.</summary>
    public static TlsFiles WriteTls(string folder, TestAuthority authority, string name = "adapter")
    {
        using var certificate = authority.IssueServer(name);
        var files = new TlsFiles(Path.Combine(folder, "tls.crt"), Path.Combine(folder, "tls.key"));
        Write(files.Certificate, certificate.ExportCertificatePem());
        Write(files.Key, TestAuthority.KeyPem(certificate));
        return files;
    }

    /// <summary>Writes a file at one moment, as a mount is swapped.</summary>
    public static void Write(string path, string text)
    {
        File.WriteAllText($"{path}.new", text);
        File.Move($"{path}.new", path, overwrite: true);
    }

    /// <summary>A caller with connections of its own.</summary>
    public HttpClient NewCaller(TestAuthority? authority = null, X509Certificate2? client = null, Action<X509Certificate2>? seen = null)
    {
        var handler = new SocketsHttpHandler();
        if (authority is not null)
        {
            handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
            {
                chain!.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
                chain.ChainPolicy.CustomTrustStore.Add(authority.Certificate);
                chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
                seen?.Invoke((X509Certificate2)certificate!);
                return chain.Build((X509Certificate2)certificate!);
            };
            handler.SslOptions.ClientCertificateContext = client is null ? null : System.Net.Security.SslStreamCertificateContext.Create(client, null, offline: true);
        }

        return new HttpClient(handler) { BaseAddress = Url };
    }

    public async Task<ImageDecision> DecideAsync(AdmissionQuestion question, double seconds = 10) =>
        Assert.Single(await Decisions.DecideAsync(question, TimeSpan.FromSeconds(seconds), TestContext.Current.CancellationToken));

    public Task StopAsync() => _application.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await _application.StopAsync();
        await _application.DisposeAsync();
        _directory.Delete(recursive: true);
    }
}
