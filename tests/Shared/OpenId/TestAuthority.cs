using System.Formats.Asn1;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace PolicyService.Tests.OpenId;

/// <summary>What a certificate is to say.</summary>
internal sealed record CertificateText
{
    public const string ForClients = "1.3.6.1.5.5.7.3.2";
    public const string ForServers = "1.3.6.1.5.5.7.3.1";

    public string Subject { get; init; } = "CN=client";

    public DateTimeOffset? From { get; init; }

    public DateTimeOffset? Until { get; init; }

    public IReadOnlyList<string> Purposes { get; init; } = [ForClients];

    public IReadOnlyList<string> Uris { get; init; } = [];

    public bool IsAuthority { get; init; }

    public IPAddress? Address { get; init; }
}

/// <summary>An authority that issues certificates.</summary>
internal sealed class TestAuthority : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _certificate;

    public TestAuthority(string name = "Test authority", TestAuthority? above = null)
    {
        var request = new CertificateRequest($"CN={name}", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        var now = TimeProvider.System.GetUtcNow();
        _certificate = above is null
            ? request.CreateSelfSigned(now.AddDays(-10), now.AddDays(10))
            : request.Create(above._certificate.SubjectName, X509SignatureGenerator.CreateForECDsa(above._key), now.AddDays(-10), now.AddDays(10), Serial());
    }

    public string Pem => _certificate.ExportCertificatePem() + "\n";

    /// <summary>Its certificate, without the key.</summary>
    public X509Certificate2 Certificate => X509CertificateLoader.LoadCertificate(_certificate.RawData);

    /// <summary>A certificate with its key.</summary>
    public X509Certificate2 Issue(CertificateText text)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(text.Subject, key, HashAlgorithmName.SHA256);
        if (text.Purposes.Count > 0)
        {
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([.. text.Purposes.Select(purpose => new Oid(purpose))], false));
        }

        if (text.IsAuthority)
        {
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        }

        if (text.Uris.Count > 0 || text.Address is not null)
        {
            request.CertificateExtensions.Add(Names(text));
        }

        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.Create(
            _certificate.SubjectName, X509SignatureGenerator.CreateForECDsa(_key), text.From ?? now.AddDays(-1), text.Until ?? now.AddDays(1), Serial());
        using var withKey = certificate.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.Exportable);
    }

    /// <summary>The server's, for this machine.</summary>
    public X509Certificate2 IssueServer(string name = "server") =>
        Issue(new CertificateText { Subject = $"CN={name}", Purposes = [CertificateText.ForServers], Address = IPAddress.Loopback });

    public static string KeyPem(X509Certificate2 certificate)
    {
        using var key = certificate.GetECDsaPrivateKey()!;
        return key.ExportPkcs8PrivateKeyPem();
    }

    public void Dispose()
    {
        _certificate.Dispose();
        _key.Dispose();
    }

    private static byte[] Serial() => [1, .. RandomNumberGenerator.GetBytes(8)];

    /// <summary>Written by hand: the library refuses addresses that no URI may have, and a test needs them.</summary>
    private static X509Extension Names(CertificateText text)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            foreach (var uri in text.Uris)
            {
                writer.WriteCharacterString(UniversalTagNumber.IA5String, uri, new Asn1Tag(TagClass.ContextSpecific, 6));
            }

            if (text.Address is not null)
            {
                writer.WriteOctetString(text.Address.GetAddressBytes(), new Asn1Tag(TagClass.ContextSpecific, 7));
            }
        }

        return new X509Extension("2.5.29.17", writer.Encode(), critical: false);
    }
}
