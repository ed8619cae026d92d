using System.Text;
using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Core.Verification;
using PolicyService.Core.Verification.Pgp;

namespace PolicyService.Core.Tests.Verification.Pgp;

/// <summary>Short words for the PGP tests: payload, verification, and PGP data taken apart and put together.</summary>
internal static class PgpJudge
{
    public static readonly DateTimeOffset Now = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);
    public static readonly byte[] Payload = SimpleSigningPayload.Write("registry.example.com/acme/api", Digest.Of("api"u8));

    public static PgpKey Key(string block)
    {
        var reading = PgpKeyBlock.Read(block);
        Assert.Null(reading.Problem);
        return Assert.IsType<PgpKey>(reading.Key);
    }

    public static string Problem(string block)
    {
        var reading = PgpKeyBlock.Read(block);
        Assert.Null(reading.Key);
        return Assert.IsType<string>(reading.Problem);
    }

    public static VerificationResult Verify(VerificationKey key, byte[] message, byte[]? payload = null)
    {
        var signature = new AttestationSignature(key.DefaultId, message);
        return AttestationVerifier.VerifySignature(key, new Attestation(payload ?? Payload, [signature]) { Source = EvidenceSource.Grafeas }, signature);
    }

    /// <summary>Whether the signature verifies and holds at the time.</summary>
    public static bool Holds(VerificationResult result, DateTimeOffset? at = null) =>
        result is VerificationResult.Verified verified && verified.Periods.Any(period => period.Contains(at ?? Now));

    public static void AssertHolds(VerificationResult result, DateTimeOffset? at = null) =>
        Assert.True(Holds(result, at), result is VerificationResult.Rejected rejected ? rejected.Explanation : $"{result}");

    /// <summary>Refused at any time, for the reason.</summary>
    public static void AssertRejected(string because, VerificationResult result)
    {
        var rejected = Assert.IsType<VerificationResult.Rejected>(result);
        Assert.Equal(RejectionReason.SignatureInvalid, rejected.Reason);
        Assert.Contains(because, rejected.Explanation, StringComparison.Ordinal);
    }

    public static byte[] Dearmored(byte[] text) => PgpArmor.Decode(text)!;

    public static List<PgpPacket> Packets(byte[] bytes)
    {
        Assert.True(PgpPacket.TrySplit(bytes, out var packets));
        return packets;
    }

    public static List<PgpPacket> Packets(string block) => Packets(Dearmored(Encoding.UTF8.GetBytes(block)));

    public static byte[] Bytes(params IEnumerable<PgpPacket> packets) => [.. packets.SelectMany(Bytes)];

    public static byte[] Bytes(PgpPacket packet) =>
        [(byte)(0xC0 | (int)packet.Tag), 0xFF, 0, 0, (byte)(packet.Body.Length >> 8), (byte)packet.Body.Length, .. packet.Body.Span];

    public static PgpPacket Packet(PgpTag tag, params byte[] body) => new(tag, body);

    public static PgpPacket Literal(byte[] data, char format = 'b') => new(PgpTag.Literal, (byte[])[(byte)format, 0, 0, 0, 0, 0, .. data]);

    public static string Block(IEnumerable<PgpPacket> packets) => Block(Bytes(packets));

    public static string Block(byte[] bytes, string label = "PGP PUBLIC KEY BLOCK") =>
        $"-----BEGIN {label}-----\n\n{Convert.ToBase64String(bytes, Base64FormattingOptions.InsertLineBreaks)}\n-----END {label}-----\n";

    /// <summary>The type byte of a signature packet.</summary>
    public static PgpSignatureType TypeOf(PgpPacket packet) => (PgpSignatureType)packet.Body.Span[1];

    /// <summary>A signature packet with other unsigned subpackets; each begins with its length.</summary>
    public static PgpPacket WithUnhashed(PgpPacket packet, Func<byte[], byte[]> change)
    {
        var body = packet.Body.ToArray();
        var start = 6 + (body[4] << 8) + body[5];
        var length = (body[start] << 8) + body[start + 1];
        var unhashed = change(body[(start + 2)..(start + 2 + length)]);
        return packet with { Body = (byte[])[.. body[..start], (byte)(unhashed.Length >> 8), (byte)unhashed.Length, .. unhashed, .. body[(start + 2 + length)..]] };
    }

    /// <summary>The packet with one byte changed, counted from the end.</summary>
    public static PgpPacket Flipped(PgpPacket packet, int fromEnd = 1)
    {
        var body = packet.Body.ToArray();
        body[^fromEnd] ^= 1;
        return packet with { Body = body };
    }
}
