using System.Text.Json;

namespace PolicyService.Server.Access.Tokens;

/// <summary>What a token's header (RFC 7515, section 4) may say: by which algorithm, and with which of the issuer's keys.</summary>
internal sealed record TokenHeader(string Algorithm, string? KeyId)
{
    /// <summary>Types a token may have; another means that it was signed for another purpose (RFC 8725, section 3.11).</summary>
    private static readonly string[] Types = ["JWT", "at+jwt", "application/at+jwt"];

    /// <summary>Null: refused, with the reason. Keys that a header brings along or points to (<c>jwk</c>, <c>jku</c>, <c>x5c</c>, <c>x5u</c>) are never looked at.</summary>
    public static TokenHeader? Read(JsonElement header, out string? problem)
    {
        problem = null;
        var (algorithm, keyId) = (Text(header, "alg"), Text(header, "kid"));
        if (algorithm is null || !KeySetParser.Algorithms.Contains(algorithm))
        {
            // `none` needs no key, and HS256 takes for its secret what is public.
            problem = "the token's `alg` does not count here: it must be RS, PS or ES with 256, 384 or 512";
        }
        else if (header.TryGetProperty("crit", out _) || header.TryGetProperty("cty", out _) || header.TryGetProperty("zip", out _) || header.TryGetProperty("b64", out _))
        {
            problem = "the token's header asks for something this service does not know: a nested, compressed or extended token does not count";
        }
        else if (header.TryGetProperty("typ", out _) && !(Text(header, "typ") is { } type && Types.Contains(type, StringComparer.OrdinalIgnoreCase)))
        {
            problem = "the token's `typ` is neither `JWT` nor `at+jwt`: it was made for another purpose";
        }
        else if (keyId is null && header.TryGetProperty("kid", out _))
        {
            problem = "the token's `kid` is no text";
        }

        return problem is null ? new TokenHeader(algorithm!, keyId) : null;
    }

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString() : null;
}
