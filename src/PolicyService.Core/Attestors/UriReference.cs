using System.Buffers;

namespace PolicyService.Core.Attestors;

/// <summary>
/// The grammar of RFC 3986 section 4.1, over characters only. <see cref="Uri"/> is not used: it repairs and normalises,
/// and an id that was repaired is not the id that was signed.
/// </summary>
internal static class UriReference
{
    private const string Alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    private const string Unreserved = Alphanumeric + "-._~";
    private const string SubDelimiters = "!$&'()*+,;=";

    // Percent is in these sets; each use of it is then checked by HasWholeEscapes.
    private static readonly SearchValues<char> Scheme = SearchValues.Create(Alphanumeric + "+-.");
    private static readonly SearchValues<char> UserInfo = SearchValues.Create(Unreserved + SubDelimiters + "%:");
    private static readonly SearchValues<char> RegisteredName = SearchValues.Create(Unreserved + SubDelimiters + "%");
    private static readonly SearchValues<char> IPv6Address = SearchValues.Create("0123456789abcdefABCDEF:.");
    private static readonly SearchValues<char> Path = SearchValues.Create(Unreserved + SubDelimiters + "%:@/");
    private static readonly SearchValues<char> QueryOrFragment = SearchValues.Create(Unreserved + SubDelimiters + "%:@/?");

    public static bool IsValid(ReadOnlySpan<char> text)
    {
        var rest = text;
        return HasWholeEscapes(text)
            && TryCutTail(ref rest, '#')
            && TryCutTail(ref rest, '?')
            && TryCutScheme(ref rest)
            && TryCutAuthority(ref rest)
            && !rest.ContainsAnyExcept(Path);
    }

    private static bool HasWholeEscapes(ReadOnlySpan<char> text)
    {
        for (var at = text.IndexOf('%'); at >= 0; at = text.IndexOf('%'))
        {
            if (text.Length < at + 3 || !char.IsAsciiHexDigit(text[at + 1]) || !char.IsAsciiHexDigit(text[at + 2]))
            {
                return false;
            }

            text = text[(at + 3)..];
        }

        return true;
    }

    private static bool TryCutTail(ref ReadOnlySpan<char> rest, char separator)
    {
        var at = rest.IndexOf(separator);
        var tail = at < 0 ? [] : rest[(at + 1)..];
        rest = at < 0 ? rest : rest[..at];
        return !tail.ContainsAnyExcept(QueryOrFragment);
    }

    private static bool TryCutScheme(ref ReadOnlySpan<char> rest)
    {
        // A colon before the first slash ends a scheme: the first segment of a relative path may not hold one.
        var at = rest.IndexOfAny(':', '/');
        if (at < 0 || rest[at] == '/')
        {
            return true;
        }

        var scheme = rest[..at];
        rest = rest[(at + 1)..];
        return !scheme.IsEmpty && char.IsAsciiLetter(scheme[0]) && !scheme.ContainsAnyExcept(Scheme);
    }

    private static bool TryCutAuthority(ref ReadOnlySpan<char> rest)
    {
        if (!rest.StartsWith("//"))
        {
            return true;
        }

        var end = rest[2..].IndexOf('/');
        var authority = end < 0 ? rest[2..] : rest[2..(2 + end)];
        rest = end < 0 ? [] : rest[(2 + end)..];

        var at = authority.IndexOf('@');
        return (at < 0 || !authority[..at].ContainsAnyExcept(UserInfo)) && IsHostAndPort(authority[(at + 1)..]);
    }

    private static bool IsHostAndPort(ReadOnlySpan<char> text)
    {
        if (text.StartsWith('['))
        {
            // The characters of an IPv6 address; the grammar's "future" addresses do not exist.
            var end = text.IndexOf(']');
            return end > 2 && !text[1..end].ContainsAnyExcept(IPv6Address) && IsPort(text[(end + 1)..]);
        }

        var colon = text.IndexOf(':');
        var host = colon < 0 ? text : text[..colon];
        return !host.ContainsAnyExcept(RegisteredName) && IsPort(colon < 0 ? [] : text[colon..]);
    }

    private static bool IsPort(ReadOnlySpan<char> text) => text.IsEmpty || (text[0] == ':' && !text[1..].ContainsAnyExceptInRange('0', '9'));
}
