using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using PolicyService.Core;

namespace PolicyService.Server.Access.Tokens;

/// <summary>
/// Finds an issuer's keys (OpenID Connect Discovery 1.0, section 4): its configuration says where they are. Bounded in time and size; follows no
/// redirection.
/// </summary>
internal sealed class KeyDiscovery(TimeProvider time) : IDisposable
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = Limits.Depth };

    private readonly HttpMessageInvoker _remote = new(Handler(isLocal: false));
    private readonly HttpMessageInvoker _local = new(Handler(isLocal: true));

    /// <summary>Keys may be looked for there: over https, or without leaving this machine.</summary>
    public static bool IsAllowed(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && IsAllowed(url) && url is { Query: "", Fragment: "" };

    /// <exception cref="KeySetException">They could not be had; the message tells a class, nothing of the answer.</exception>
    public async Task<KeySet> ReadAsync(string issuer, CancellationToken cancellation)
    {
        using var patience = new Decisions.TimedCancellation(Limits.KeyDiscoveryTime, time, cancellation);
        try
        {
            var configuration = await GetAsync(new Uri($"{issuer.TrimEnd('/')}/.well-known/openid-configuration"), "its OpenID configuration", patience.Token);
            return KeySetParser.Parse(await GetAsync(KeysAt(configuration, issuer), "its keys", patience.Token));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new KeySetException($"it did not answer within {Limits.KeyDiscoveryTime.TotalSeconds} s");
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            throw new KeySetException($"it cannot be reached ({(exception as HttpRequestException)?.HttpRequestError.ToString() ?? exception.GetType().Name})");
        }
    }

    public void Dispose()
    {
        _remote.Dispose();
        _local.Dispose();
    }

    private static bool IsAllowed(Uri url) =>
        url.UserInfo.Length == 0 && (url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && url.IsLoopback));

    private static SocketsHttpHandler Handler(bool isLocal) => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.None,
        // A proxy of the environment is not this machine.
        UseProxy = !isLocal,
        ConnectTimeout = Limits.KeyDiscoveryTime,
        // A certificate names addresses to fetch others from. Whoever presents it must not choose where this service connects to.
        SslOptions = { CertificateChainPolicy = new X509ChainPolicy { DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck } },
        MaxResponseHeadersLength = 32,
        MaxResponseDrainSize = 0,
        PooledConnectionLifetime = TimeSpan.FromMinutes(1),
    };

    private static Uri KeysAt(byte[] configuration, string issuer)
    {
        try
        {
            using var document = JsonDocument.Parse(configuration, Strict);
            var root = document.RootElement;
            // Else one who serves configurations for many could have the keys of one count for another (section 4.3).
            if (root.ValueKind is not JsonValueKind.Object || Text(root, "issuer") != issuer)
            {
                throw new KeySetException("its OpenID configuration is of another issuer");
            }

            // From https to http would be a way down that nobody asked for.
            return Uri.TryCreate(Text(root, "jwks_uri"), UriKind.Absolute, out var url) && IsAllowed(url) && (url.Scheme == Uri.UriSchemeHttps || !issuer.StartsWith("https:", StringComparison.Ordinal))
                ? url
                : throw new KeySetException("its OpenID configuration names no https:// address of keys");
        }
        // The latter at a text with half a character, which JSON allows and no text has.
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new KeySetException("its OpenID configuration is no JSON");
        }
    }

    private static string? Text(JsonElement root, string name) => root.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString() : null;

    /// <summary>Reads one byte more than is allowed, and no further: the length the server states is not believed.</summary>
    private async Task<byte[]> GetAsync(Uri url, string what, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Headers.Accept.ParseAdd("application/json");
        request.Headers.UserAgent.ParseAdd("PolicyService/1");
        using var response = await (url.IsLoopback ? _local : _remote).SendAsync(request, cancellation);
        if (response.StatusCode is not HttpStatusCode.OK)
        {
            throw new KeySetException($"the answer about {what} has the status {(int)response.StatusCode}");
        }

        await using var stream = await response.Content.ReadAsStreamAsync(cancellation);
        var buffer = new byte[Limits.CredentialFileBytes + 1];
        var length = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellation);
        return length <= Limits.CredentialFileBytes ? buffer[..length] : throw new KeySetException($"the answer about {what} has more than {Limits.CredentialFileBytes} bytes");
    }
}
