using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace PolicyService.Api.Clients;

/// <summary>What a client shows a server, and how it knows the server. Secrets come from files and the environment, never from arguments.</summary>
public sealed record ClientCredentials
{
    /// <summary>Longest token; characters.</summary>
    public const int MaxTokenLength = 16 * 1024;

    /// <summary>Gives the bearer token of one call, so that one that was renewed is used; throws <see cref="CredentialsException"/> if there is none. Null: none is sent.</summary>
    public Func<CancellationToken, ValueTask<string>>? Token { get; init; }

    /// <summary>The only authorities a server's certificate may come from; null: those of the system.</summary>
    public X509Certificate2Collection? Authorities { get; init; }

    /// <summary>The client's own certificate with its key; null: none.</summary>
    public SslStreamCertificateContext? Certificate { get; init; }

    /// <summary>Why these cannot be shown to that server; null: they can.</summary>
    public string? ProblemWith(Uri server) =>
        server.Scheme == Uri.UriSchemeHttps ? null
        // Everybody on the way could take it and use it.
        : Token is not null && !server.IsLoopback ? "a token is not sent over http:// to another machine: use https://"
        : Authorities is not null || Certificate is not null ? "certificates mean nothing over http://: use https://"
        : null;

    /// <summary>A token that stands in a file, read anew for each call.</summary>
    public static Func<CancellationToken, ValueTask<string>> TokenOfFile(string path) => async cancellation =>
    {
        try
        {
            await using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1, useAsync: true);
            var buffer = new byte[MaxTokenLength + 3];
            var length = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellation);
            return TokenOfText(System.Text.Encoding.UTF8.GetString(buffer, 0, length), $"`{path}`");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new CredentialsException($"the token in `{path}` cannot be read ({exception.GetType().Name}): mend the path, or get the right to read it");
        }
    };

    /// <summary>The token a text is; messages name its place and show nothing of it.</summary>
    /// <exception cref="CredentialsException">It is none.</exception>
    public static string TokenOfText(string text, string place)
    {
        var token = text.Trim();
        return token.Length is > 0 and <= MaxTokenLength && token.All(character => character is > ' ' and <= '~')
            ? token
            : throw new CredentialsException($"{place} holds no token: it must be one line of at most {MaxTokenLength} visible ASCII characters");
    }

    /// <summary>Certificates from a file in PEM.</summary>
    /// <exception cref="CredentialsException">There is none.</exception>
    public static X509Certificate2Collection AuthoritiesOfFile(string path)
    {
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPemFile(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new CredentialsException($"the certificates in `{path}` cannot be read ({exception.GetType().Name}): mend the path, or the file");
        }

        return certificates.Count > 0 ? certificates : throw new CredentialsException($"`{path}` holds no certificate in PEM");
    }

    /// <summary>A certificate and its key from files in PEM; what follows the certificate in its file is sent along.</summary>
    /// <exception cref="CredentialsException">There is none.</exception>
    public static SslStreamCertificateContext CertificateOfFiles(string certificate, string key)
    {
        var chain = AuthoritiesOfFile(certificate);
        try
        {
            using var ephemeral = X509Certificate2.CreateFromPemFile(certificate, key);
            // In this form every platform's TLS can use the key.
            var own = X509CertificateLoader.LoadPkcs12(ephemeral.Export(X509ContentType.Pkcs12), null);
            return SslStreamCertificateContext.Create(own, [.. chain.Skip(1)], offline: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new CredentialsException($"`{certificate}` and `{key}` are no certificate and its private key in PEM, not encrypted ({exception.GetType().Name})");
        }
    }
}

/// <summary>A client's credentials cannot be had. The message is one line, without any secret.</summary>
public sealed class CredentialsException(string message) : Exception(message);
