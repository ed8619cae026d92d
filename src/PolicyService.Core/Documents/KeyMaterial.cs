using System.Buffers;
using System.Globalization;
using System.Text;

namespace PolicyService.Core.Documents;

/// <summary>
/// Finds private keys in text that is about to be shown. Who gives one where a path or an image belongs must not find it in the log of a
/// pipeline. What is found: PEM and PGP blocks, also when they are cut off, and base64 of what stands in them.
/// </summary>
public static class KeyMaterial
{
    private const string Begin = "-----BEGIN";
    private const string End = "-----END";
    private const string PrivateKey = "PRIVATE KEY";

    /// <summary>The shortest key, Ed25519 in PKCS#8, has 64 characters; less than this is no key, however it begins.</summary>
    private const int MinCharacters = 40;

    /// <summary>What goes on behind a space, as the lines of a key do in an unquoted argument, is so long at least; most words are not.</summary>
    private const int MinContinuation = 20;

    /// <summary>Characters that are decoded to tell what a text holds: enough for every header there is.</summary>
    private const int Looked = 64;

    private static readonly SearchValues<char> Base64 = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_");

    /// <summary>How many characters of the text belong to private keys; 0 if none do.</summary>
    public static int CharactersIn(string text)
    {
        _ = Mask(text, out var characters);
        return characters;
    }

    /// <summary>The text with each private key in it replaced by a remark that says how long it is.</summary>
    public static string Mask(string text) => Mask(text, out _);

    private static string Mask(string text, out int characters)
    {
        characters = 0;
        if (text.Length < MinCharacters && !text.Contains(Begin, StringComparison.Ordinal))
        {
            return text;
        }

        var withoutBlocks = Replace(text, EndOfBlock, ref characters);
        return Replace(withoutBlocks, EndOfBase64, ref characters);
    }

    /// <summary>Replaces what begins where <paramref name="endOf"/> gives an end. It is asked in order and once for each place that is left.</summary>
    private static string Replace(string text, Func<string, int, (int Start, int End)?> endOf, ref int characters)
    {
        StringBuilder? masked = null;
        var done = 0;
        while (endOf(text, done) is var (start, end))
        {
            masked ??= new StringBuilder(text.Length);
            masked.Append(text, done, start - done).Append(CultureInfo.InvariantCulture, $"(a private key, {end - start} characters)");
            characters += end - start;
            done = end;
        }

        return masked is null ? text : masked.Append(text, done, text.Length - done).ToString();
    }

    /// <summary>The next block of PEM or PGP whose name says that it is private: to its last dash, or to the end of the text.</summary>
    private static (int Start, int End)? EndOfBlock(string text, int from)
    {
        for (var start = text.IndexOf(Begin, from, StringComparison.Ordinal); start >= 0; start = text.IndexOf(Begin, start + 1, StringComparison.Ordinal))
        {
            var name = text.AsSpan(start + Begin.Length);
            var dashes = name.IndexOf("-----", StringComparison.Ordinal);
            if (!(dashes < 0 ? name : name[..dashes]).Contains(PrivateKey, StringComparison.Ordinal))
            {
                continue;
            }

            var last = text.IndexOf(End, start, StringComparison.Ordinal);
            var close = last < 0 ? -1 : text.IndexOf("-----", last + End.Length, StringComparison.Ordinal);
            return (start, close < 0 ? text.Length : close + "-----".Length);
        }

        return null;
    }

    private static (int Start, int End)? EndOfBase64(string text, int from)
    {
        for (var start = from; start < text.Length;)
        {
            var length = WordAt(text, start);
            for (var at = start; start + length - at >= MinCharacters; at++)
            {
                if (text[at] is 'M' or 'L' or 'l' or 'x' && IsPrivate(text.AsSpan(at, Math.Min(Looked, start + length - at))))
                {
                    return (at, EndOfLines(text, at, start + length));
                }
            }

            start += Math.Max(length, 1);
        }

        return null;
    }

    /// <summary>How many characters of base64 stand there.</summary>
    private static int WordAt(string text, int start)
    {
        var end = text.AsSpan(start).IndexOfAnyExcept(Base64);
        return end < 0 ? text.Length - start : end;
    }

    /// <summary>
    /// The lines that follow the first belong to it: each is base64 too, and by itself nobody could tell what it is. Where they were joined by
    /// spaces, a long word is one, and whatever follows a line of the length that PEM or MIME have.
    /// </summary>
    private static int EndOfLines(string text, int start, int end)
    {
        for (var line = end - start; ;)
        {
            var rest = text.AsSpan(end).IndexOfAnyExcept('=');
            var padded = rest < 0 ? text.Length : end + rest;
            var next = padded;
            while (next < text.Length && char.IsWhiteSpace(text[next]))
            {
                next++;
            }

            var length = WordAt(text, next);
            var isLine = line is 64 or 76 || length >= MinContinuation || text.AsSpan(padded, next - padded).Contains('\n');
            if (length == 0 || next == padded || !isLine)
            {
                return padded;
            }

            (line, end) = (length, next + length);
        }
    }

    private static bool IsPrivate(ReadOnlySpan<char> word)
    {
        Span<byte> utf8 = stackalloc byte[Looked];
        Span<byte> bytes = stackalloc byte[Looked];
        word = word[..(word.Length / 4 * 4)];
        for (var index = 0; index < word.Length; index++)
        {
            utf8[index] = word[index] switch { '-' => (byte)'+', '_' => (byte)'/', var character => (byte)character };
        }

        return System.Buffers.Text.Base64.DecodeFromUtf8(utf8[..word.Length], bytes, out _, out var length) is OperationStatus.Done
            && (IsDer(bytes[..length]) || IsPgp(bytes[..length]) || IsPem(bytes[..length]));
    }

    /// <summary>
    /// PKCS#8, PKCS#1, SEC 1 and PKCS#12 begin with their small version number and then a sequence, a number or a string of bytes;
    /// an encrypted PKCS#8 with an algorithm of PKCS#5 or PKCS#12.
    /// </summary>
    private static bool IsDer(ReadOnlySpan<byte> bytes) =>
        TryEnter(ref bytes)
        && (bytes is [2, 1, <= 3, 0x30 or 2 or 4, ..] || (TryEnter(ref bytes) && bytes is [6, >= 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5 or 12, ..]));

    /// <summary>Passes over the head of a sequence.</summary>
    private static bool TryEnter(ref ReadOnlySpan<byte> bytes)
    {
        var head = bytes is [0x30, < 0x80, ..] ? 2 : bytes is [0x30, > 0x80 and <= 0x83, ..] ? 2 + (bytes[1] & 0x7f) : 0;
        if (head == 0 || bytes.Length < head)
        {
            return false;
        }

        bytes = bytes[head..];
        return true;
    }

    /// <summary>A secret-key packet (RFC 4880, section 5.5.3): version, time, and an algorithm there is.</summary>
    private static bool IsPgp(ReadOnlySpan<byte> bytes)
    {
        var body = bytes switch
        {
            [0x94, _, ..] => bytes[2..],
            [0x95, _, _, ..] => bytes[3..],
            [0xc5, < 192, ..] => bytes[2..],
            [0xc5, < 224, _, ..] => bytes[3..],
            _ => [],
        };
        return body is [4 or 5 or 6, _, _, _, _, 1 or 2 or 3 or 16 or 17 or 18 or 19 or 22 or 25 or 27, ..];
    }

    /// <summary>A block in base64 once more, as the secrets of Kubernetes are.</summary>
    private static bool IsPem(ReadOnlySpan<byte> bytes) => bytes.StartsWith("-----BEGIN "u8) && bytes.IndexOf("PRIVATE KEY"u8) >= 0;
}
