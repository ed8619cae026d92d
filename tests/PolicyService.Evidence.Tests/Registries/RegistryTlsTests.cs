using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using PolicyService.Evidence.Registries;
using PolicyService.Tests.Redis;
using PolicyService.Tests.Registries;

namespace PolicyService.Evidence.Tests.Registries;

/// <summary>Who is not who it should be is not listened to (ATTACK 83).</summary>
[Trait("attack", "83")]
public sealed class RegistryTlsTests : IDisposable
{
    private readonly TestCertificates _localhost = new("localhost");
    private readonly TestCertificates _other = new("registry.example.com");

    public void Dispose()
    {
        _localhost.Dispose();
        _other.Dispose();
    }

    [Fact]
    public async Task Registry_of_our_own_authority_is_trusted_under_its_name()
    {
        await using var bench = Bench(_localhost, _localhost.Authority);
        Assert.Equal("hello", await bench.ManifestAsync());
    }

    [Fact]
    public async Task System_knows_no_authority_of_ours()
    {
        await using var bench = Bench(_localhost, null);
        Assert.Equal("Tls", await bench.ManifestAsync());
        Assert.Empty(bench.Registry.Calls);
    }

    [Fact]
    public async Task Another_authority_does_not_do()
    {
        await using var bench = Bench(_localhost, _other.Authority);
        Assert.Equal("Tls", await bench.ManifestAsync());
    }

    [Fact]
    public async Task Another_name_does_not_do()
    {
        await using var bench = Bench(_other, _other.Authority);
        Assert.Equal("Tls", await bench.ManifestAsync());
    }

    [Fact]
    public async Task Server_without_tls_is_not_spoken_to()
    {
        await using var plain = new HostileRegistry(name: "localhost").With(_ => HostileAnswer.Of(200, "hello"));
        await using var bench = new RegistryBench();
        var secure = new RegistryRepository(new Core.Policies.RegistryOptions(plain.Host, false, [], Core.Policies.RegistryCredentials.None, []), "acme/api");
        Assert.Equal("Tls", RegistryBench.Text(await bench.Client.GetManifestAsync(secure, "v1", false, TestContext.Current.CancellationToken)));
        Assert.Empty(plain.Calls);
    }

    [Theory]
    [InlineData("")]
    [InlineData("no certificate")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
    [InlineData(null)]
    public async Task Authorities_that_cannot_be_read_trust_nobody_until_they_can(string? content)
    {
        using var folder = new TestCertificates("localhost");
        var file = folder.Key + ".ca";
        if (content is not null)
        {
            await File.WriteAllTextAsync(file, content, TestContext.Current.CancellationToken);
        }

        await using var bench = Bench(_localhost, file);
        Assert.Equal("Tls", await bench.ManifestAsync());
        File.Copy(_localhost.Authority, file, overwrite: true);
        Assert.Equal("hello", await bench.ManifestAsync());
    }

    [Theory, Trait("attack", "79"), Trait("attack", "80")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Https_leads_to_no_plain_http(bool isRealm)
    {
        await using var bench = Bench(_localhost, _localhost.Authority);
        var plain = bench.Other(_ => HostileAnswer.Of(200, isRealm ? "{\"token\": \"t1\"}" : "hello"));
        bench.Registry.Answer = call => !isRealm ? HostileAnswer.Redirect(plain.Url)
            : call.Authorization is null ? HostileAnswer.Challenge($"Bearer realm=\"{plain.Url}\"")
            : HostileAnswer.Of(200, "hello");
        Assert.Equal(isRealm ? "RealmRefused" : "RedirectRefused", await bench.ManifestAsync());
        Assert.Empty(plain.Calls);
    }

    [Fact, Trait("attack", "79")]
    public async Task Https_leads_to_no_plain_http_even_where_the_registry_has_nothing_better()
    {
        await using var secure = Secure(_localhost);
        await using var bench = new RegistryBench(settings: new RegistrySettings { CaFile = _localhost.Authority });
        bench.PrivateHosts.Add(secure.Host);
        bench.Registry.Answer = call => call.Path == "/x" ? HostileAnswer.Of(200, "hello") : HostileAnswer.Redirect(secure.Url);
        Assert.Equal("hello", await bench.ManifestAsync());
        secure.Answer = _ => HostileAnswer.Redirect($"{bench.Registry.Url}/x");
        Assert.Equal("RedirectRefused", await bench.ManifestAsync());
        Assert.DoesNotContain(bench.Registry.Calls, call => call.Path == "/x");
    }

    [Fact]
    public async Task Certificate_that_is_for_no_server_does_not_do()
    {
        using var client = new TestCertificates("localhost", "1.3.6.1.5.5.7.3.2");
        await using var bench = Bench(client, client.Authority);
        Assert.Equal("Tls", await bench.ManifestAsync());
    }

    [Fact]
    public void Authorities_that_cannot_be_read_trust_nobody_whom_the_system_trusts()
    {
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(_localhost.Certificate);
        Assert.True(IsTrusted(_localhost.Authority));
        Assert.False(IsTrusted(_localhost.Authority + ".gone"));

        bool IsTrusted(string file) => new RegistryAuthorities(file).Options.RemoteCertificateValidationCallback!(this, certificate, null, SslPolicyErrors.None);
    }

    private static RegistryBench Bench(TestCertificates served, string? authorities) => new(Secure(served), new RegistrySettings { CaFile = authorities });

    private static HostileRegistry Secure(TestCertificates served)
    {
        using var pem = X509Certificate2.CreateFromPemFile(served.Certificate, served.Key);
        var certificate = X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
        return new HostileRegistry(certificate, "localhost").With(_ => HostileAnswer.Of(200, "hello"));
    }
}
