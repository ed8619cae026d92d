using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using PolicyService.Tests.OpenId;

namespace PolicyService.Server.Tests.Access;

/// <summary>The service's own certificate, and the protocols it speaks.</summary>
public sealed class TlsTests : IDisposable
{
    private readonly TestAuthority _authority = new("Servers");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(SslProtocols.Tls12, true)]
    [InlineData(SslProtocols.Tls13, true)]
#pragma warning disable SYSLIB0039, CA5397 // That they are refused is what is tested.
    [InlineData(SslProtocols.Tls11, false)]
    [InlineData(SslProtocols.Tls, false)]
#pragma warning restore SYSLIB0039, CA5397
    public async Task Only_TLS_1_2_and_1_3_are_spoken(SslProtocols protocol, bool spoken)
    {
        await using var server = await StartAsync();
        foreach (var url in new[] { server.GrpcUrl, server.HttpUrl })
        {
            if (spoken)
            {
                using var connection = await HandshakeAsync(url, protocol);
                Assert.Equal(protocol, connection.SslProtocol);
                Assert.Equal(url == server.GrpcUrl ? SslApplicationProtocol.Http2 : SslApplicationProtocol.Http11, connection.NegotiatedApplicationProtocol);
            }
            else
            {
                await Assert.ThrowsAnyAsync<Exception>(() => HandshakeAsync(url, protocol));
            }
        }
    }

    /// <summary>With a client that would speak the old ones if the server did: the library's own refuses before it sends anything.</summary>
    [Theory]
    [InlineData("-tls1_1", false)]
    [InlineData("-tls1", false)]
    [InlineData("-tls1_2", true)]
    public async Task Old_client_is_refused(string version, bool spoken)
    {
        await using var server = await StartAsync();
        var start = new System.Diagnostics.ProcessStartInfo("openssl", ["s_client", "-connect", new Uri(server.HttpUrl).Authority, version, "-cipher", "ALL:@SECLEVEL=0", "-alpn", "http/1.1"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = System.Diagnostics.Process.Start(start)!;
        process.StandardInput.Close();
        var (output, error) = (process.StandardOutput.ReadToEndAsync(Cancellation), process.StandardError.ReadToEndAsync(Cancellation));
        await process.WaitForExitAsync(Cancellation);
        var said = await output + await error;

        Assert.Equal(spoken, said.Contains("Server certificate\n-----BEGIN", StringComparison.Ordinal));
        Assert.Equal(!spoken, said.Contains("alert protocol version", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Service_without_TLS_in_between_speaks_none()
    {
        await using var server = await StartAsync();
        using var http = new HttpClient();

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => http.GetAsync($"http://{new Uri(server.HttpUrl).Authority}/healthz/live", Cancellation));
    }

    [Fact]
    public async Task New_certificate_serves_new_connections_and_old_ones_go_on()
    {
        await using var server = await StartAsync();
        await server.AskAsync(Ask.For(Ask.Attested));
        var before = await ShownAsync(server);
        using var next = _authority.IssueServer("next");

        Replace(server, next);

        var took = await Eventually.Holds("the new certificate is shown", async () => await ShownAsync(server) == next.Thumbprint);
        TestContext.Current.TestOutputHelper!.WriteLine($"shown after {took.TotalMilliseconds:0} ms; promised 1000");
        Assert.True(took < TimeSpan.FromSeconds(5));
        Assert.NotEqual(before, next.Thumbprint);
        // The connection from before.
        await server.AskAsync(Ask.For(Ask.Attested));
    }

    public static TheoryData<string> Unusable => new("no pair", "no certificate", "an encrypted key", "nothing");

    [Theory, MemberData(nameof(Unusable))]
    public async Task Files_that_cannot_be_used_leave_the_last_certificate(string what)
    {
        await using var server = await StartAsync();
        var before = await ShownAsync(server);

        Spoil(server.Documents, what);

        await Eventually.Holds("the problem is logged", () => server.Log.Lines.Any(line => line.Contains("--Tls:Certificate cannot be used", StringComparison.Ordinal)));
        Assert.Equal(before, await ShownAsync(server));
        var (status, body) = await server.ReadyAsync();
        Assert.Equal((System.Net.HttpStatusCode.OK, "--Tls:Certificate"), (status, body.GetProperty("access")[0].GetProperty("subject").GetString()));

        using var next = _authority.IssueServer("next");
        Replace(server, next);
        await Eventually.Holds("the new certificate is shown", async () => await ShownAsync(server) == next.Thumbprint);
        Assert.Empty((await server.ReadyAsync()).Body.GetProperty("access").EnumerateArray());
    }

    [Theory, MemberData(nameof(Unusable))]
    public void Files_that_cannot_be_used_stop_the_start(string what)
    {
        using var documents = DocumentsFolder.Fixed("ALWAYS_ALLOW");
        var tls = Credentials.Tls(documents, _authority);
        Spoil(documents, what);

        var exception = Assert.Throws<SettingsException>(() => ServerHost.Build(["--Policies:Directory", documents.Path, "--Audit:File", documents.Beside("records.jsonl"), .. tls], TimeProvider.System));

        Assert.Contains("mend --Tls:Certificate and --Tls:Key", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', exception.Message);
        if (what == "an encrypted key")
        {
            Assert.Contains("encrypted", exception.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Every_address_can_be_bound_with_authentication_and_TLS()
    {
        using var key = IssuerKey.Ec();
        using var documents = DocumentsFolder.Fixed("ALWAYS_ALLOW");
        Credentials.Write(documents.Beside("keys.json"), IssuerKey.Set(key));
        var host = ServerHost.Build(
            ["--Policies:Directory", documents.Path, "--Audit:File", documents.Beside("records.jsonl"), .. Credentials.Tls(documents, _authority), .. Credentials.Tokens(documents.Beside("keys.json")), "--Urls:Grpc", "https://0.0.0.0:0", "--Urls:Http", "https://[::]:0"],
            TimeProvider.System);
        await using (host.Application)
        {
            await host.StartAsync();
            Assert.StartsWith("https://0.0.0.0:", host.GrpcUrl, StringComparison.Ordinal);
            Assert.StartsWith("https://[::]:", host.HttpUrl, StringComparison.Ordinal);
            // By a name that is not this machine's: whoever authenticates may call it what they like.
            using var connection = await HandshakeAsync(host.HttpUrl, SslProtocols.None);
            await connection.WriteAsync("GET /healthz/live HTTP/1.1\r\nHost: policy.example.com\r\nConnection: close\r\n\r\n"u8.ToArray(), Cancellation);
            using var reader = new StreamReader(connection);
            Assert.Equal("HTTP/1.1 200 OK", await reader.ReadLineAsync(Cancellation));
            await host.Application.StopAsync(Cancellation);
        }
    }

    public void Dispose() => _authority.Dispose();

    private static async Task<string> ShownAsync(TestServer server)
    {
        using var connection = await HandshakeAsync(server.HttpUrl, SslProtocols.None);
        return connection.RemoteCertificate!.GetCertHashString();
    }

    private static async Task<SslStream> HandshakeAsync(string url, SslProtocols protocols)
    {
        var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", new Uri(url).Port, Cancellation);
        var stream = new SslStream(client.GetStream());
        var options = new SslClientAuthenticationOptions { TargetHost = "127.0.0.1", EnabledSslProtocols = protocols, ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11] };
        // What it shows is what is looked at.
        options.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null;
        await stream.AuthenticateAsClientAsync(options, Cancellation);
        return stream;
    }

    private static void Replace(TestServer server, X509Certificate2 certificate)
    {
        // One after the other, as some tools do: the pair is whole only after the second.
        Credentials.Write(server.Documents.Beside("tls.key"), TestAuthority.KeyPem(certificate));
        Credentials.Write(server.Documents.Beside("tls.crt"), certificate.ExportCertificatePem());
    }

    private static void Spoil(DocumentsFolder documents, string what)
    {
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        switch (what)
        {
            case "no pair":
                Credentials.Write(documents.Beside("tls.key"), other.ExportPkcs8PrivateKeyPem());
                break;
            case "no certificate":
                Credentials.Write(documents.Beside("tls.crt"), "nothing");
                break;
            case "an encrypted key":
                Credentials.Write(documents.Beside("tls.key"), other.ExportEncryptedPkcs8PrivateKeyPem("password", new PbeParameters(PbeEncryptionAlgorithm.Aes128Cbc, HashAlgorithmName.SHA256, 1000)));
                break;
            default:
                File.Delete(documents.Beside("tls.crt"));
                break;
        }
    }

    private Task<TestServer> StartAsync()
    {
        var documents = DocumentsFolder.Fixed("ALWAYS_ALLOW");
        return TestServer.StartAsync(documents, handler: () => Credentials.Handler(_authority), more: Credentials.Tls(documents, _authority));
    }
}
