using System.Diagnostics.CodeAnalysis;

namespace PolicyService.Core.Verification.Pgp;

/// <summary>The content of one signature packet of a message, and of the packet that announced it where one did.</summary>
internal readonly record struct PgpSignedPart(ReadOnlyMemory<byte> Signature, bool IsAnnounced, ReadOnlyMemory<byte> Announcement);

/// <summary>
/// A signed message (RFC 4880, section 11.3), attached or detached, armored or binary. Its shape is exactly one of these, to the
/// last byte; nothing in it is believed yet.
/// </summary>
internal sealed record PgpMessage(IReadOnlyList<PgpSignedPart> Signatures, bool IsAttached, ReadOnlyMemory<byte> Literal)
{
    public static bool TryParse(ReadOnlyMemory<byte> value, [NotNullWhen(true)] out PgpMessage? message, [NotNullWhen(false)] out string? problem)
    {
        message = null;
        if (!TryPackets(value, out var packets, out problem))
        {
            return false;
        }

        if (packets is [{ Tag: PgpTag.Compressed, Body: var compressed }])
        {
            if (!PgpInflater.TryInflate(compressed, out var bytes, out problem))
            {
                return false;
            }

            // What is inside is attached and not compressed again.
            if (!PgpPacket.TrySplit(bytes, out packets) || packets.Count == 0 || packets.TrueForAll(packet => packet.Tag is not PgpTag.Literal))
            {
                problem = "what is compressed in the message is not signed data";
                return false;
            }
        }

        problem = Read(packets, out message);
        return message is not null;
    }

    private static bool TryPackets(ReadOnlyMemory<byte> value, [NotNullWhen(true)] out List<PgpPacket>? packets, [NotNullWhen(false)] out string? problem)
    {
        packets = null;
        var bytes = value;
        if (!value.IsEmpty && value.Span[0] < 0x80)
        {
            var kind = PgpArmor.KindOf(value.Span);
            if (kind is PgpArmorKind.Cleartext)
            {
                problem = "the message is cleartext-signed, so that what is signed differs from the payload; sign with `gpg --armor --sign`";
                return false;
            }

            if (kind is not (PgpArmorKind.Message or PgpArmorKind.Signature) || PgpArmor.Decode(value.Span) is not { } decoded)
            {
                problem = "the signature is neither binary nor one intact block `PGP MESSAGE` or `PGP SIGNATURE`";
                return false;
            }

            bytes = decoded;
        }

        problem = PgpPacket.TrySplit(bytes, out packets) && packets.Count > 0 ? null : "the message is not a sequence of PGP packets";
        return problem is null;
    }

    private static string? Read(List<PgpPacket> packets, out PgpMessage? message)
    {
        message = null;
        var announced = packets.TakeWhile(packet => packet.Tag is PgpTag.OnePassSignature).Select(packet => packet.Body).ToArray();
        var rest = packets[announced.Length..];
        var literal = rest.FindIndex(packet => packet.Tag is PgpTag.Literal);
        var signatures = rest.Where(packet => packet.Tag is PgpTag.Signature).Select(packet => packet.Body).ToArray();
        var hasShape = rest.Count == signatures.Length + (literal < 0 ? 0 : 1)
            && signatures.Length > 0
            && (announced.Length > 0 ? literal == 0 && announced.Length == signatures.Length : literal < 0 || literal == rest.Count - 1);
        if (!hasShape)
        {
            return "the message is not signatures alone, nor one literal with its signatures";
        }

        if (signatures.Length > Limits.PgpSignaturesPerMessage)
        {
            return $"the message holds more than {Limits.PgpSignaturesPerMessage} signatures";
        }

        ReadOnlyMemory<byte> data = default;
        if (literal >= 0 && !TryReadLiteral(rest[literal].Body, out data))
        {
            return "the literal packet of the message is malformed or not binary";
        }

        message = new PgpMessage([.. signatures.Select((body, index) => Part(body, index, announced))], literal >= 0, data);
        return null;
    }

    /// <summary>The first announced is the last to follow.</summary>
    private static PgpSignedPart Part(ReadOnlyMemory<byte> body, int index, ReadOnlyMemory<byte>[] announced) =>
        announced.Length == 0 ? new PgpSignedPart(body, false, default) : new PgpSignedPart(body, true, announced[^(index + 1)]);

    /// <summary>Format, file name and time stand before the data, and no signature covers them. Only the binary format means the bytes as they are.</summary>
    private static bool TryReadLiteral(ReadOnlyMemory<byte> body, out ReadOnlyMemory<byte> data)
    {
        var isBinary = body.Span is [(byte)'b', _, ..] && body.Length >= 2 + body.Span[1] + 4;
        data = isBinary ? body[(2 + body.Span[1] + 4)..] : default;
        return isBinary;
    }
}
