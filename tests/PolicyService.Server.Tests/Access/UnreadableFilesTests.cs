using System.Security.Cryptography;
using PolicyService.Tests.OpenId;

namespace PolicyService.Server.Tests.Access;

/// <summary>Files of keys and certificates in which something cannot be read: the last good version stays, and so does the service.</summary>
public sealed class UnreadableFilesTests
{
    /// <summary>A P-256 key whose curve has an identifier that nobody knows.</summary>
    private static string UnknownCurve
    {
        get
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            return PemEncoding.WriteString("PUBLIC KEY", Spoil(key.ExportSubjectPublicKeyInfo(), [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07], [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x7F]));
        }
    }

    public static TheoryData<string> Keys => new("half a character", "half a number", "an empty number", "an unknown curve");

    [Theory, MemberData(nameof(Keys))]
    public async Task Keys_that_cannot_be_read_leave_the_last_ones(string what)
    {
        using var key = IssuerKey.Ec();
        var documents = DocumentsFolder.Fixed("ALWAYS_ALLOW");
        Credentials.Write(documents.Beside("keys.json"), IssuerKey.Set(key));
        await using var server = await TestServer.StartAsync(documents, more: [.. Credentials.Tokens(documents.Beside("keys.json")), .. Credentials.Access(documents)]);

        Credentials.Write(documents.Beside("keys.json"), what switch
        {
            "half a character" => """{"keys":[{"kty":"RSA","kid":"\ud800","n":"AQAB","e":"AQAB"}]}""",
            "half a number" => """{"keys":[{"kty":"RSA","n":"\udc00","e":"AQAB"}]}""",
            "an empty number" => """{"keys":[{"kty":"RSA","n":"","e":""}]}""",
            _ => UnknownCurve,
        });

        await Eventually.Holds("the problem is logged", () => server.Log.Lines.Any(line => line.Contains("its keys cannot be read", StringComparison.Ordinal)));
        await Credentials.AssertTaken(server, key.Sign(IssuerKey.Claims(Credentials.Issuer, TimeProvider.System.GetUtcNow())));
    }

    [Theory]
    [InlineData("/.well-known/openid-configuration", """{"issuer":"\ud800","jwks_uri":"https://issuer.example/keys"}""", "is no JSON")]
    [InlineData("/keys", """{"keys":[{"kty":"RSA","kid":"\ud800","n":"AQAB","e":"AQAB"}]}""", "neither a JWK Set")]
    public async Task Answer_of_an_issuer_that_cannot_be_read_is_a_problem_of_the_issuer(string path, string text, string problem)
    {
        using var key = IssuerKey.Ec();
        await using var issuer = await OpenIdIssuer.StartAsync(key);
        issuer.Instead = context => context.Request.Path == path ? Microsoft.AspNetCore.Http.HttpResponseWritingExtensions.WriteAsync(context.Response, text, context.RequestAborted) : issuer.StandardAsync(context);
        var documents = DocumentsFolder.Fixed("ALWAYS_ALLOW");
        await using var server = await TestServer.StartAsync(documents, more: [.. Credentials.Discovery(issuer.Url), .. Credentials.Access(documents)]);
        var token = key.Sign(IssuerKey.Claims(issuer.Url, TimeProvider.System.GetUtcNow()));

        await Eventually.Holds("the problem is logged", () => server.Log.Lines.Any(line => line.Contains(problem, StringComparison.Ordinal)));
        await Credentials.AssertRefused(server, token, "the keys of the token's issuer cannot be read at the moment");

        issuer.Instead = null;
        await Eventually.Holds("the token is taken", async () => (await Credentials.RestAsync(server, token)).Status is System.Net.HttpStatusCode.OK);
    }

    [Fact]
    public async Task Bundle_that_cannot_be_read_leaves_the_last_one()
    {
        using var servers = new TestAuthority("Servers");
        using var clients = new TestAuthority("Clients");
        using var certificate = clients.Issue(new CertificateText());
        var documents = DocumentsFolder.Fixed("ALWAYS_ALLOW");
        Credentials.Write(documents.Beside("clients.pem"), clients.Pem);
        await using var server = await TestServer.StartAsync(
            documents,
            handler: () => Credentials.Handler(servers, certificate),
            more: [.. Credentials.Tls(documents, servers), "--Auth:ClientCa", documents.Beside("clients.pem"), .. Credentials.Access(documents)]);
        // Its basic constraints say TRUE with a byte that means nothing.
        var spoiled = PemEncoding.WriteString("CERTIFICATE", Spoil(clients.Certificate.RawData, [0x55, 0x1D, 0x13, 0x01, 0x01, 0xFF, 0x04, 0x05, 0x30, 0x03, 0x01, 0x01, 0xFF], [0x55, 0x1D, 0x13, 0x01, 0x01, 0xFF, 0x04, 0x05, 0x30, 0x03, 0x09, 0x01, 0xFF]));

        Credentials.Write(documents.Beside("clients.pem"), spoiled);

        await Eventually.Holds("the problem is logged", () => server.Log.Lines.Any(line => line.Contains("--Auth:ClientCa cannot be used", StringComparison.Ordinal)));
        await Credentials.AssertTaken(server, null);
        var start = Assert.Throws<SettingsException>(() => ServerHost.Build(["--Policies:Directory", documents.Path, "--Audit:File", documents.Beside("other.jsonl"), "--Auth:ClientCa", documents.Beside("clients.pem"), .. Credentials.Tls(documents, servers), .. Credentials.Access(documents)], TimeProvider.System));
        Assert.Contains("mend --Auth:ClientCa", start.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Key_of_the_service_on_an_unknown_curve_leaves_the_last_certificate()
    {
        using var servers = new TestAuthority("Servers");
        var documents = DocumentsFolder.Fixed("ALWAYS_ALLOW");
        await using var server = await TestServer.StartAsync(documents, handler: () => Credentials.Handler(servers), more: Credentials.Tls(documents, servers));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] known = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07], unknown = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x7F];

        Credentials.Write(documents.Beside("tls.key"), PemEncoding.WriteString("PRIVATE KEY", Spoil(key.ExportPkcs8PrivateKey(), known, unknown)));

        await Eventually.Holds("the problem is logged", () => server.Log.Lines.Any(line => line.Contains("--Tls:Certificate cannot be used", StringComparison.Ordinal)));
        await server.AskAsync(Ask.For(Ask.Attested));
    }

    /// <summary>Replaces some bytes that stand in others.</summary>
    private static byte[] Spoil(byte[] source, ReadOnlySpan<byte> known, ReadOnlySpan<byte> unknown)
    {
        var copy = source.ToArray();
        var at = copy.AsSpan().IndexOf(known);
        Assert.True(at >= 0);
        unknown.CopyTo(copy.AsSpan(at));
        return copy;
    }
}
