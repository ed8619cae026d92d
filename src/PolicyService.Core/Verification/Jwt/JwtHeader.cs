using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using PolicyService.Core.Attestors;
using PolicyService.Core.Documents;

namespace PolicyService.Core.Verification.Jwt;

/// <summary>
/// The header of a JWT. Two fields are read and one is tolerated; every other is refused, because each one that exists
/// (<c>jwk</c>, <c>jku</c>, <c>x5c</c>, <c>crit</c>, <c>b64</c>, <c>zip</c>, <c>cty</c>) asks the reader to trust or to transform something.
/// </summary>
internal sealed record JwtHeader(string Algorithm, KeyId KeyId)
{
    public static bool TryParse(ReadOnlySpan<byte> json, [NotNullWhen(true)] out JwtHeader? header, [NotNullWhen(false)] out string? problem)
    {
        JwtHeader? parsed = null;
        problem = StrictJson.Read(json, "the JWT's header", root => Read(root, out parsed));
        header = problem is null ? parsed : null;
        return header is not null;
    }

    private static string? Read(JsonElement root, out JwtHeader? header)
    {
        header = null;
        if (!StrictJson.HasOnly(root, "alg", "kid", "typ"))
        {
            return "the JWT's header is not an object of `alg`, `kid` and at most `typ`";
        }

        if (!TryText(root, "alg", out var algorithm))
        {
            return "the JWT's header has no `alg`";
        }

        // Another type means that the token was signed for another purpose (RFC 8725, section 3.11).
        if (root.TryGetProperty("typ", out _) && !(TryText(root, "typ", out var type) && type.Equals("JWT", StringComparison.OrdinalIgnoreCase)))
        {
            return "the JWT's `typ` is not `JWT`";
        }

        if (!TryText(root, "kid", out var text) || !KeyId.TryParse(text, out var keyId))
        {
            return "the JWT's header has no `kid` that names a key";
        }

        header = new JwtHeader(algorithm, keyId);
        return null;
    }

    private static bool TryText(JsonElement root, string name, [NotNullWhen(true)] out string? text)
    {
        text = root.TryGetProperty(name, out var element) && element.ValueKind is JsonValueKind.String ? element.GetString() : null;
        return text is not null;
    }
}
