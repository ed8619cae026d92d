using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace PolicyService.Server.Storage;

/// <summary>
/// Where a list goes on: the place after which, bound to what is listed by a hash of it. A forged token shows no more than a list does
/// that begins elsewhere.
/// </summary>
internal static class PageToken
{
    private const int ScopeBytes = 8;

    public static StoreOutcome.Invalid Refused { get; } = new("pageToken", "the page token is not one of this list: list again from its start");

    /// <summary>The list a token is good for. Lengths keep the parts apart, whatever is in them.</summary>
    public static byte[] Scope(params ReadOnlySpan<string> parts)
    {
        var text = new StringBuilder();
        foreach (var part in parts)
        {
            text.Append(part.Length).Append(':').Append(part);
        }

        return SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()))[..ScopeBytes];
    }

    public static string Write(byte[] scope, string after) => Base64Url.EncodeToString([.. scope, .. Encoding.UTF8.GetBytes(after)]);

    /// <summary>The place; empty for an empty token, which is the start.</summary>
    public static bool TryRead(string token, byte[] scope, out string after)
    {
        after = "";
        if (token.Length == 0)
        {
            return true;
        }

        if (token.Length > 2048 || !Base64Url.IsValid(token))
        {
            return false;
        }

        var bytes = Base64Url.DecodeFromChars(token);
        if (bytes.Length <= ScopeBytes || !bytes.AsSpan(0, ScopeBytes).SequenceEqual(scope))
        {
            return false;
        }

        after = Encoding.UTF8.GetString(bytes.AsSpan(ScopeBytes));
        // Written anew it is the same, so it is whole UTF-8; and no name or number has a NUL.
        return !after.Contains('\0') && Write(scope, after) == token;
    }
}
