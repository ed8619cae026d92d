using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using PolicyService.Api.Clients;

namespace PolicyService.Kubernetes.Connections;

/// <summary>
/// Judges certificates of whoever calls the webhooks (RFC 5280, section 6): a chain to the authorities of <c>--Client:Ca</c> and to no others, within
/// the time of each certificate in it, for clients, with one of the names asked for.
/// </summary>
internal sealed partial class ClientCertificates
{
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    private readonly AdapterSettings _settings;
    private readonly FileSet _files;
    private readonly TimeProvider _time;
    private readonly ILogger<ClientCertificates> _logger;
    private X509Certificate2Collection _authorities = [];

    /// <exception cref="SettingsException">There are authorities, and they cannot be used.</exception>
    public ClientCertificates(AdapterSettings settings, TimeProvider time, ILogger<ClientCertificates> logger)
    {
        (_settings, _time, _logger) = (settings, time, logger);
        _files = new FileSet(settings.ClientCa is null ? [] : [settings.ClientCa]);
        try
        {
            _authorities = settings.ClientCa is null ? [] : ClientCredentials.AuthoritiesOfFile(settings.ClientCa);
        }
        catch (CredentialsException exception)
        {
            throw new SettingsException($"{exception.Message}: mend {AdapterSettingsTable.ClientCa.Flag}");
        }
    }

    /// <summary>Callers of webhooks must show one.</summary>
    public bool AreNeeded => _settings.ClientCa is not null;

    /// <summary>Looks at the file. One caller at a time.</summary>
    public void Look()
    {
        if (!AreNeeded || !_files.IsNew())
        {
            return;
        }

        try
        {
            Volatile.Write(ref _authorities, ClientCredentials.AuthoritiesOfFile(_settings.ClientCa!));
            LogRenewed(_logger);
        }
        catch (CredentialsException exception)
        {
            LogUnusable(_logger, exception.Message);
        }
    }

    /// <summary>Why a call of a webhook with this certificate is refused; null: it is not.</summary>
    /// <param name="certificate">What the caller showed; null: nothing.</param>
    /// <param name="intermediates">What it sent along.</param>
    public string? ProblemOf(X509Certificate2? certificate, X509Certificate2Collection intermediates)
    {
        if (certificate is null)
        {
            return "the caller shows no client certificate: name one for this webhook in the API server's AdmissionConfiguration";
        }

        try
        {
            return !IsTrusted(certificate, intermediates) ? "the client certificate does not come from the authorities of the webhooks' callers, is not valid now, or is not for clients"
                : _settings.ClientNames.Count > 0 && !NamesOf(certificate).Intersect(_settings.ClientNames, StringComparer.Ordinal).Any() ? "the client certificate names somebody else than the callers of these webhooks"
                : null;
        }
        catch (Exception exception) when (exception is CryptographicException or System.Formats.Asn1.AsnContentException)
        {
            return "the client certificate cannot be read";
        }
    }

    private bool IsTrusted(X509Certificate2 certificate, X509Certificate2Collection intermediates)
    {
        // A certificate without purposes is for everything; here it must say that it is for this.
        if (!certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().Any(usage => usage.EnhancedKeyUsages.Cast<Oid>().Any(purpose => purpose.Value == ClientAuthentication)))
        {
            return false;
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(Volatile.Read(ref _authorities));
        chain.ChainPolicy.ExtraStore.AddRange(intermediates);
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationTime = _time.GetUtcNow().UtcDateTime;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ClientAuthentication));
        var isTrusted = chain.Build(certificate);
        foreach (var element in chain.ChainElements)
        {
            element.Certificate.Dispose();
        }

        return isTrusted;
    }

    /// <summary>The common name of the subject, and the DNS names and URIs of the alternative names.</summary>
    private static IEnumerable<string> NamesOf(X509Certificate2 certificate)
    {
        foreach (var part in certificate.SubjectName.EnumerateRelativeDistinguishedNames().Where(part => !part.HasMultipleElements && part.GetSingleElementType().Value == "2.5.4.3"))
        {
            yield return part.GetSingleElementValue() ?? "";
        }

        foreach (var extension in certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>())
        {
            foreach (var name in extension.EnumerateDnsNames())
            {
                yield return name;
            }

            var names = new System.Formats.Asn1.AsnReader(extension.RawData, System.Formats.Asn1.AsnEncodingRules.DER).ReadSequence();
            var uri = new System.Formats.Asn1.Asn1Tag(System.Formats.Asn1.TagClass.ContextSpecific, 6);
            while (names.HasData)
            {
                if (names.PeekTag().HasSameClassAndValue(uri))
                {
                    yield return names.ReadCharacterString(System.Formats.Asn1.UniversalTagNumber.IA5String, uri);
                }
                else
                {
                    names.ReadEncodedValue();
                }
            }
        }
    }

    [LoggerMessage(3263, LogLevel.Information, "New authorities of the webhooks' callers count")]
    private static partial void LogRenewed(ILogger logger);

    [LoggerMessage(3264, LogLevel.Error, "The authorities of the webhooks' callers cannot be used as they are: {Problem}; the last good ones stay in use")]
    private static partial void LogUnusable(ILogger logger, string problem);
}
