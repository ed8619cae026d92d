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

    [Fact]
    public void Nothing_is_verified_beyond_the_limit()
    {
        var key = PgpKeyMaterial.Read(Packet(PgpTag.PublicKey, Forge.Body), out _)!;
        var signature = PgpSignature.Read(Forge.Direct(Made(KeyTime)).Body)!;
        var count = new PgpVerificationCount();

        for (var index = 0; index < Limits.PgpKeyVerifications; index++)
        {
            Assert.True(key.Verify(signature, count, (ReadOnlyMemory<byte>)Forge.Data));
        }

        Assert.False(key.Verify(signature, count, (ReadOnlyMemory<byte>)Forge.Data));
    }

    /// <summary>Of every kind that is verified: the key is never judged without what the limit kept from being verified.</summary>
    [Fact]
    public void Key_is_refused_whole_wherever_the_limit_is_met()
    {
        byte[] data = [.. Forge.Data, .. Other.Data];
        byte[] hashed = [.. Made(KeyTime), .. Forge.Issuer];
        byte[] newer = [.. Made(KeyTime + 1), .. Sub(27, 3)];
        var revocation = Flipped(Forge.Sign(PgpSignatureType.SubkeyRevocation, data, hashed));
        PgpPacket[] good = [Forge.Certify(), Subkey, Forge.Bind(Other, [.. Made(KeyTime), .. Sub(27, 3)])];
        var goodCount = Count(Forge.KeyBlock(good));
        Assert.Equal(3, goodCount);

        AssertBounded(Flipped(Forge.Sign(PgpSignatureType.KeyRevocation, Forge.Data, hashed)), 1);
        AssertBounded(Flipped(Forge.Sign(PgpSignatureType.CertificationRevocation, [.. Forge.Data, .. UserData], hashed)), 2); // tried at the direct-key signatures too
        AssertBounded(Flipped(Forge.Direct(newer)), 1);
        AssertBounded(Flipped(Forge.Certify(newer)), 1);
        AssertBounded(Flipped(Forge.Sign(PgpSignatureType.PositiveCertification, [.. Forge.Data, .. UserData], newer)), 1); // nobody is named as its issuer
        AssertBounded(Flipped(Forge.Bind(Other, newer)), 1, atEnd: true);
        AssertBounded(revocation, 1, atEnd: true);
        AssertBounded(revocation, 2); // at a wrong place, which counts by itself
        AssertBounded(Forge.Sign(PgpSignatureType.SubkeyRevocation, Other.Data, hashed), 1); // about nothing that is there

        void AssertBounded(PgpPacket kind, int each, bool atEnd = false)
        {
            var most = (Limits.PgpKeyVerifications - goodCount) / each;
            Assert.Equal(goodCount + (most * each), Count(With(most)));
            AssertHolds(Verify(Key(With(most)), Other.Message()));
            Assert.Contains("verifications", Problem(With(most + 1)), StringComparison.Ordinal);

            string With(int count) => Forge.KeyBlock(atEnd ? [.. good, .. Enumerable.Repeat(kind, count)] : [.. Enumerable.Repeat(kind, count), .. good]);
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
