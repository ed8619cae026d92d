using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using PolicyService.Core;

namespace PolicyService.Evidence.Registries;

/// <summary>
/// Which servers are who they say: those the system's authorities vouch for, and those of a file of ours. The file is read anew for each
/// handshake, of which there are few, so that a change counts without a restart however it is brought about; while it cannot be read,
/// nobody is trusted. Nothing is fetched from where a certificate points to.
/// </summary>
/// <param name="file">Certificates in PEM; null: the system's alone.</param>
internal sealed class RegistryAuthorities(string? file)
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    private volatile Loaded? _loaded;

    public SslClientAuthenticationOptions Options => new()
    {
        CertificateChainPolicy = new X509ChainPolicy { DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck },
        RemoteCertificateValidationCallback = file is null ? null : Validate,
    };

    private bool Validate(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is not X509Certificate2 server || Load() is not { } authorities || (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != SslPolicyErrors.None)
        {
            return false;
        }

        return errors is SslPolicyErrors.None || IsVouchedFor(server, chain, authorities);
    }

    private static bool IsVouchedFor(X509Certificate2 server, X509Chain? presented, X509Certificate2Collection authorities)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.ExtraStore.AddRange(presented?.ChainPolicy.ExtraStore ?? []);
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ServerAuthentication));
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(server);
    }

    /// <returns>Null: the file cannot be read, or holds no certificate.</returns>
    private X509Certificate2Collection? Load()
    {
        try
        {
            if (new FileInfo(file!).Length > Limits.CredentialFileBytes)
            {
                return null;
            }

            var content = File.ReadAllText(file!);
            if (_loaded is { } loaded && loaded.Content == content)
            {
                return loaded.Certificates;
            }

            var certificates = new X509Certificate2Collection();
            certificates.ImportFromPem(content);
            _loaded = new Loaded(content, certificates);
            return certificates;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CryptographicException)
        {
            return null;
        }
    }

    private sealed record Loaded(string Content, X509Certificate2Collection Certificates);
}
