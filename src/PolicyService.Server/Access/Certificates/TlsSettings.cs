namespace PolicyService.Server.Access.Certificates;

/// <summary>The service's own certificate.</summary>
/// <param name="Certificate">File of the certificate and those between it and its authority, in PEM.</param>
/// <param name="Key">File of its private key, in PEM.</param>
public sealed record TlsSettings(string Certificate, string Key)
{
    /// <returns>Null: there is no TLS.</returns>
    /// <exception cref="SettingsException">One of the two is missing.</exception>
    public static TlsSettings? Read(IConfiguration configuration)
    {
        var (certificate, key) = (Given(configuration, SettingsTable.TlsCertificate), Given(configuration, SettingsTable.TlsKey));
        return (certificate, key) switch
        {
            (null, null) => null,
            (null, _) or (_, null) => throw new SettingsException($"{SettingsTable.TlsCertificate.Flag} and {SettingsTable.TlsKey.Flag} belong together: set both, or none for no TLS"),
            _ => new TlsSettings(Path.GetFullPath(certificate), Path.GetFullPath(key)),
        };
    }

    private static string? Given(IConfiguration configuration, Setting setting) => configuration[setting.Name] is { Length: > 0 } text ? text : null;
}
