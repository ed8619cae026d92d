using System.Text;
using PolicyService.Core.Tests.Attestors;
using PolicyService.Core.Verification.Pgp;
using static PolicyService.Core.Tests.Verification.Pgp.PgpForge;
using static PolicyService.Core.Tests.Verification.Pgp.PgpJudge;

namespace PolicyService.Core.Tests.Verification.Pgp;

/// <summary>Checks that other checks nearly make superfluous: what only they refuse.</summary>
public sealed class PgpEdgeTests
{
    private static readonly PgpForge Forge = new(TestKey.RsaKey(2048));
    private static readonly byte[] Statement = [.. Made(KeyTime), .. Sub(27, 3), .. Forge.Issuer];

    [Fact]
    public void Armor_with_an_empty_line_in_its_data_is_refused()
    {
        var key = Key(Forge.KeyBlock(Forge.Certify()));
        var armored = Block(Forge.Message(), "PGP SIGNATURE");
        AssertHolds(Verify(key, Encoding.ASCII.GetBytes(armored)));
        var lines = armored.Split('\n');

        for (var index = 3; index < lines.Length - 2; index++)
        {
            AssertRejected("intact block", Verify(key, Encoding.ASCII.GetBytes(string.Join('\n', [.. lines[..index], "", .. lines[index..]]))));
        }
    }

    [Fact]
    public void Packet_begins_with_its_high_bit()
    {
        Assert.True(PgpPacket.TrySplit((byte[])[0x88, 1, 0, 0xC2, 1, 0], out var packets));
        Assert.Equal([PgpTag.Signature, PgpTag.Signature], packets.Select(packet => packet.Tag));
        Assert.All<byte>([0x00, 0x08, 0x42, 0x7F], first => Assert.False(PgpPacket.TrySplit((byte[])[0x88, 1, 0, first, 1, 0], out _)));
    }

    [Fact]
    public void Signature_of_another_version_is_not_read()
    {
        byte[] version3 = [3, 5, 0, .. PgpForge.Bytes(SigningTime), .. Forge.Fingerprint[^8..], 1, 8, 0, 0, .. Number([1])];

        Assert.Null(PgpSignature.Read(version3));
        Assert.NotNull(PgpSignature.Read(Forge.Sign(PgpSignatureType.BinaryDocument, Payload, [.. Made(SigningTime), .. Forge.Issuer]).Body));
    }

    [Fact]
    public void Block_starts_with_its_key() => Assert.Contains(
        "does not start with a public key", Problem(Block([User, Packet(PgpTag.PublicKey, Forge.Body), User, Forge.Certify()])), StringComparison.Ordinal);

    [Fact]
    public void Statement_without_user_is_of_the_type_for_it()
    {
        Assert.NotNull(PgpKeyBlock.Read(Stated(PgpSignatureType.DirectKey)).Key);
        Assert.All(
            [PgpSignatureType.PositiveCertification, PgpSignatureType.GenericCertification, PgpSignatureType.BinaryDocument, PgpSignatureType.SubkeyBinding],
            type => Assert.Contains("no valid signature", Problem(Stated(type)), StringComparison.Ordinal));

        static string Stated(PgpSignatureType type) => Block([Packet(PgpTag.PublicKey, Forge.Body), Forge.Sign(type, Forge.Data, Statement), User]);
    }

    /// <summary>By another key than the primary, so that nobody here can judge it.</summary>
    [Fact]
    [Trait("attack", "54")]
    public void Revocation_that_cannot_be_judged_is_of_what_it_stands_beside()
    {
        var other = new PgpForge(TestKey.RsaKey(3072));
        var revocation = other.Sign(PgpSignatureType.CertificationRevocation, [.. Forge.Data, .. UserData], [.. Made(KeyTime), .. other.Issuer]);
        var key = Packet(PgpTag.PublicKey, Forge.Body);

        Assert.Contains("no valid signature", Problem(Block([key, User, Forge.Certify(), revocation])), StringComparison.Ordinal);
        Assert.Contains("no valid signature", Problem(Block([key, User, revocation, Forge.Certify()])), StringComparison.Ordinal);
        Assert.NotNull(PgpKeyBlock.Read(Block([key, revocation, User, Forge.Certify()])).Key);
    }
}
