using System.Text;
using PolicyService.Core.Verification.Pgp;

namespace PolicyService.Fuzz.Targets;

/// <summary>The outer forms of PGP data, armor and packets: what was read says the same when written again.</summary>
internal static class PgpForm
{
    /// <summary>The text a document would hold. Bytes are put in armor, so that mutations need not get its checksum right.</summary>
    public static string Text(byte[] input) => input is [>= 0x80, ..] ? Armor(input) : Encoding.UTF8.GetString(input);

    public static string Armor(byte[] bytes) =>
        $"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{Convert.ToBase64String(bytes, Base64FormattingOptions.InsertLineBreaks)}\n-----END PGP PUBLIC KEY BLOCK-----\n";

    public static void Check(byte[] input)
    {
        var bytes = input;
        if (PgpArmor.Decode(input) is { } decoded)
        {
            Finding.Unless(PgpArmor.KindOf(input) is not PgpArmorKind.Unspecified, "an armor of no kind was decoded");
            Finding.Unless(PgpArmor.Decode(Encoding.ASCII.GetBytes(Armor(decoded))) is { } again && again.AsSpan().SequenceEqual(decoded), "the armor holds other bytes when written again");
            bytes = decoded;
        }

        if (PgpPacket.TrySplit(bytes, out var packets))
        {
            byte[] written = [.. packets.SelectMany(Bytes)];
            Finding.Unless(
                PgpPacket.TrySplit(written, out var again) && again.Count == packets.Count
                && again.Zip(packets).All(pair => pair.First.Tag == pair.Second.Tag && pair.First.Body.Span.SequenceEqual(pair.Second.Body.Span)),
                "the packets are others when written again");
        }
    }

    private static byte[] Bytes(PgpPacket packet)
    {
        var length = packet.Body.Length;
        return [(byte)(0xC0 | (int)packet.Tag), 0xFF, (byte)(length >> 24), (byte)(length >> 16), (byte)(length >> 8), (byte)length, .. packet.Body.Span];
    }
}
