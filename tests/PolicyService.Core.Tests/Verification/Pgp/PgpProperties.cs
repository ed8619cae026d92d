using System.Text;
using CsCheck;
using PolicyService.Core.Verification;
using PolicyService.Core.Verification.Pgp;
using static PolicyService.Core.Tests.Verification.Pgp.PgpJudge;

namespace PolicyService.Core.Tests.Verification.Pgp;

/// <summary>No bytes throw, and none but a signature verify.</summary>
public sealed class PgpProperties(GpgHome gpg)
{
    [Fact]
    public void No_bytes_are_a_signature()
    {
        var key = Key(gpg.Export(gpg.Key("ed25519")));

        Gen.Byte.Array[0, 200].Sample(bytes => Verify(key, bytes) is VerificationResult.Rejected, iter: 20_000, seed: "0000KOIPe036");
        Packets().Sample(bytes => Verify(key, bytes) is VerificationResult.Rejected, iter: 20_000, seed: "0000KOIPe036");
        Gen.Select(Gen.String, Gen.Byte.Array[0, 100]).Sample(
            (text, bytes) => Verify(key, Encoding.UTF8.GetBytes($"-----BEGIN PGP MESSAGE-----\n{text}\n\n{Convert.ToBase64String(bytes)}\n-----END PGP MESSAGE-----")) is VerificationResult.Rejected,
            iter: 5_000,
            seed: "0000KOIPe036");
    }

    [Fact]
    public void No_text_is_a_key()
    {
        Gen.String.Sample(text => PgpKeyBlock.Read(text).Key is null, iter: 5_000, seed: "0000KOIPe036");
        Packets().Sample(bytes => PgpKeyBlock.Read(Block(bytes)).Key is null, iter: 20_000, seed: "0000KOIPe036");
    }

    [Theory]
    [InlineData("rsa2048")]
    [InlineData("nistp256")]
    [InlineData("ed25519")]
    public void Changed_messages_and_blocks_do_not_throw_and_give_no_other_key(string algorithm)
    {
        var fingerprint = gpg.KeyWithSubkey(algorithm);
        var block = Bytes(PgpJudge.Packets(gpg.Export(fingerprint)));
        var key = Key(Block(block));
        var message = gpg.Sign(fingerprint, Payload, "--compress-algo", "none");

        Changes(message).Sample(changed => Verify(key, changed) is VerificationResult.Rejected || Verify(key, changed, Payload) is VerificationResult.Verified, iter: 5_000, seed: "0000KOIPe036");
        Changes(block).Sample(changed => PgpKeyBlock.Read(Block(changed)).Key is not { } read || read.DefaultId == key.DefaultId, iter: 2_000, seed: "0000KOIPe036");
    }

    /// <summary>Well-framed packets of every kind with any content: what framing alone would not stop.</summary>
    private static Gen<byte[]> Packets() =>
        from packets in Gen.Select(Gen.Int[0, 63], Gen.Select(Gen.Byte[3, 6], Gen.Byte[0, 48], Gen.Byte[0, 30], Gen.Byte[0, 12], Gen.Byte.Array[0, 60])).Array[1, 4]
        select packets.SelectMany(packet => PgpJudge.Bytes(Packet(
            (PgpTag)packet.Item1, [packet.Item2.Item1, packet.Item2.Item2, packet.Item2.Item3, packet.Item2.Item4, .. packet.Item2.Item5]))).ToArray();

    private static Gen<byte[]> Changes(byte[] bytes) =>
        from at in Gen.Int[0, bytes.Length - 1]
        from removed in Gen.Int[0, 4]
        from inserted in Gen.Byte.Array[0, 4]
        select (byte[])[.. bytes[..at], .. inserted, .. bytes[Math.Min(bytes.Length, at + removed)..]];
}
