using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace PolicyService.Core.Verification.Pgp;

/// <summary>The kinds of packets that are looked at (RFC 4880, section 4.3).</summary>
internal enum PgpTag
{
    Reserved = 0,
    Signature = 2,
    OnePassSignature = 4,
    SecretKey = 5,
    PublicKey = 6,
    SecretSubkey = 7,
    Compressed = 8,
    Literal = 11,
    UserId = 13,
    PublicSubkey = 14,
    UserAttribute = 17,
}

/// <summary>One packet: its kind and its content, with lengths taken off.</summary>
internal readonly record struct PgpPacket(PgpTag Tag, ReadOnlyMemory<byte> Body)
{
    /// <summary>
    /// The packets that the bytes are, to the last byte. Only packets that carry data may come in parts or without a length: the
    /// RFC says so, and a signature in parts would have a second spelling.
    /// </summary>
    public static bool TrySplit(ReadOnlyMemory<byte> bytes, [NotNullWhen(true)] out List<PgpPacket>? packets)
    {
        packets = [];
        while (!bytes.IsEmpty)
        {
            if (!TryTake(ref bytes, out var packet))
            {
                packets = null;
                return false;
            }

            packets.Add(packet);
        }

        return true;
    }

    private static bool TryTake(ref ReadOnlyMemory<byte> bytes, out PgpPacket packet)
    {
        packet = default;
        var first = bytes.Span[0];
        if ((first & 0x80) == 0)
        {
            return false;
        }

        var isNew = (first & 0x40) != 0;
        var tag = (PgpTag)(isNew ? first & 0x3F : (first >> 2) & 0x0F);
        var mayStream = tag is PgpTag.Compressed or PgpTag.Literal;
        bytes = bytes[1..];
        if (!(isNew ? TryTakeNew(ref bytes, mayStream, out var body) : TryTakeOld(ref bytes, first & 3, mayStream, out body)))
        {
            return false;
        }

        packet = new PgpPacket(tag, body);
        return true;
    }

    private static bool TryTakeOld(ref ReadOnlyMemory<byte> bytes, int lengthType, bool mayStream, out ReadOnlyMemory<byte> body)
    {
        body = default;
        if (lengthType == 3)
        {
            (body, bytes) = (bytes, default);
            return mayStream;
        }

        return TryTakeNumber(ref bytes, 1 << lengthType, out var length) && TryTake(ref bytes, length, out body);
    }

    private static bool TryTakeNew(ref ReadOnlyMemory<byte> bytes, bool mayStream, out ReadOnlyMemory<byte> body)
    {
        body = default;
        List<byte>? parts = null;
        while (TryTakeNumber(ref bytes, 1, out var first))
        {
            if (first is >= 224 and < 255)
            {
                if (!mayStream || !TryTake(ref bytes, 1u << (int)(first & 0x1F), out var part))
                {
                    return false;
                }

                (parts ??= []).AddRange(part.Span);
                continue;
            }

            if (!TryTakeLength(ref bytes, first, out var length) || !TryTake(ref bytes, length, out body))
            {
                return false;
            }

            parts?.AddRange(body.Span);
            body = parts is null ? body : parts.ToArray();
            return true;
        }

        return false;
    }

    private static bool TryTakeLength(ref ReadOnlyMemory<byte> bytes, uint first, out uint length)
    {
        if (first == 255)
        {
            return TryTakeNumber(ref bytes, 4, out length);
        }

        length = first;
        if (first < 192)
        {
            return true;
        }

        var isWhole = TryTakeNumber(ref bytes, 1, out var second);
        length = ((first - 192) << 8) + second + 192;
        return isWhole;
    }

    private static bool TryTakeNumber(ref ReadOnlyMemory<byte> bytes, int width, out uint number)
    {
        Span<byte> wide = stackalloc byte[sizeof(uint)];
        wide.Clear();
        var isThere = TryTake(ref bytes, (uint)width, out var digits);
        digits.Span.CopyTo(wide[^digits.Length..]);
        number = BinaryPrimitives.ReadUInt32BigEndian(wide);
        return isThere;
    }

    private static bool TryTake(ref ReadOnlyMemory<byte> bytes, uint length, out ReadOnlyMemory<byte> taken)
    {
        taken = default;
        if (length > bytes.Length)
        {
            return false;
        }

        (taken, bytes) = (bytes[..(int)length], bytes[(int)length..]);
        return true;
    }
}
