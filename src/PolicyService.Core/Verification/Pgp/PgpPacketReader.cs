using Org.BouncyCastle.Bcpg;

namespace PolicyService.Core.Verification.Pgp;

/// <summary>
/// Reads the content of one packet with BouncyCastle. The packet was cut out before, so that nothing reads beyond it, and it must
/// be exactly what its reading writes again: numbers and lengths have one spelling here.
/// </summary>
internal static class PgpPacketReader
{
    /// <summary>The packet; null if its content is malformed, or of a version or algorithm the library does not know.</summary>
    public static T? Read<T>(PgpTag tag, ReadOnlyMemory<byte> body) where T : ContainedPacket
    {
        try
        {
            return ParsePacket(tag, body) is T packet && IsCanonical(packet, body.Span) ? packet : null;
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // Null is a refusal. The library does not say which exceptions its readers throw on hostile bytes: some are of IO,
            // some of arithmetic, some of casts.
            return null;
        }
    }

    private static Packet ParsePacket(PgpTag tag, ReadOnlyMemory<byte> body)
    {
        byte[] header = [(byte)(0xC0 | (int)tag), 0xFF, (byte)(body.Length >> 24), (byte)(body.Length >> 16), (byte)(body.Length >> 8), (byte)body.Length];
        using var bytes = new MemoryStream([.. header, .. body.Span], writable: false);
        using var reader = new BcpgInputStream(bytes);
        return reader.ReadPacket();
    }

    private static bool IsCanonical(ContainedPacket packet, ReadOnlySpan<byte> body) =>
        PgpPacket.TrySplit(packet.GetEncoded(), out var again) && again.Count == 1 && again[0].Body.Span.SequenceEqual(body);
}
