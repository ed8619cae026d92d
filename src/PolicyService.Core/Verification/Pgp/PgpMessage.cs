using System.Diagnostics.CodeAnalysis;
using System.IO.Compression;

namespace PolicyService.Core.Verification.Pgp;

/// <summary>One signature packet of a message, and the packet that announced it, if one did.</summary>
internal readonly record struct PgpSignedPart(ReadOnlyMemory<byte> Signature, ReadOnlyMemory<byte>? OnePass);

/// <summary>
/// A signed message (RFC 4880, section 11.3), attached or detached, armored or binary. Its shape is exactly one of these, to the
/// last byte; nothing in it is believed yet.
/// </summary>
internal sealed record PgpMessage(IReadOnlyList<PgpSignedPart> Signatures, ReadOnlyMemory<byte>? Literal)
{
    // A signature takes less than its limit, and a message of one literal repeats the payload; what is larger is a bomb.
    private const int MaxDecompressed = Limits.PayloadBytes + Limits.SignatureBytes;

    public static bool TryParse(ReadOnlyMemory<byte> value, [NotNullWhen(true)] out PgpMessage? message, [NotNullWhen(false)] out string? problem)
    {
        message = null;
        if (!TryPackets(value, out var packets, out problem))
        {
            return false;
        }

        if (packets is [{ Tag: PgpTag.Compressed, Body: var compressed }])
        {
            if (!TryDecompress(compressed, out var bytes, out problem))
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

    private static bool TryDecompress(ReadOnlyMemory<byte> body, out ReadOnlyMemory<byte> bytes, [NotNullWhen(false)] out string? problem)
    {
        bytes = default;
        var algorithm = body.IsEmpty ? -1 : body.Span[0];
        if (algorithm is not (1 or 2))
        {
            problem = "the message is compressed in a way that is not read here; use `--compress-algo zip`, `zlib` or `none`";
            return false;
        }

        using var input = new SingleByteStream(body[1..]);
        using Stream inflater = algorithm == 1 ? new DeflateStream(input, CompressionMode.Decompress) : new ZLibStream(input, CompressionMode.Decompress);
        var buffer = new byte[MaxDecompressed + 1];
        try
        {
            var length = inflater.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            problem = length > MaxDecompressed ? "the message is larger than the limits allow once decompressed"
                : !input.IsAtEnd ? "bytes follow the compressed part of the message"
                : null;
            bytes = buffer.AsMemory(0, length);
        }
        catch (InvalidDataException)
        {
            problem = "the compressed part of the message is malformed";
        }

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

        ReadOnlyMemory<byte>? data = null;
        if (literal >= 0 && (data = LiteralData(rest[literal].Body)) is null)
        {
            return "the literal packet of the message is malformed or not binary";
        }

        // The first announced is the last to follow.
        message = new PgpMessage([.. signatures.Select((body, index) => new PgpSignedPart(body, announced.Length == 0 ? null : announced[^(index + 1)]))], data);
        return null;
    }

    /// <summary>Format, file name and time stand before the data, and no signature covers them. Only the binary format means the bytes as they are.</summary>
    private static ReadOnlyMemory<byte>? LiteralData(ReadOnlyMemory<byte> body) =>
        body.Span is [(byte)'b', var nameLength, ..] && body.Length >= 2 + nameLength + 4 ? body[(2 + nameLength + 4)..] : null;

    /// <summary>Gives one byte at a time, so that the inflater takes no more than its data has and what follows is seen.</summary>
    private sealed class SingleByteStream(ReadOnlyMemory<byte> bytes) : Stream
    {
        private int _position;

        public bool IsAtEnd => _position == bytes.Length;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            if (IsAtEnd || buffer.IsEmpty)
            {
                return 0;
            }

            buffer[0] = bytes.Span[_position++];
            return 1;
        }

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
