using System.Buffers.Text;
using System.Text.Json;
using PolicyService.Core;
using PolicyService.Evidence.Http;

namespace PolicyService.Evidence.Registries.Credentials;

/// <summary>Gives a Microsoft Entra token of the service for a scope.</summary>
internal delegate Task<string> AzureTokenSource(string scope, CancellationToken cancellation);

/// <summary>
/// The refresh token of Azure Container Registry, which the registry itself gives for a Microsoft Entra token
/// (https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md, <c>POST /oauth2/exchange</c>). Whoever asks the registry exchanges it for what
/// it needs, as it does with docker's identity tokens.
/// </summary>
/// <param name="tokens">The service's Microsoft Entra tokens.</param>
/// <param name="reach">Where a registry is reached; tests have it on this machine.</param>
/// <param name="calls">Carries the call.</param>
/// <param name="time">The clock.</param>
internal sealed class AcrTokens(AzureTokenSource tokens, Func<Uri, Uri> reach, TokenCall calls, TimeProvider time)
{
    /// <summary>The user of tokens, who is nobody.</summary>
    public const string User = "00000000-0000-0000-0000-000000000000";

    /// <summary>Where a refresh token does not say when it ends; and the longest that one is believed: they last three hours.</summary>
    private static readonly (TimeSpan Unsaid, TimeSpan Longest) Life = (TimeSpan.FromMinutes(5), TimeSpan.FromHours(3));

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = Limits.Depth, AllowDuplicateProperties = false };

    /// <exception cref="CredentialsException">There is none. Nothing is said of the tokens.</exception>
    public async Task<CredentialLease> GetAsync(string host, string scope, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(reach(new Uri($"https://{host}/")), "oauth2/exchange"))
        {
            Content = new FormUrlEncodedContent(new Dictionary<string, string>
            {
                ["grant_type"] = "access_token",
                ["service"] = host,
                ["access_token"] = await tokens(scope, cancellation),
            }),
        };
        var token = Read(await calls.SendAsync(request, cancellation));
        return new CredentialLease(new RegistryCredential(User, token) { IsIdentityToken = true }, EndOf(token));
    }

    private static string Read(byte[] answer)
    {
        try
        {
            using var document = JsonDocument.Parse(answer, Strict);
            return document.RootElement.GetProperty("refresh_token").GetString() is { Length: > 0 } token ? token : throw new JsonException();
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new CredentialsException(CallFailure.CredentialsUnreachable);
        }
    }

    /// <summary>It is a JWT that only the registry verifies; its end decides here when the next one is fetched, and nothing else.</summary>
    private DateTimeOffset EndOf(string token)
    {
        var now = time.GetUtcNow();
        try
        {
            using var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(token.Split('.') is [_, var payload, _] ? payload : ""), Strict);
            var end = DateTimeOffset.FromUnixTimeSeconds(claims.RootElement.GetProperty("exp").GetInt64());
            return (end < now + Life.Longest ? end : now + Life.Longest) - Limits.CloudTokenMargin;
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException)
        {
            return now + Life.Unsaid;
        }
    }
}
