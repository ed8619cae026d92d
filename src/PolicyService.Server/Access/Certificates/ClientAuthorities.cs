using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace PolicyService.Server.Access.Certificates;

/// <summary>The authorities of client certificates as they were last read. A bundle that cannot be read leaves the last one.</summary>
internal sealed class ClientAuthorities
{
    private readonly WatchedFile? _file;
    private readonly AccessProblems _problems;
    private readonly AccessChanges _changes;
    private X509Certificate2Collection _current = [];

    /// <exception cref="SettingsException">There is a bundle, and it cannot be used.</exception>
    public ClientAuthorities(AuthenticationSettings settings, AccessProblems problems, AccessChanges changes)
    {
        (_problems, _changes) = (problems, changes);
        if (settings.ClientCa is null)
        {
            return;
        }

        _file = new WatchedFile(settings.ClientCa);
        try
        {
            _file.TryReadNew(out var content);
            _current = Load(content);
        }
        catch (Exception exception) when (exception is IOException or CertificateException)
        {
            throw new SettingsException($"{exception.Message}: mend {SettingsTable.AuthClientCa.Flag}");
        }
    }

    /// <summary>Clients are asked for certificates.</summary>
    public bool IsConfigured => _file is not null;

    /// <summary>What is in force; another object after each change.</summary>
    public X509Certificate2Collection Current => Volatile.Read(ref _current);

    /// <summary>Looks at the bundle.</summary>
    public void Look()
    {
        if (_file is null)
        {
            return;
        }

        try
        {
            if (_file.TryReadNew(out var content))
            {
                Volatile.Write(ref _current, Load(content));
                _problems.Set(SettingsTable.AuthClientCa.Flag, null);
                _changes.Tell();
            }
        }
        catch (Exception exception) when (exception is IOException or CertificateException)
        {
            _problems.Set(SettingsTable.AuthClientCa.Flag, exception.Message);
        }
    }

    private static X509Certificate2Collection Load(byte[] content)
    {
        var authorities = PemCertificates.Read(Encoding.UTF8.GetString(content));
        try
        {
            return authorities.Any(ClientCertificateVerifier.IsAuthority) ? authorities : throw new CertificateException("none of its certificates is one of an authority");
        }
        catch (CryptographicException)
        {
            // What a certificate says of itself is read only when it is asked for.
            throw new CertificateException("a certificate in it cannot be read");
        }
    }
}
