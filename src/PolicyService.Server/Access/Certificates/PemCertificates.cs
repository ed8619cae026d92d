using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace PolicyService.Server.Access.Certificates;

/// <summary>Reads certificates in PEM.</summary>
internal static class PemCertificates
{
    /// <exception cref="CertificateException">There is none, or one cannot be read.</exception>
    public static X509Certificate2Collection Read(string text)
    {
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPem(text);
        }
        catch (CryptographicException)
        {
            throw new CertificateException("a certificate in it cannot be read");
        }

        return certificates.Count > 0 ? certificates : throw new CertificateException("it holds no certificate in PEM (`-----BEGIN CERTIFICATE-----`)");
    }
}
