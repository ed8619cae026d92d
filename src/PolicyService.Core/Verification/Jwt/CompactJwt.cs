using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;

namespace PolicyService.Core.Verification.Jwt;

/// <summary>
/// A JWT in its compact form (RFC 7515): header, payload and signature in base64url without padding, and two dots. It has one
/// spelling. Nothing in here is believed before the signature verifies.
/// </summary>
internal sealed record CompactJwt(JwtHeader Header, byte[] Payload, byte[] Signature, int SigningInputLength)
{
    public static bool TryParse(ReadOnlySpan<byte> token, [NotNullWhen(true)] out CompactJwt? jwt, [NotNullWhen(false)] out string? problem)
    {
        jwt = null;
        if (token.Length > Limits.JwtBytes)
        {
            problem = "the JWT is larger than 64 KiB";
            return false;
        }

        var first = token.IndexOf((byte)'.');
        var last = token.LastIndexOf((byte)'.');
        if (first < 0 || first == last || token[(first + 1)..last].Contains((byte)'.'))
        {
            problem = "the JWT is not three parts with two dots between";
            return false;
        }

        if (!TryReadHeader(token, out var header, out problem))
        {
            return false;
        }

        if (!TryDecode(token[(first + 1)..last], out var payload) || !TryDecode(token[(last + 1)..], out var signature))
        {
            problem = "a part of the JWT is not base64url without padding";
            return false;
        }

        jwt = new CompactJwt(header, payload, signature, last);
        return true;
    }

    /// <summary>The header alone, which says whose key the token names even if the rest is too large to look at.</summary>
    public static bool TryReadHeader(ReadOnlySpan<byte> token, [NotNullWhen(true)] out JwtHeader? header, [NotNullWhen(false)] out string? problem)
    {
        header = null;
        var end = token[..Math.Min(token.Length, Limits.JwtBytes)].IndexOf((byte)'.');
        if (end < 0 || !TryDecode(token[..end], out var json))
        {
            problem = "the JWT's header is not base64url without padding";
            return false;
        }

        return JwtHeader.TryParse(json, out header, out problem);
    }

    /// <summary>The library passes over white space, padding and bits beyond the last byte; a signed text may not have such freedoms.</summary>
    private static bool TryDecode(ReadOnlySpan<byte> text, [NotNullWhen(true)] out byte[]? bytes)
    {
        var buffer = new byte[Base64Url.GetMaxDecodedLength(text.Length)];
        bytes = Base64Url.IsValid(text) && Base64Url.TryDecodeFromUtf8(text, buffer, out var length) ? buffer[..length] : null;
        return bytes is not null && Base64Url.EncodeToUtf8(bytes).AsSpan().SequenceEqual(text);
    }
}
