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
        var rest = bytes[1..];
        var mayStream = tag is PgpTag.Compressed or PgpTag.Literal;
        var body = isNew ? TakeNew(ref rest, mayStream) : TakeOld(ref rest, first & 3, mayStream);
        (bytes, packet) = (rest, new PgpPacket(tag, body ?? default));
        return body is not null;
    }

    private static ReadOnlyMemory<byte>? TakeOld(ref ReadOnlyMemory<byte> bytes, int lengthType, bool mayStream)
    {
        if (lengthType == 3)
        {
            var all = bytes;
            bytes = default;
            return mayStream ? all : null;
        }

        var width = 1 << lengthType;
        return TakeNumber(ref bytes, width) is { } length ? TakeBytes(ref bytes, length) : null;
    }

    private static ReadOnlyMemory<byte>? TakeNew(ref ReadOnlyMemory<byte> bytes, bool mayStream)
    {
        List<byte>? parts = null;
        while (TakeNumber(ref bytes, 1) is { } first)
        {
            if (first is >= 224 and < 255)
            {
                if (!mayStream || TakeBytes(ref bytes, 1u << (int)(first & 0x1F)) is not { } part)
                {
                    return null;
                }

                (parts ??= []).AddRange(part.Span);
                continue;
            }

            var length = first switch
            {
                < 192 => first,
                255 => TakeNumber(ref bytes, 4),
                _ => TakeNumber(ref bytes, 1) is { } second ? ((first - 192) << 8) + second + 192 : null,
            };
            if (length is not { } last || TakeBytes(ref bytes, last) is not { } body)
            {
                return null;
            }

            parts?.AddRange(body.Span);
            return parts is null ? body : parts.ToArray();
        }

        return null;
    }

    private static uint? TakeNumber(ref ReadOnlyMemory<byte> bytes, int width)
    {
        if (TakeBytes(ref bytes, (uint)width) is not { } number)
        {
            return null;
        }

        Span<byte> wide = stackalloc byte[sizeof(uint)];
        wide.Clear();
        number.Span.CopyTo(wide[^width..]);
        return BinaryPrimitives.ReadUInt32BigEndian(wide);
    }

    private static ReadOnlyMemory<byte>? TakeBytes(ref ReadOnlyMemory<byte> bytes, uint length)
    {
        if (length > bytes.Length)
        {
            return null;
        }

        var taken = bytes[..(int)length];
        bytes = bytes[(int)length..];
        return taken;
    }
}
