using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using PolicyService.Kubernetes.Decisions;
using PolicyService.Server.Tests;
using PolicyService.Tests.OpenId;

namespace PolicyService.Kubernetes.Tests.Running;

/// <summary>What the adapter shows to the service is what its files hold now.</summary>
public sealed class ServiceCredentialTests
{
    private static readonly AdmissionQuestion Question = new([Ask.Attested], "shop", "app", new AdmissionSubject("Pod", "web", "CREATE", "alice"));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Token_is_read_for_each_question_and_one_that_cannot_be_read_decides_nothing()
    {
        var seen = new SeenTokens();
        await using var server = await TestServer.StartAsync(LinkedAdapter.Enforced(), configure: services => services.AddSingleton<IStartupFilter>(seen));
        await using var adapter = await LinkedAdapter.StartAsync(server.GrpcUrl, (settings, folder) =>
        {
            LinkedAdapter.Write(Path.Combine(folder, "token"), "one\n");
            return settings with { ServiceFiles = new() { Token = Path.Combine(folder, "token") } };
        });
        Assert.Equal(Admission.Admitted, (await adapter.DecideAsync(Question, 30)).Admission);
        Assert.Equal("Bearer one", seen.Last);

        LinkedAdapter.Write(Path.Combine(adapter.Folder, "token"), "two\n");
        Assert.Equal(Admission.Admitted, (await adapter.DecideAsync(Question, 30)).Admission);
        Assert.Equal("Bearer two", seen.Last);

        // A fault of its own set-up is no outage of the service.
        File.Delete(Path.Combine(adapter.Folder, "token"));
        var refused = await adapter.DecideAsync(Question with { FailMode = FailMode.Open, IsBreakGlass = true }, 30);
        Assert.Equal((Admission.Refused, AdmissionBasis.None), (refused.Admission, refused.Basis));

        LinkedAdapter.Write(Path.Combine(adapter.Folder, "token"), "three\n");
        Assert.Equal(Admission.Admitted, (await adapter.DecideAsync(Question, 30)).Admission);
    }

    [Fact]
    public async Task Certificate_that_is_renewed_is_shown_on_new_connections_and_a_broken_one_never()
    {
        using var servers = new TestAuthority("servers");
        using var clients = new TestAuthority("clients");
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var certificate = servers.IssueServer();
        var shown = new ConcurrentQueue<string>();
        var serving = ServeAsync(listener, certificate, shown, stopping.Token);
        await using (var adapter = await LinkedAdapter.StartAsync($"https://{listener.LocalEndpoint}", (settings, folder) =>
        {
            LinkedAdapter.Write(Path.Combine(folder, "service.pem"), servers.Pem);
            return settings with { ServiceFiles = new() { Ca = Path.Combine(folder, "service.pem"), Own = LinkedAdapter.WriteTls(folder, clients, "one") } };
        }))
        {
            await Eventually.Holds("it is shown", () => shown.Contains("CN=one"));
            LinkedAdapter.Write(Path.Combine(adapter.Folder, "tls.key"), "no key");
            await Eventually.Holds("it is told", () => adapter.Log.Lines.Any(line => line.Contains("New credentials for the service cannot be used", StringComparison.Ordinal)));
            shown.Clear();
            await Eventually.Holds("the last good one is shown", () => shown.Contains("CN=one"));

            LinkedAdapter.WriteTls(adapter.Folder, clients, "two");

            await Eventually.Holds("the new one is shown", () => shown.Contains("CN=two"));
            Assert.DoesNotContain("", shown);
        }

        await stopping.CancelAsync();
        await serving;
    }

    /// <summary>Looks at the certificate of whoever connects, and hangs up.</summary>
    private static async Task ServeAsync(TcpListener listener, X509Certificate2 certificate, ConcurrentQueue<string> shown, CancellationToken stopping)
    {
        var context = SslStreamCertificateContext.Create(certificate, null, offline: true);
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                using var connection = await listener.AcceptTcpClientAsync(stopping);
                await using var stream = new SslStream(connection.GetStream());
                await stream.AuthenticateAsServerAsync(
                    new SslServerAuthenticationOptions
                    {
                        ServerCertificateContext = context,
                        ClientCertificateRequired = true,
                        ApplicationProtocols = [SslApplicationProtocol.Http2],
                        // Else the certificate is not sent before the first request.
                        EnabledSslProtocols = SslProtocols.Tls12,
                        RemoteCertificateValidationCallback = (_, client, _, _) =>
                        {
                            shown.Enqueue(client?.Subject ?? "");
                            return client is not null;
                        },
                    },
                    stopping);
            }
            catch (Exception exception) when (exception is OperationCanceledException or IOException or AuthenticationException)
            {
                // The next one.
            }
        }
    }

    private sealed class SeenTokens : IStartupFilter
    {
        private string _last = "";

        public string Last => Volatile.Read(ref _last);

        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => application =>
        {
            application.Use((context, following) =>
            {
                if (context.Request.Path.Value?.EndsWith("/EvaluateBatch", StringComparison.Ordinal) is true)
                {
                    Volatile.Write(ref _last, context.Request.Headers.Authorization.ToString());
                }

                return following(context);
            });
            next(application);
        };
    }
}
