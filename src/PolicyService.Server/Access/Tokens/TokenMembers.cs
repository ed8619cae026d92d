using System.Text.Json;
using PolicyService.Core.Access;

namespace PolicyService.Server.Access.Tokens;

/// <summary>Who the bearer of a token is: members by its claims, as far as its issuer may speak for them (docs/access.md).</summary>
internal static class TokenMembers
{
    private const int MaxSubject = 255;

    /// <returns>Null: the token names nobody.</returns>
    public static IReadOnlyList<string>? Of(JsonElement claims, TrustedIssuer issuer)
    {
        // OpenID Connect Core 1.0, section 2: at most 255 ASCII characters.
        if (Text(claims, "sub") is not { Length: > 0 and <= MaxSubject } subject || subject.Any(character => character is < ' ' or > '~'))
        {
            return null;
        }

        var members = new List<string> { Member.OfSubject($"{issuer.Authority}/subject", subject) };
        // Only the literal: what an issuer has not checked is whatever its user typed.
        if (claims.TryGetProperty("email_verified", out var verified) && verified.ValueKind is JsonValueKind.True
            && Address(Text(claims, "email")) is { } address && MaySpeakFor(issuer, address.Domain))
        {
            var isService = address.Domain == "gserviceaccount.com" || address.Domain.EndsWith(".gserviceaccount.com", StringComparison.Ordinal);
            members.Add(isService ? Member.OfServiceAccount(address.Text) : Member.OfUser(address.Text));
        }

        if (issuer.Groups && claims.TryGetProperty("groups", out var groups))
        {
            var names = groups.ValueKind is JsonValueKind.Array ? groups.EnumerateArray().Select(TextOf) : [TextOf(groups)];
            members.AddRange(names.OfType<string>().Where(name => name.Length > 0 && !name.Any(char.IsControl)).Distinct(StringComparer.Ordinal).Select(Member.OfGroup));
        }

        return members;
    }

    private static bool MaySpeakFor(TrustedIssuer issuer, string domain) => issuer.AnyDomain || issuer.EmailDomains.Contains(domain, StringComparer.Ordinal);

    /// <summary>One at-sign, plain ASCII: an address that needs more is nobody's name here.</summary>
    private static (string Text, string Domain)? Address(string? text)
    {
        if (text is not { Length: <= 254 } || text.Any(character => character is <= ' ' or > '~' or '"' or ','))
        {
            return null;
        }

        var parts = text.ToLowerInvariant().Split('@');
        return parts is [{ Length: > 0 }, { Length: > 0 }] ? ($"{parts[0]}@{parts[1]}", parts[1]) : null;
    }

    private static string? Text(JsonElement claims, string name) => claims.TryGetProperty(name, out var value) ? TextOf(value) : null;

    private static string? TextOf(JsonElement value) => value.ValueKind is JsonValueKind.String ? value.GetString() : null;
}
