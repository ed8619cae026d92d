using System.Net;

namespace PolicyService.Server;

/// <summary>Where a port listens, as <c>--Urls:*</c> say it.</summary>
internal static class ListenAddress
{
    /// <exception cref="SettingsException">It is none, or the service may not listen there as it is configured.</exception>
    public static IPEndPoint Read(IConfiguration configuration, Setting setting, bool isAuthenticated, bool isTls)
    {
        var scheme = isTls ? Uri.UriSchemeHttps : Uri.UriSchemeHttp;
        var text = configuration[setting.Name] is { Length: > 0 } given ? given : $"{scheme}{setting.Default!["http".Length..]}";
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.AbsolutePath != "/" || url.Query.Length > 0 || url.UserInfo.Length > 0)
        {
            throw new SettingsException($"{setting.Flag} is `{Core.Documents.Shown.Value(text)}`: write {scheme}://127.0.0.1:<port>");
        }

        if (url.Scheme != scheme)
        {
            throw new SettingsException(isTls
                ? $"{setting.Flag} is `{text}` and the service has a certificate, so both ports speak TLS: write https://"
                : $"{setting.Flag} is `{text}` and the service has no certificate: set {SettingsTable.TlsCertificate.Flag} and {SettingsTable.TlsKey.Flag}, or write http:// with a loopback address");
        }

        var host = url.Host == "localhost" ? IPAddress.Loopback : IPAddress.TryParse(url.Host.Trim('[', ']'), out var address) ? address : null;
        if (host is not null && (IPAddress.IsLoopback(host) || (isAuthenticated && isTls)))
        {
            return new IPEndPoint(host, url.Port);
        }

        throw new SettingsException(host is null && isAuthenticated && isTls
            ? $"{setting.Flag} is `{text}`: write the address of an interface, or 0.0.0.0 or [::] for all"
            // Everybody who reaches the service holds every grant, so only this machine may.
            : !isAuthenticated ? $"{setting.Flag} is `{text}`: without authentication only a loopback address can be bound, such as {setting.Default}: set {SettingsTable.AuthIssuer.Flag} or {SettingsTable.AuthClientCa.Flag}, and TLS"
            // Tokens would travel for everybody on the way to take and use.
            : $"{setting.Flag} is `{text}`: without TLS only a loopback address can be bound, such as {setting.Default}: set {SettingsTable.TlsCertificate.Flag} and {SettingsTable.TlsKey.Flag}");
    }
}
