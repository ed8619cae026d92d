using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using PolicyService.Evidence.Caching;
using PolicyService.Evidence.Keys;
using PolicyService.Evidence.Tests.Keys;
using PolicyService.Tests.Redis;

namespace PolicyService.Evidence.Tests.Caching;

/// <summary>What the connection notices and does by itself, while nobody reads.</summary>
public sealed class RedisIdleTests
{
    [Fact]
    public async Task Death_is_noticed_though_nobody_asks_and_so_is_the_return()
    {
        using var server = await RedisServer.StartAsync();
        await using var link = new TestLink(server.Endpoint);
        await link.IsAsync(RedisState.Up);

        server.Kill();
        await link.IsAsync(RedisState.Down);
        await server.RestartAsync();
        await link.IsAsync(RedisState.Up);

        Assert.Equal([RedisState.Up, RedisState.Down, RedisState.Up], link.States);
    }

    /// <summary>An untrusted certificate says where its issuer's could be fetched: not by us.</summary>
    [Theory]
    [InlineData("redis")]
    [InlineData("kms")]
    [Trait("attack", "79")]
    public async Task Certificate_does_not_choose_what_is_connected_to(string client)
    {
        using var named = new TcpListener(IPAddress.Loopback, 0);
        named.Start();
        using var certificate = OfNobody($"http://{named.LocalEndpoint}/issuer.crt");
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        var endpoint = (IPEndPoint)server.LocalEndpoint;
        var refusing = RefusedAsync(server, certificate);

        if (client == "redis")
        {
            await using var link = new TestLink($"{endpoint},ssl=true", patient: false);
            Assert.True(await refusing);
            await link.IsAsync(RedisState.Down);
        }
        else
        {
            Assert.True(KmsEndpoint.TryParse($"https://127.0.0.1:{endpoint.Port}", out var kms));
            using var lease = new KmsLease(new CloudKmsClient(kms, _ => Task.FromResult("token"), TimeSpan.FromMinutes(2), new KeyMetrics(), TimeProvider.System));
            var exception = await Assert.ThrowsAsync<KeyServiceException>(() => lease.Client.GetPublicKeyAsync(KmsBench.Name, TestContext.Current.CancellationToken));
            Assert.Equal(Core.Attestors.KeyFailure.Tls, exception.Failure);
            Assert.True(await refusing);
        }

        Assert.False(named.Pending());
    }

    /// <summary>Offers the certificate until a client has looked at it and gone.</summary>
    private static async Task<bool> RefusedAsync(TcpListener server, X509Certificate2 certificate)
    {
        var context = SslStreamCertificateContext.Create(certificate, null, offline: true);
        using var client = await server.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
        await using var stream = new SslStream(client.GetStream());
        try
        {
            await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificateContext = context }, TestContext.Current.CancellationToken);
            // TLS 1.3: the server is done before the client has judged.
            return await stream.ReadAsync(new byte[1], TestContext.Current.CancellationToken) == 0;
        }
        catch (Exception exception) when (exception is IOException or System.Security.Authentication.AuthenticationException)
        {
            return true;
        }
    }

    private static X509Certificate2 OfNobody(string issuerAt)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var issuer = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509AuthorityInformationAccessExtension(null, [issuerAt]));
        var now = TimeProvider.System.GetUtcNow();
        using var made = request.Create(new X500DistinguishedName("CN=Nobody"), X509SignatureGenerator.CreateForECDsa(issuer), now.AddDays(-1), now.AddDays(1), [1]);
        using var whole = made.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pfx), null);
    }
}
