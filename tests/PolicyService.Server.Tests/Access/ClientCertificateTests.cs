using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using PolicyService.Server.Tests.Process;
using PolicyService.Tests.OpenId;

namespace PolicyService.Server.Tests.Access;

/// <summary>Callers that authenticate with certificates, over real TLS.</summary>
public sealed class ClientCertificateTests : IDisposable
{
    private const string Workload = "spiffe://prod.example.com/ns/policyservice/sa/adapter";

    private readonly TestAuthority _servers = new("Servers");
    private readonly TestAuthority _clients = new("Clients");
    private readonly SeenCallers _seen = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Spiffe_id_names_the_caller_on_both_ports()
    {
        using var certificate = _clients.Issue(new CertificateText { Uris = [Workload] });
        await using var server = await StartAsync(certificate);

        await Credentials.AssertTaken(server, null);

        Assert.Equal("principal://spiffe/prod.example.com/ns/policyservice/sa/adapter", Assert.Single(_seen.Last.Members));
    }

    [Fact]
    public async Task Subject_names_the_caller_where_there_is_no_spiffe_id()
    {
        using var certificate = _clients.Issue(new CertificateText { Subject = "CN=ci/bot 100%, O=\"Acme, Inc.\", C=US", Purposes = [] });
        await using var server = await StartAsync(certificate);

        await Credentials.AssertTaken(server, null);

        Assert.Equal("principal://x509/CN=ci%2Fbot 100%25,O=Acme\\, Inc.,C=US", Assert.Single(_seen.Last.Members));
    }

    [Fact]
    public async Task Certificates_between_may_be_sent_along()
    {
        using var between = new TestAuthority("Between", _clients);
        using var certificate = between.Issue(new CertificateText());
        await using var server = await StartAsync(certificate, between: between.Certificate);

        await Credentials.AssertTaken(server, null);

        using var alone = new HttpClient(Credentials.Handler(_servers, certificate)) { BaseAddress = server.Http.BaseAddress };
        await AssertRefused(alone, "comes from none of the authorities");
    }

    [Fact]
    public async Task No_certificate_and_no_token_are_refused()
    {
        await using var server = await StartAsync(null);

        await Credentials.AssertRefused(server, null, "the request has no credentials: send `authorization: Bearer <token>`, or connect with a client certificate");
    }

    public static TheoryData<string, string> Refusals => new()
    {
        { "expired", "the client certificate has expired, at " },
        { "not yet valid", "the client certificate is not valid yet" },
        { "wrong authority", "comes from none of the authorities" },
        { "self-signed", "comes from none of the authorities" },
        { "for servers only", "is not for clients" },
        { "an authority", "is one of an authority" },
        { "two ids", "more than one URI" },
        { "an id and another URI", "more than one URI" },
        { "trust domain alone", "SPIFFE id is malformed" },
        { "capitals in the trust domain", "SPIFFE id is malformed" },
        { "dots in the path", "SPIFFE id is malformed" },
        { "a slash at the end", "SPIFFE id is malformed" },
        { "an encoded slash", "SPIFFE id is malformed" },
        { "another spelling of the scheme", "SPIFFE id is malformed" },
        { "a port", "SPIFFE id is malformed" },
    };

    [Theory, MemberData(nameof(Refusals))]
    public async Task Certificate_that_does_not_count_is_refused(string what, string message)
    {
        var now = TimeProvider.System.GetUtcNow();
        using var stranger = new TestAuthority("Clients");
        using var certificate = what switch
        {
            "wrong authority" => stranger.Issue(new CertificateText()),
            "self-signed" => new TestAuthority("client").Issue(new CertificateText { Subject = "CN=client" }),
            _ => _clients.Issue(what switch
            {
                "expired" => new CertificateText { From = now.AddDays(-2), Until = now.AddSeconds(-2) },
                "not yet valid" => new CertificateText { From = now.AddHours(1) },
                "for servers only" => new CertificateText { Purposes = [CertificateText.ForServers] },
                "an authority" => new CertificateText { IsAuthority = true },
                "two ids" => new CertificateText { Uris = [Workload, "spiffe://prod.example.com/admin"] },
                "an id and another URI" => new CertificateText { Uris = ["https://example.com", Workload] },
                "trust domain alone" => new CertificateText { Uris = ["spiffe://prod.example.com"] },
                "capitals in the trust domain" => new CertificateText { Uris = ["spiffe://Prod.example.com/a"] },
                "dots in the path" => new CertificateText { Uris = ["spiffe://prod.example.com/a/../b"] },
                "a slash at the end" => new CertificateText { Uris = ["spiffe://prod.example.com/a/"] },
                "an encoded slash" => new CertificateText { Uris = ["spiffe://prod.example.com/a%2Fb"] },
                "another spelling of the scheme" => new CertificateText { Uris = ["SPIFFE://prod.example.com/a"] },
                "a port" => new CertificateText { Uris = ["spiffe://prod.example.com:80/a"] },
                _ => throw new ArgumentOutOfRangeException(nameof(what)),
            }),
        };
        await using var server = await StartAsync(certificate);

        await Credentials.AssertRefused(server, null, message);
    }

    [Fact]
    public async Task Certificate_expires_on_an_open_connection()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(TimeProvider.System.GetUtcNow());
        using var certificate = _clients.Issue(new CertificateText { Until = time.GetUtcNow().AddMinutes(10) });
        await using var server = await StartAsync(certificate, time: time);
        await Credentials.AssertTaken(server, null);

        time.Advance(TimeSpan.FromMinutes(11));

        await Credentials.AssertRefused(server, null, "the client certificate has expired");
    }

    [Fact]
    public async Task Authority_that_is_removed_counts_no_more_on_open_connections()
    {
        using var certificate = _clients.Issue(new CertificateText { Uris = [Workload] });
        using var other = new TestAuthority("Other");
        await using var server = await StartAsync(certificate);
        await Credentials.AssertTaken(server, null);
        using var stream = server.Client.EvaluateStream(cancellationToken: Cancellation);
        await stream.RequestStream.WriteAsync(new() { Request = Ask.For(Ask.Attested) }, Cancellation);
        Assert.True(await stream.ResponseStream.MoveNext(Cancellation));

        // What is no bundle changes nothing.
        Credentials.Write(server.Documents.Beside("clients.pem"), "nothing");
        await Eventually.Holds("the problem is known", () => server.Log.Lines.Any(line => line.Contains("--Auth:ClientCa cannot be used", StringComparison.Ordinal)));
        await Credentials.AssertTaken(server, null);

        Credentials.Write(server.Documents.Beside("clients.pem"), other.Pem);

        var took = await Eventually.Holds("the certificate is refused", async () => (await Credentials.RestAsync(server, null)).Status is HttpStatusCode.Unauthorized);
        TestContext.Current.TestOutputHelper!.WriteLine($"removed after {took.TotalMilliseconds:0} ms; promised 1000");
        Assert.True(took < TimeSpan.FromSeconds(5));
        await Credentials.AssertRefused(server, null, "comes from none of the authorities");
        // A stream that waits for nothing ends too.
        var ended = await Assert.ThrowsAsync<RpcException>(async () => await stream.ResponseStream.MoveNext(Cancellation));
        Assert.Equal(StatusCode.Unauthenticated, ended.StatusCode);

        Credentials.Write(server.Documents.Beside("clients.pem"), _clients.Pem + other.Pem);
        await Eventually.Holds("the certificate counts again", async () => (await Credentials.RestAsync(server, null)).Status is HttpStatusCode.OK);
    }

    [Fact]
    public async Task Certificate_and_token_are_both_and_both_must_be_right()
    {
        using var key = IssuerKey.Ec();
        var documents = DocumentsFolder.Fixed("ALWAYS_ALLOW");
        Credentials.Write(documents.Beside("keys.json"), IssuerKey.Set(key));
        using var certificate = _clients.Issue(new CertificateText { Uris = [Workload] });
        using var expired = _clients.Issue(new CertificateText { Uris = [Workload], Until = TimeProvider.System.GetUtcNow().AddSeconds(-2) });
        await using var server = await StartAsync(certificate, documents, more: Credentials.Tokens(documents.Beside("keys.json")));
        var token = key.Sign(IssuerKey.Claims(Credentials.Issuer, TimeProvider.System.GetUtcNow()));

        await Credentials.AssertTaken(server, token);
        Assert.Equal(["principal://spiffe/prod.example.com/ns/policyservice/sa/adapter", "principal://issuer.example/subject/somebody"], _seen.Last.Members);
        Assert.Equal("principal://spiffe/prod.example.com/ns/policyservice/sa/adapter", _seen.Last.Name);
        await Credentials.AssertRefused(server, key.Sign(IssuerKey.Claims("https://other.example", TimeProvider.System.GetUtcNow())), "none that this service trusts");

        using var wrong = new HttpClient(Credentials.Handler(_servers, expired)) { BaseAddress = server.Http.BaseAddress };
        wrong.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        await AssertRefused(wrong, "the client certificate has expired");
        using var alone = new HttpClient(Credentials.Handler(_servers)) { BaseAddress = server.Http.BaseAddress };
        alone.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var answer = await alone.SendAsync(Credentials.Question(), Cancellation);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    /// <summary>The machine trusts the authority; the service was not told to.</summary>
    [Fact]
    public async Task Authority_of_the_system_alone_does_not_count()
    {
        using var system = new TestAuthority("System");
        using var documents = DocumentsFolder.Fixed("ALWAYS_ALLOW");
        Credentials.Write(documents.Beside("system.pem"), system.Pem);
        Credentials.Write(documents.Beside("clients.pem"), _clients.Pem);
        await using var server = await ServerProcess.StartAsync(
            ["--Policies:Directory", documents.Path, .. Credentials.Tls(documents, _servers), "--Auth:ClientCa", documents.Beside("clients.pem"), .. Credentials.Access(documents), "--Urls:Grpc", "https://127.0.0.1:0", "--Urls:Http", "https://127.0.0.1:0"],
            new Dictionary<string, string> { ["SSL_CERT_FILE"] = documents.Beside("system.pem"), ["SSL_CERT_DIR"] = "/nonexistent" });

        using var known = _clients.Issue(new CertificateText());
        using var trusted = new HttpClient(Credentials.Handler(_servers, known)) { BaseAddress = server.HttpUrl };
        using var answer = await trusted.SendAsync(Credentials.Question(), Cancellation);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        using var foreign = system.Issue(new CertificateText());
        using var untrusted = new HttpClient(Credentials.Handler(_servers, foreign)) { BaseAddress = server.HttpUrl };
        await AssertRefused(untrusted, "comes from none of the authorities");
    }

    public void Dispose()
    {
        _servers.Dispose();
        _clients.Dispose();
    }

    private static async Task AssertRefused(HttpClient client, string message)
    {
        using var response = await client.SendAsync(Credentials.Question(), Cancellation);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Contains(message, await response.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    private async Task<TestServer> StartAsync(
        X509Certificate2? client, DocumentsFolder? documents = null, X509Certificate2? between = null, TimeProvider? time = null, string[]? more = null)
    {
        documents ??= DocumentsFolder.Fixed("ALWAYS_ALLOW");
        Credentials.Write(documents.Beside("clients.pem"), _clients.Pem);
        return await TestServer.StartAsync(
            documents,
            time,
            configure: _seen.Add,
            handler: () => Credentials.Handler(_servers, client, between is null ? [] : [between]),
            more: [.. Credentials.Tls(documents, _servers), "--Auth:ClientCa", documents.Beside("clients.pem"), .. Credentials.Access(documents), .. more ?? []]);
    }
}
