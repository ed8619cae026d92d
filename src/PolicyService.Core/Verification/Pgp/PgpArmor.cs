using System.Buffers.Text;
using System.Text;

namespace PolicyService.Core.Verification.Pgp;

/// <summary>What an ASCII armor says it holds.</summary>
internal enum PgpArmorKind { Unspecified = 0, Message, Signature, PublicKey, PrivateKey, Cleartext }

/// <summary>
/// The text form of PGP data (RFC 4880, section 6): one block and nothing around it. Its headers are not signed and not looked at;
/// everything else has one spelling. Problems never repeat the text: it may hold a secret.
/// </summary>
internal static class PgpArmor
{
    private const uint Crc24Start = 0xB704CE;
    private const uint Crc24Polynomial = 0x1864CFB;

    private static ReadOnlySpan<byte> Begin => "-----BEGIN "u8;

    private static ReadOnlySpan<byte> Dashes => "-----"u8;

    /// <summary>What the first line says, whether or not the rest can be read.</summary>
    public static PgpArmorKind KindOf(ReadOnlySpan<byte> text)
    {
        text = Trim(text);
        var line = NextLine(ref text);
        return !line.StartsWith(Begin) || !line.EndsWith(Dashes) || line.Length < Begin.Length + Dashes.Length ? PgpArmorKind.Unspecified
            : Encoding.UTF8.GetString(line[Begin.Length..^Dashes.Length]) switch
            {
                "PGP MESSAGE" => PgpArmorKind.Message,
                "PGP SIGNATURE" => PgpArmorKind.Signature,
                "PGP PUBLIC KEY BLOCK" => PgpArmorKind.PublicKey,
                "PGP PRIVATE KEY BLOCK" => PgpArmorKind.PrivateKey,
                "PGP SIGNED MESSAGE" => PgpArmorKind.Cleartext,
                _ => PgpArmorKind.Unspecified,
            };
    }

    /// <summary>The bytes of a text that is one block; null if it is anything else.</summary>
    public static byte[]? Decode(ReadOnlySpan<byte> text)
    {
        text = Trim(text);
        var begin = NextLine(ref text);
        if (KindOf(begin) is PgpArmorKind.Unspecified || !SkipHeaders(ref text) || ReadBody(ref text, out var checksum) is not { } bytes)
        {
            return null;
        }

        var end = NextLine(ref text);
        return text.IsEmpty
            && end.StartsWith("-----END "u8)
            && end["-----END ".Length..].SequenceEqual(begin[Begin.Length..])
            && (checksum is null || checksum == Checksum(bytes))
                ? bytes
                : null;
    }

    /// <summary>Lines <c>Name: value</c>, then an empty one.</summary>
    private static bool SkipHeaders(ref ReadOnlySpan<byte> text)
    {
        while (!text.IsEmpty)
        {
            var line = NextLine(ref text);
            if (line.IsEmpty)
            {
                return true;
            }

            if (line.IndexOf(": "u8) <= 0 && !line.EndsWith(":"u8))
            {
                return false;
            }
        }

        return false;
    }

    /// <summary>Base64 lines up to the last line, which is left; before it there may be a checksum.</summary>
    private static byte[]? ReadBody(ref ReadOnlySpan<byte> text, out uint? checksum)
    {
        checksum = null;
        var base64 = new byte[text.Length];
        var length = 0;
        while (!text.IsEmpty && !text.StartsWith(Dashes))
        {
            var line = NextLine(ref text);
            if (line is [(byte)'=', _, _, _, _])
            {
                if (checksum is not null || DecodeBase64(line[1..]) is not [var high, var middle, var low])
                {
                    return null;
                }

                checksum = (uint)((high << 16) | (middle << 8) | low);
                continue;
            }

            if (checksum is not null || line.IsEmpty)
            {
                return null;
            }

            line.CopyTo(base64.AsSpan(length));
            length += line.Length;
        }

        return DecodeBase64(base64.AsSpan(0, length));
    }

    /// <summary>Strict: the library would pass over white space and over bits beyond the last byte.</summary>
    private static byte[]? DecodeBase64(ReadOnlySpan<byte> text)
    {
        var buffer = new byte[Base64.GetMaxDecodedFromUtf8Length(text.Length)];
        if (Base64.DecodeFromUtf8(text, buffer, out _, out var length) is not System.Buffers.OperationStatus.Done)
        {
            return null;
        }

        var again = new byte[Base64.GetMaxEncodedToUtf8Length(length)];
        _ = Base64.EncodeToUtf8(buffer.AsSpan(0, length), again, out _, out var written);
        return again.AsSpan(0, written).SequenceEqual(text) ? buffer[..length] : null;
    }

    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var crc = Crc24Start;
        foreach (var value in bytes)
        {
            crc ^= (uint)value << 16;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 0x800000) == 0 ? crc << 1 : (crc << 1) ^ Crc24Polynomial;
            }
        }

        return crc & 0xFFFFFF;
    }

    /// <summary>The next line without its end and without white space before that, which some editors leave there.</summary>
    private static ReadOnlySpan<byte> NextLine(ref ReadOnlySpan<byte> text)
    {
        var end = text.IndexOf((byte)'\n');
        var line = end < 0 ? text : text[..end];
        text = end < 0 ? [] : text[(end + 1)..];
        return line.TrimEnd(" \t\r"u8);
    }

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text) => text.Trim(" \t\r\n"u8);
}
