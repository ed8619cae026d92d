using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using PolicyService.Tests.OpenId;

namespace PolicyService.Server.Tests.Access;

/// <summary>Client certificates that their owner has made up, in which something cannot be read: no failure of the service, and no line in its log.</summary>
public sealed class UnreadableCertificateTests : IDisposable
{
    private readonly TestAuthority _servers = new("Servers");
    private readonly TestAuthority _clients = new("Clients");

    [Fact]
    public async Task Certificate_that_the_library_cannot_read_ends_the_handshake()
    {
        // A purpose with an identifier longer than the library reads.
        byte[] purpose = [0x2A, .. Enumerable.Repeat((byte)0xFF, 118), 0x01];
        using var certificate = MadeUp(new X509Extension("2.5.29.37", [0x30, (byte)(purpose.Length + 2), 0x06, (byte)purpose.Length, .. purpose], critical: false));
        await using var server = await StartAsync(certificate);

        for (var attempt = 0; attempt < 3; attempt++)
        {
            await Assert.ThrowsAsync<HttpRequestException>(() => Credentials.RestAsync(server, null));
        }

        Assert.DoesNotContain(server.Log.Lines, line => line.StartsWith("Error", StringComparison.Ordinal));
        // Others are served.
        using var known = _clients.Issue(new CertificateText());
        using var http = new HttpClient(Credentials.Handler(_servers, known)) { BaseAddress = server.Http.BaseAddress };
        using var answer = await http.SendAsync(Credentials.Question(), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public void Certificate_whose_times_are_none_does_not_count()
    {
        using var sound = MadeUp();
        var bytes = sound.RawData;
        // "YYMMDD…Z": a month of letters.
        var at = bytes.AsSpan().IndexOf((ReadOnlySpan<byte>)[0x17, 0x0D]);
        Assert.True(at > 0);
        "xx"u8.CopyTo(bytes.AsSpan(at + 4));
        using var spoiled = X509CertificateLoader.LoadCertificate(bytes);

        var outcome = Server.Access.Certificates.ClientCertificateVerifier.Verify(spoiled, [], [_clients.Certificate], TimeProvider.System.GetUtcNow());

        Assert.Equal("the client certificate cannot be read", outcome.Problem);
    }

    [Fact]
    public async Task Ready_tells_a_caller_with_a_certificate_what_it_tells_one_with_a_token()
    {
        using var certificate = _clients.Issue(new CertificateText());
        await using var server = await StartAsync(certificate);

        Assert.True((await server.ReadyAsync()).Body.TryGetProperty("documents", out _));
        // A probe is answered whatever it brings along.
        using var foreign = MadeUp();
        using var http = new HttpClient(Credentials.Handler(_servers, foreign)) { BaseAddress = server.Http.BaseAddress };
        Assert.Equal("""{"status":"ready"}""", await http.GetStringAsync("/healthz/ready", TestContext.Current.CancellationToken));
    }

    public void Dispose()
    {
        _servers.Dispose();
        _clients.Dispose();
    }

    private static X509Certificate2 MadeUp(params X509Extension[] extensions)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=somebody", key, HashAlgorithmName.SHA256);
        foreach (var extension in extensions)
        {
            request.CertificateExtensions.Add(extension);
        }

        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.Exportable);
    }

    private Task<TestServer> StartAsync(X509Certificate2 client)
    {
        var documents = DocumentsFolder.Fixed("ALWAYS_ALLOW");
        Credentials.Write(documents.Beside("clients.pem"), _clients.Pem);
        return TestServer.StartAsync(
            documents,
            handler: () => Credentials.Handler(_servers, client),
            more: [.. Credentials.Tls(documents, _servers), "--Auth:ClientCa", documents.Beside("clients.pem"), .. Credentials.Access(documents)]);
    }
}
