using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using PolicyService.Core;
using PolicyService.Evidence.Http;

namespace PolicyService.Evidence.Registries.Credentials;

/// <summary>Carries one question for a token to a cloud, once: whoever wants the credential asks again. Thread-safe.</summary>
internal sealed class TokenCall : IDisposable
{
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler
    {
        // A redirection would carry what is asked with to somewhere else.
        AllowAutoRedirect = false,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.None,
        SslOptions = { CertificateChainPolicy = new X509ChainPolicy { DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck } },
        MaxResponseHeadersLength = 32,
        MaxResponseDrainSize = 0,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    });

    /// <returns>The body of a 200.</returns>
    /// <exception cref="CredentialsException">Anything else. Nothing is said of what was sent or came.</exception>
    public async Task<byte[]> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("PolicyService", "1"));
        try
        {
            using var response = await _http.SendAsync(request, cancellation);
            await using var stream = await response.Content.ReadAsStreamAsync(cancellation);
            var body = await Bounded.ReadAsync(stream, Limits.CloudTokenReplyBytes, cancellation);
            return response.StatusCode is HttpStatusCode.OK && body is not null ? body : throw new CredentialsException(FailureOf((int)response.StatusCode, body));
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            throw new CredentialsException(CallFailure.CredentialsUnreachable);
        }
    }

    public void Dispose() => _http.Dispose();

    /// <summary>A refusal is an answer; that there was too much to do, which AWS says with a 400, is none.</summary>
    private static CallFailure FailureOf(int status, byte[]? body)
    {
        var isThrottled = status is 408 or 429 || (status == 400 && body.AsSpan().IndexOf("Throttling"u8) >= 0);
        return status is >= 400 and < 500 && !isThrottled ? CallFailure.NoCredentials : CallFailure.CredentialsUnreachable;
    }
}
