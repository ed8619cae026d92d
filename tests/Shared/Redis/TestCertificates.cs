using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace PolicyService.Tests.Redis;

/// <summary>An authority of its own and a server's certificate from it, as files.</summary>
internal sealed class TestCertificates : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tls-");

    /// <param name="name">The address or name the server's certificate is for.</param>
    /// <param name="usage">What it is for, by its number; null: anything.</param>
    public TestCertificates(string name = "127.0.0.1", string? usage = null)
    {
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Test authority", authorityKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var now = TimeProvider.System.GetUtcNow();
        using var authority = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var server = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        if (IPAddress.TryParse(name, out var address))
        {
            names.AddIpAddress(address);
        }
        else
        {
            names.AddDnsName(name);
        }

        server.CertificateExtensions.Add(names.Build());
        if (usage is not null)
        {
            server.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], critical: false));
        }

        using var certificate = server.Create(authority, now.AddDays(-1), now.AddDays(1), [1, 2, 3, 4]);
        File.WriteAllText(Authority, authority.ExportCertificatePem());
        File.WriteAllText(Certificate, certificate.ExportCertificatePem());
        File.WriteAllText(Key, key.ExportPkcs8PrivateKeyPem());
    }

    public string Authority => Path.Combine(_folder.FullName, "ca.pem");

    public string Certificate => Path.Combine(_folder.FullName, "server.pem");

    public string Key => Path.Combine(_folder.FullName, "server.key");

    /// <summary>Arguments for a redis-server that speaks TLS only.</summary>
    public string[] Arguments => ["--tls-port", "{port}", "--tls-cert-file", Certificate, "--tls-key-file", Key, "--tls-ca-cert-file", Authority, "--tls-auth-clients", "no"];

    public void Dispose() => _folder.Delete(recursive: true);
}
