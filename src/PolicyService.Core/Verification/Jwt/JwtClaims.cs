using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using PolicyService.Core.Attestations;

namespace PolicyService.Core.Verification.Jwt;

/// <summary>
/// The payload of a JWT: the simple-signing object, with registered claims (RFC 7519) beside <c>critical</c>. Those that limit
/// when the token holds are honoured; those that name it are only checked for their type.
/// </summary>
internal sealed record JwtClaims(SimpleSigningPayload Payload, ValidityPeriod Period)
{
    private const long LastSecond = 253_402_300_799; // of the year 9999, where DateTimeOffset ends

    private static readonly string[] Fields = ["critical", "optional", "iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

    public static bool TryParse(ReadOnlySpan<byte> json, [NotNullWhen(true)] out JwtClaims? claims, [NotNullWhen(false)] out string? problem)
    {
        var period = default(ValidityPeriod);
        claims = SimpleSigningPayload.TryParse(json, Fields, root => Read(root, out period), out var payload, out problem)
            ? new JwtClaims(payload, period)
            : null;
        return claims is not null;
    }

    private static string? Read(JsonElement root, out ValidityPeriod period)
    {
        period = default;
        foreach (var name in (ReadOnlySpan<string>)["iss", "sub", "jti"])
        {
            if (root.TryGetProperty(name, out var claim) && claim.ValueKind is not JsonValueKind.String)
            {
                return $"the claim `{name}` is not a string";
            }
        }

        // A reader that is not among the audience must refuse the token, and this service has no name that could be there.
        if (root.TryGetProperty("aud", out _))
        {
            return "the claim `aud` addresses the JWT to somebody else; leave it out";
        }

        if (!TryReadTime(root, "exp", out var expires) || !TryReadTime(root, "nbf", out var notBefore) || !TryReadTime(root, "iat", out var issued))
        {
            return "one of the claims `exp`, `nbf` and `iat` is not a number of seconds since 1970";
        }

        var always = ValidityPeriod.Always;
        period = new ValidityPeriod(notBefore ?? always.From, expires ?? always.Until);
        if (issued is { } made)
        {
            period = period.Within(always with { From = made.Subtract(Limits.ClockSkew) });
        }

        return null;
    }

    /// <summary>A NumericDate; absent is true and null.</summary>
    private static bool TryReadTime(JsonElement root, string name, out DateTimeOffset? time)
    {
        time = null;
        if (!root.TryGetProperty(name, out var claim))
        {
            return true;
        }

        if (claim.ValueKind is not JsonValueKind.Number || !claim.TryGetDecimal(out var seconds) || seconds < 0 || seconds > LastSecond)
        {
            return false;
        }

        time = DateTimeOffset.UnixEpoch.AddTicks((long)(seconds * TimeSpan.TicksPerSecond));
        return true;
    }
}
