using PolicyService.Api.Clients;

namespace PolicyService.Kubernetes.Connections;

/// <summary>A certificate and its private key, each in a file.</summary>
public sealed record TlsFiles(string Certificate, string Key);

/// <summary>The files with what is shown to the service, and by what it is known.</summary>
public sealed record ServiceFiles
{
    /// <summary>Authorities of the service's certificate; null: those of the system.</summary>
    public string? Ca { get; init; }

    /// <summary>The adapter's own certificate; null: none is shown.</summary>
    public TlsFiles? Own { get; init; }

    /// <summary>A bearer token; null: none is shown.</summary>
    public string? Token { get; init; }

    /// <summary>Those that are read once for many calls; the token is read for each.</summary>
    internal IReadOnlyList<string> Watched => [.. new[] { Ca, Own?.Certificate, Own?.Key }.OfType<string>()];

    /// <exception cref="CredentialsException">One of them cannot be used.</exception>
    public ClientCredentials Load() => new()
    {
        Authorities = Ca is null ? null : ClientCredentials.AuthoritiesOfFile(Ca),
        Certificate = Own is null ? null : ClientCredentials.CertificateOfFiles(Own.Certificate, Own.Key),
        Token = Token is null ? null : ClientCredentials.TokenOfFile(Token),
    };
}
