using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace PolicyService.Server.Access.Certificates;

/// <summary>The service's own certificate as it was last read. What cannot be used leaves the last one; open connections keep theirs.</summary>
internal sealed class ServerCertificate
{
    private readonly TlsSettings _settings;
    private readonly AccessProblems _problems;
    private byte[] _seen = [];
    private SslStreamCertificateContext _current;

    /// <exception cref="SettingsException">There is none that can be used.</exception>
    public ServerCertificate(TlsSettings settings, AccessProblems problems)
    {
        (_settings, _problems) = (settings, problems);
        try
        {
            var (certificate, key) = ReadFiles();
            _current = Load(certificate, key);
            _seen = [.. certificate, .. key];
        }
        catch (Exception exception) when (exception is IOException or CertificateException)
        {
            throw new SettingsException($"{exception.Message}: mend {SettingsTable.TlsCertificate.Flag} and {SettingsTable.TlsKey.Flag}");
        }
    }

    /// <summary>For the next connection.</summary>
    public SslStreamCertificateContext Current => Volatile.Read(ref _current);

    /// <summary>Looks at the files.</summary>
    public void Look()
    {
        try
        {
            var (certificate, key) = ReadFiles();
            if (_seen.AsSpan().SequenceEqual([.. certificate, .. key]))
            {
                return;
            }

            // Two files cannot be read at one moment: a swap in between would look like a pair that does not match.
            var (again, keyAgain) = ReadFiles();
            if (again.AsSpan().SequenceEqual(certificate) && keyAgain.AsSpan().SequenceEqual(key))
            {
                _seen = [.. certificate, .. key];
                Volatile.Write(ref _current, Load(certificate, key));
                _problems.Set(SettingsTable.TlsCertificate.Flag, null);
            }
        }
        catch (CertificateException exception)
        {
            _problems.Set(SettingsTable.TlsCertificate.Flag, exception.Message);
        }
        catch (IOException exception)
        {
            // Whatever comes back is looked at as something new.
            _seen = [];
            _problems.Set(SettingsTable.TlsCertificate.Flag, exception.Message);
        }
    }

    private (byte[] Certificate, byte[] Key) ReadFiles() => (WatchedFile.ReadAll(_settings.Certificate), WatchedFile.ReadAll(_settings.Key));

    private static SslStreamCertificateContext Load(byte[] certificate, byte[] key)
    {
        var (chain, secret) = (Encoding.UTF8.GetString(certificate), Encoding.UTF8.GetString(key));
        if (secret.Contains("-----BEGIN ENCRYPTED", StringComparison.Ordinal) || secret.Contains("Proc-Type: 4,ENCRYPTED", StringComparison.Ordinal))
        {
            throw new CertificateException("the private key is encrypted, and nobody is there to type its password: decrypt it with `openssl pkey` and guard the file by its rights");
        }

        var others = PemCertificates.Read(chain);
        try
        {
            using var ephemeral = X509Certificate2.CreateFromPem(chain, secret);
            // In this form every platform's TLS can use the key.
            var own = X509CertificateLoader.LoadPkcs12(ephemeral.Export(X509ContentType.Pkcs12), null);
            return SslStreamCertificateContext.Create(own, [.. others.Skip(1)], offline: true);
        }
        // The last of them at a key on a curve that nobody here knows.
        catch (Exception exception) when (exception is CryptographicException or ArgumentException or PlatformNotSupportedException)
        {
            throw new CertificateException("the certificate and the private key are no pair: the first certificate of the file must be the one of the key, both in PEM");
        }
    }
}

/// <summary>A file that should hold certificates, or a key, does not.</summary>
internal sealed class CertificateException(string message) : Exception(message);
