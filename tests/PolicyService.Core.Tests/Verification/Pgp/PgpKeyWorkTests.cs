using PolicyService.Core.Tests.Attestors;
using PolicyService.Core.Verification.Pgp;
using static PolicyService.Core.Tests.Verification.Pgp.PgpForge;
using static PolicyService.Core.Tests.Verification.Pgp.PgpJudge;

namespace PolicyService.Core.Tests.Verification.Pgp;

/// <summary>How many verifications a key block takes, whatever is in it.</summary>
[Trait("attack", "76")]
public sealed class PgpKeyWorkTests
{
    private static readonly PgpForge Forge = new(TestKey.RsaKey(2048));
    private static readonly PgpForge Other = new(TestKey.RsaKey(3072));
    private static readonly PgpPacket Subkey = Packet(PgpTag.PublicSubkey, Other.Body);
    private static readonly PgpPacket Bad = Flipped(Forge.Certify([.. Made(KeyTime + 1), .. Sub(27, 3)]));

    [Fact]
    public void Verifications_of_a_block_are_bounded()
    {
        var atLimit = Forge.KeyBlock([.. Enumerable.Repeat(Bad, Limits.PgpKeyVerifications - 1), Forge.Certify()]);
        var beyond = Forge.KeyBlock([.. Enumerable.Repeat(Bad, Limits.PgpKeyVerifications), Forge.Certify()]);

        Assert.Equal(Limits.PgpKeyVerifications, Count(atLimit));
        AssertHolds(Verify(Key(atLimit), Forge.Message()));
        Assert.Equal(Limits.PgpKeyVerifications + 1, Count(beyond));
        Assert.Contains("more than 128 verifications", Problem(beyond), StringComparison.Ordinal);
        Assert.Contains("export-minimal", Problem(beyond), StringComparison.Ordinal);
        Assert.Equal(PgpKeyBlock.Read(atLimit).Id, PgpKeyBlock.Read(beyond).Id);
    }

    /// <summary>Of every kind that is verified, one after the other: none is passed over because the limit came first.</summary>
    [Fact]
    public void Key_is_refused_whole_wherever_the_limit_is_met()
    {
        byte[] data = [.. Forge.Data, .. Other.Data];
        byte[] hashed = [.. Made(KeyTime), .. Forge.Issuer];
        PgpPacket[] kinds =
        [
            Flipped(Forge.Sign(PgpSignatureType.KeyRevocation, Forge.Data, hashed)),
            Flipped(Forge.Sign(PgpSignatureType.CertificationRevocation, [.. Forge.Data, .. UserData], hashed)),
            Flipped(Forge.Sign(PgpSignatureType.SubkeyRevocation, data, hashed)),
            Flipped(Forge.Direct([.. Made(KeyTime), .. Sub(27, 3)])),
            Flipped(Forge.Bind(Other, [.. Made(KeyTime + 1), .. Sub(27, 3)])),
            Flipped(Forge.Sign(PgpSignatureType.PositiveCertification, [.. Forge.Data, .. UserData], [.. Made(KeyTime + 1), .. Sub(27, 3)])),
        ];
        PgpPacket[] end = [Forge.Certify(), Subkey, Forge.Bind(Other, [.. Made(KeyTime), .. Sub(27, 3)])];

        Assert.All(kinds, kind =>
        {
            var isBinding = TypeOf(kind) is PgpSignatureType.SubkeyBinding;
            Assert.NotNull(PgpKeyBlock.Read(With(kind, isBinding, Limits.PgpKeyVerifications - 3)).Key);
            Assert.Contains("verifications", Problem(With(kind, isBinding, Limits.PgpKeyVerifications - 2)), StringComparison.Ordinal);
        });

        string With(PgpPacket kind, bool isBinding, int count)
        {
            var filler = Enumerable.Repeat(kind, count);
            return Forge.KeyBlock(isBinding ? [.. end, .. filler] : [.. filler, .. end]);
        }
    }

    [Fact]
    public void Back_signatures_are_counted()
    {
        byte[] data = [.. Forge.Data, .. Other.Data];
        var back = Flipped(Other.Sign(PgpSignatureType.PrimaryKeyBinding, data, [.. Made(KeyTime), .. Other.Issuer])).Body;
        var length = 1 + back.Length - 192;
        byte[] subpacket = [(byte)((length >> 8) + 192), (byte)length, 32, .. back.Span];
        var binding = Forge.Sign(
            PgpSignatureType.SubkeyBinding, data, [.. Made(KeyTime), .. Sub(27, 2), .. Forge.Issuer], [.. Enumerable.Repeat(subpacket, Limits.PgpKeyVerifications).SelectMany(bytes => bytes)]);

        Assert.Contains("verifications", Problem(Forge.KeyBlock(Forge.Certify(), Subkey, binding)), StringComparison.Ordinal);
    }

    [Fact]
    public void Copies_of_a_subkey_and_their_revocations_are_verified_once()
    {
        var revocation = Flipped(Forge.Sign(PgpSignatureType.SubkeyRevocation, [.. Forge.Data, .. Other.Data], [.. Made(KeyTime), .. Forge.Issuer]));
        var copies = Enumerable.Repeat(new[] { Subkey, revocation }, 100).SelectMany(pair => pair);

        Assert.Equal(101, Count(Forge.KeyBlock([Forge.Certify(), .. copies])));
    }

    /// <summary>A key as it is after thirty years of certifications and renewals.</summary>
    [Fact]
    public void Certifications_of_others_and_older_statements_are_not_verified()
    {
        var others = Enumerable.Range(0, 300).Select(index => Other.Sign(
            PgpSignatureType.GenericCertification, [.. Forge.Data, .. UserData], Made(KeyTime + (uint)index), Sub(16, Other.Fingerprint[^8..])));
        var renewals = Enumerable.Range(0, 100).Select(index => Forge.Certify([.. Made(KeyTime + (uint)index), .. Sub(27, 3)]));
        var bindings = Enumerable.Range(0, 100).Select(index => Forge.Bind(Other, [.. Made(KeyTime + (uint)index), .. Sub(27, 2)])).ToArray();
        var block = Forge.KeyBlock([.. others, .. renewals, Subkey, .. bindings[..20]]);

        Assert.Equal(3, Count(block));
        AssertHolds(Verify(Key(block), Other.Message()));
    }

    private static int Count(string block)
    {
        var packets = Packets(block);
        var judged = new PgpSelfSignatures(PgpKeyMaterial.Read(packets[0], out _)!, PgpKeyBlock.Parts(packets));
        _ = judged.Signers(out _);
        return judged.Verifications;
    }
}
