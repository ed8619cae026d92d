using System.Buffers;

namespace PolicyService.Core.Images;

/// <summary>
/// The productions of the OCI distribution reference grammar, each read once from left to right. The character sets
/// are spelled out: <see cref="char.IsLetter(char)"/> and its like would let look-alike letters in.
/// </summary>
internal static class ReferenceGrammar
{
    private const int MaxTagLength = 128;
    private const int MinHexLength = 32;

    private const string Digits = "0123456789";
    private const string Lower = "abcdefghijklmnopqrstuvwxyz";
    private const string Upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    private static readonly SearchValues<char> Digit = SearchValues.Create(Digits);
    private static readonly SearchValues<char> UpperLetter = SearchValues.Create(Upper);
    private static readonly SearchValues<char> LowerAlphanumeric = SearchValues.Create(Digits + Lower);
    private static readonly SearchValues<char> Alphanumeric = SearchValues.Create(Digits + Lower + Upper);
    private static readonly SearchValues<char> LabelCharacter = SearchValues.Create(Digits + Lower + Upper + "-");
    private static readonly SearchValues<char> Word = SearchValues.Create(Digits + Lower + Upper + "_");
    private static readonly SearchValues<char> TagCharacter = SearchValues.Create(Digits + Lower + Upper + "_.-");
    private static readonly SearchValues<char> LowerHex = SearchValues.Create(Digits + "abcdef");
    private static readonly SearchValues<char> Hex = SearchValues.Create(Digits + "abcdefABCDEF");
    private static readonly SearchValues<char> Ipv6Character = SearchValues.Create(Digits + "abcdefABCDEF:");
    private static readonly SearchValues<char> AlgorithmSeparator = SearchValues.Create("+._-");

    /// <summary>Whether a first component is a registry host rather than the start of a repository on Docker Hub.</summary>
    public static bool NamesHost(ReadOnlySpan<char> first) =>
        first is "localhost" || first.ContainsAny('.', ':') || first.ContainsAny(UpperLetter);

    /// <summary>A domain name, IPv4 address or bracketed IPv6 address, with an optional port.</summary>
    public static bool IsHost(ReadOnlySpan<char> text)
    {
        var address = text.StartsWith('[') ? text[..(text.IndexOf(']') + 1)] : text[..EndAt(text, ':')];
        var port = text[address.Length..];
        var portFits = port.IsEmpty || (port[0] == ':' && IsAll(port[1..], Digit));

        // An underscore is no host character, yet the grammar takes `my_host.test/app` as a path and nodes pull it.
        return portFits && (IsDomain(address) || IsIpv6(address) || (port.IsEmpty && IsPathComponent(address)));
    }

    /// <summary>One or more path components with a slash between each two.</summary>
    public static bool IsPath(ReadOnlySpan<char> text)
    {
        foreach (var component in text.Split('/'))
        {
            if (!IsPathComponent(text[component]))
            {
                return false;
            }
        }

        return true;
    }

    public static bool IsTag(ReadOnlySpan<char> text) =>
        text.Length is > 0 and <= MaxTagLength && Word.Contains(text[0]) && !text.ContainsAnyExcept(TagCharacter);

    /// <summary>Whether the algorithm is one, and what follows has the form it asks for.</summary>
    public static bool IsDigest(ReadOnlySpan<char> text)
    {
        var colon = text.IndexOf(':');
        if (colon < 0 || !IsAlgorithm(text[..colon]))
        {
            return false;
        }

        var hex = text[(colon + 1)..];
        return text[..colon] switch
        {
            "sha256" => IsLowerHex(hex, 64),
            "sha384" => IsLowerHex(hex, 96),
            "sha512" => IsLowerHex(hex, 128),
            _ => hex.Length >= MinHexLength && IsAll(hex, Hex),
        };
    }

    public static bool IsLowerHex(ReadOnlySpan<char> text, int length) => text.Length == length && IsAll(text, LowerHex);

    /// <summary>Runs of lower-case letters and digits; between two runs <c>.</c>, <c>_</c>, <c>__</c> or any number of <c>-</c>.</summary>
    private static bool IsPathComponent(ReadOnlySpan<char> text)
    {
        var rest = text;
        while (true)
        {
            var run = EndOf(rest, LowerAlphanumeric);
            if (run == 0 || run == rest.Length)
            {
                return run > 0;
            }

            rest = rest[run..];
            var separator = SeparatorLength(rest);
            if (separator == 0)
            {
                return false;
            }

            rest = rest[separator..];
        }
    }

    private static int SeparatorLength(ReadOnlySpan<char> text)
    {
        var dashes = text.IndexOfAnyExcept('-');
        return text[0] switch
        {
            '-' => dashes < 0 ? text.Length : dashes,
            '_' => text.StartsWith("__") ? 2 : 1,
            '.' => 1,
            _ => 0,
        };
    }

    /// <summary>Labels with a dot between each two; a trailing dot would spell the same host twice and is refused.</summary>
    private static bool IsDomain(ReadOnlySpan<char> text)
    {
        foreach (var range in text.Split('.'))
        {
            var label = text[range];
            if (!IsAll(label, LabelCharacter) || !Alphanumeric.Contains(label[0]) || !Alphanumeric.Contains(label[^1]))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsIpv6(ReadOnlySpan<char> text) =>
        text.Length > 2 && text[0] == '[' && text[^1] == ']' && IsAll(text[1..^1], Ipv6Character);

    private static bool IsAlgorithm(ReadOnlySpan<char> text)
    {
        foreach (var component in text.SplitAny(AlgorithmSeparator))
        {
            if (!IsAll(text[component], LowerAlphanumeric))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsAll(ReadOnlySpan<char> text, SearchValues<char> allowed) =>
        !text.IsEmpty && !text.ContainsAnyExcept(allowed);

    private static int EndOf(ReadOnlySpan<char> text, SearchValues<char> run)
    {
        var end = text.IndexOfAnyExcept(run);
        return end < 0 ? text.Length : end;
    }

    private static int EndAt(ReadOnlySpan<char> text, char delimiter)
    {
        var end = text.IndexOf(delimiter);
        return end < 0 ? text.Length : end;
    }
}
