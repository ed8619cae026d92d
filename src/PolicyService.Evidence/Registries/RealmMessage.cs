using System.Buffers;
using System.Net.Http.Headers;
using System.Text.Json;
using PolicyService.Core;

namespace PolicyService.Evidence.Registries;

/// <summary>What is said between us and a realm that gives tokens.</summary>
internal static class RealmMessage
{
    /// <summary>How long a token lives of which nothing is said.</summary>
    private const int UsualSeconds = 60;

    private const int MostSeconds = 24 * 60 * 60;

    // RFC 6750 section 2.1: what can stand in a header.
    private static readonly SearchValues<char> TokenCharacter = SearchValues.Create("-._~+/=0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <summary>Asks for a token to pull from one repository.</summary>
    public static HttpRequestMessage Of(Uri realm, string service, string repository, RegistryCredential? credential)
    {
        var scope = $"repository:{repository}:pull";
        if (credential is { IsIdentityToken: true })
        {
            var form = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["grant_type"] = "refresh_token",
                ["service"] = service,
                ["scope"] = scope,
                ["client_id"] = "PolicyService",
                ["refresh_token"] = credential.Secret,
            };
            return With(new HttpRequestMessage(HttpMethod.Post, realm) { Content = new FormUrlEncodedContent(form) });
        }

        var query = $"{(service.Length > 0 ? $"service={Uri.EscapeDataString(service)}&" : "")}scope={Uri.EscapeDataString(scope)}";
        var url = new UriBuilder(realm) { Query = realm.Query.Length > 1 ? $"{realm.Query}&{query}" : query }.Uri;
        return With(new HttpRequestMessage(HttpMethod.Get, url) { Headers = { Authorization = RegistryAuthorizer.Basic(credential) } });
    }

    /// <returns>Null: it is no token, or none that a header can carry.</returns>
    public static (string Token, TimeSpan Life)? Read(byte[] body)
    {
        try
        {
            using var json = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = Limits.Depth, AllowDuplicateProperties = false });
            if (json.RootElement.ValueKind is not JsonValueKind.Object)
            {
                return null;
            }

            var token = Text(json.RootElement, "token") ?? Text(json.RootElement, "access_token");
            var seconds = json.RootElement.TryGetProperty("expires_in", out var expires) && expires.ValueKind is JsonValueKind.Number && expires.TryGetInt64(out var stated) ? stated : UsualSeconds;
            return token is { Length: > 0 and <= Limits.RegistryTokenBytes } && !token.AsSpan().ContainsAnyExcept(TokenCharacter)
                ? (token, TimeSpan.FromSeconds(Math.Clamp(seconds, 0, MostSeconds)))
                : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a string that is no UTF-16.
            return null;
        }
    }

    private static HttpRequestMessage With(HttpRequestMessage message)
    {
        message.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        message.Headers.UserAgent.Add(new ProductInfoHeaderValue("PolicyService", "1"));
        return message;
    }

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String && value.GetString() is { Length: > 0 } text ? text : null;
}
