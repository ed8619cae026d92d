using System.Security.Cryptography;
using PolicyService.Core.Attestors;
using PolicyService.Core.Tests.Attestors;
using PolicyService.Core.Verification;
using PolicyService.Core.Verification.Pgp;
using static PolicyService.Core.Tests.Verification.Pgp.PgpForge;
using static PolicyService.Core.Tests.Verification.Pgp.PgpJudge;

namespace PolicyService.Core.Tests.Verification.Pgp;

/// <summary>Keys and signatures that are good but for one thing, which no tool would write.</summary>
public sealed class PgpForgeTests
{
    private static readonly PgpForge Forge = new(TestKey.RsaKey(2048));
    private static readonly PgpForge Other = new(TestKey.RsaKey(3072));

    public static TheoryData<string, byte[], string> BadSignatures => new()
    {
        { "no time", Forge.Issuer, "when it was made" },
        { "two times", [.. Made(SigningTime), .. Made(SigningTime), .. Forge.Issuer], "two subpackets of type 2" },
        { "two expiries", [.. Made(SigningTime), .. Sub(3, 0, 0, 0, 1), .. Sub(3, 0, 0, 0, 0), .. Forge.Issuer], "two subpackets of type 3" },
        { "short time", [.. Sub(2, 1, 2, 3), .. Forge.Issuer], "by the key" },
        { "long expiry", [.. Made(SigningTime), .. Sub(3, 0, 0, 0, 0, 1), .. Forge.Issuer], "" },
        { "unknown critical subpacket", [.. Made(SigningTime), .. Sub(0x80 | 60, 1), .. Forge.Issuer], "critical subpacket of type 60" },
        { "no issuer", Made(SigningTime), "by the key" },
        { "another issuer beside ours", [.. Made(SigningTime), .. Forge.Issuer, .. Other.Issuer], "by the key" },
        { "issuer of version 6", [.. Made(SigningTime), .. Sub(33, [6, .. Forge.Fingerprint])], "by the key" },
        { "issuer of 19 bytes", [.. Made(SigningTime), .. Sub(33, [4, .. Forge.Fingerprint[1..]])], "by the key" },
        { "key id of another key", [.. Made(SigningTime), .. Forge.Issuer, .. Sub(16, Other.Fingerprint[^8..])], "by the key" },
        { "older than the key", [.. Made(KeyTime - 1), .. Forge.Issuer], "older than its key" },
    };

    [Fact]
    public void Forged_key_and_signature_are_good_where_nothing_is_wrong()
    {
        var key = Key(Forge.KeyBlock(Forge.Certify()));

        AssertHolds(Verify(key, Forge.Message()));
        AssertHolds(Verify(key, Forge.Message([.. Made(SigningTime), .. Sub(16, Forge.Fingerprint[^8..])])));
        AssertHolds(Verify(key, Forge.Message([.. Made(SigningTime), .. Forge.Issuer, .. Sub(60, 1)])));
        AssertHolds(Verify(key, Forge.Message([.. Sub(0x80 | 2, PgpForge.Bytes(SigningTime)), .. Forge.Issuer])));
        AssertHolds(Verify(key, Forge.Message([.. Made(KeyTime), .. Forge.Issuer])));
        AssertHolds(Verify(key, Forge.Message([.. Made(SigningTime), .. Sub(3, 0, 0, 0, 0), .. Forge.Issuer])));
        Assert.All<byte>([8, 9, 10], hash => AssertHolds(Verify(key, Forge.Message([.. Made(SigningTime), .. Forge.Issuer], hash))));
    }

    [Theory, MemberData(nameof(BadSignatures))]
    public void Signature_with_one_fault_is_refused(string name, byte[] hashed, string because)
    {
        Assert.NotEmpty(name);
        AssertRejected(because, Verify(Key(Forge.KeyBlock(Forge.Certify())), Forge.Message(hashed)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Signature_with_an_old_hash_is_refused(byte hash) =>
        AssertRejected("hash is none of", Verify(Key(Forge.KeyBlock(Forge.Certify())), Forge.Message([.. Made(SigningTime), .. Forge.Issuer], hash)));

    [Theory]
    [InlineData(0x01)]
    [InlineData(0x02)]
    [InlineData(0x10)]
    [InlineData(0x40)]
    [InlineData(0x50)]
    public void Signature_of_another_type_is_refused(int type) => AssertRejected(
        "binary document",
        Verify(Key(Forge.KeyBlock(Forge.Certify())), PgpJudge.Bytes(Forge.Sign((PgpSignatureType)type, Payload, [.. Made(SigningTime), .. Forge.Issuer]))));

    [Fact]
    public void Signature_under_another_algorithm_id_of_RSA_is_refused()
    {
        // Algorithm 3, sign only, has the same numbers; the key says 1.
        var signOnly = new PgpForge(TestKey.RsaKey(2048), algorithm: 3);
        byte[] hashed = [.. Made(SigningTime), .. Forge.Issuer];

        AssertRejected("does not verify", Verify(Key(Forge.KeyBlock(Forge.Certify())), signOnly.Message(hashed)));
        AssertHolds(Verify(Key(signOnly.KeyBlock(signOnly.Certify())), signOnly.Message()));
    }

    [Fact]
    public void Statement_of_a_key_about_itself_has_to_be_whole()
    {
        AssertProblem("not marked for signing", Forge.Certify(Made(KeyTime)));
        AssertProblem("not marked for signing", Forge.Certify([.. Made(KeyTime), .. Sub(27, 1)]));
        AssertProblem("no valid signature", Forge.Certify([.. Made(KeyTime), .. Sub(27)]));
        AssertProblem("no valid signature", Forge.Certify(Sub(27, 3)));
        AssertProblem("no valid signature", Forge.Certify([.. Made(KeyTime - 1), .. Sub(27, 3)]));
        AssertProblem("no valid signature", Forge.Certify([.. Made(KeyTime), .. Sub(27, 3), .. Sub(27, 3)]));
        AssertProblem("no valid signature", Forge.Certify([.. Made(KeyTime), .. Sub(27, 3), .. Sub(0x80 | 60, 1)]));
        AssertProblem("no valid signature", Forge.Certify([.. Made(KeyTime), .. Sub(27, 3), .. Sub(9, 1), .. Sub(9, 1)]));
        AssertProblem("no valid signature", Forge.Certify([.. Made(KeyTime), .. Sub(27, 3)], hash: 2));
        AssertProblem("no valid signature", Other.Certify());
        AssertProblem("no valid signature", Forge.Sign(PgpSignatureType.PositiveCertification, [.. Forge.Data, .. UserData], [.. Made(KeyTime), .. Sub(27, 3)]));
        AssertProblem("no valid signature", Forge.Sign(PgpSignatureType.BinaryDocument, [.. Forge.Data, .. UserData], [.. Made(KeyTime), .. Sub(27, 3), .. Forge.Issuer]));
        Assert.NotNull(PgpKeyBlock.Read(Forge.KeyBlock(Forge.Certify([.. Made(KeyTime), .. Sub(0x80 | 27, 2)]))).Key);
    }

    [Fact]
    public void Newest_statement_of_a_key_counts_and_of_two_at_once_the_lesser()
    {
        var signs = Forge.Certify();
        var certifies = Forge.Certify([.. Made(KeyTime), .. Sub(27, 1)]);
        var later = Forge.Certify([.. Made(KeyTime + 1), .. Sub(27, 1)]);
        var direct = Forge.Sign(PgpSignatureType.DirectKey, Forge.Data, [.. Made(KeyTime + 1), .. Sub(27, 1), .. Forge.Issuer]);

        AssertProblem("not marked for signing", signs, certifies);
        AssertProblem("not marked for signing", certifies, signs);
        AssertProblem("not marked for signing", signs, later);
        AssertProblem("not marked for signing", later, signs);
        Assert.Contains("not marked", Problem(Block([Packet(PgpTag.PublicKey, Forge.Body), direct, User, signs])), StringComparison.Ordinal);
        AssertUntil(KeyTime + 86400 * 40, Forge.Certify(), Forge.Certify([.. Made(KeyTime), .. Sub(27, 3), .. Sub(9, PgpForge.Bytes(86400 * 40))]));
    }

    [Fact]
    public void Statement_that_expires_ends_the_key() =>
        AssertUntil(KeyTime + 86400 * 40, Forge.Certify([.. Made(KeyTime), .. Sub(27, 3), .. Sub(3, PgpForge.Bytes(86400 * 40))]));

    [Fact]
    public void Subkey_needs_its_own_good_signature_over_the_primary()
    {
        byte[] data = [.. Forge.Data, .. Other.Data];
        var back = Other.Sign(PgpSignatureType.PrimaryKeyBinding, data, [.. Made(KeyTime), .. Other.Issuer]);
        Assert.True(Binds(back));

        Assert.False(Binds(Other.Sign(PgpSignatureType.PrimaryKeyBinding, data, [.. Made(KeyTime), .. Other.Issuer], hash: 2)));
        Assert.False(Binds(Other.Sign(PgpSignatureType.SubkeyBinding, data, [.. Made(KeyTime), .. Other.Issuer])));
        Assert.False(Binds(Other.Sign(PgpSignatureType.PrimaryKeyBinding, [.. Other.Data, .. Other.Data], [.. Made(KeyTime), .. Other.Issuer])));
        Assert.False(Binds(Other.Sign(PgpSignatureType.PrimaryKeyBinding, data, Other.Issuer)));
        Assert.False(Binds(Other.Sign(PgpSignatureType.PrimaryKeyBinding, data, [.. Made(KeyTime - 1), .. Other.Issuer])));
        Assert.False(Binds(Other.Sign(PgpSignatureType.PrimaryKeyBinding, data, [.. Made(KeyTime), .. Forge.Issuer])));
        Assert.False(Binds(Forge.Sign(PgpSignatureType.PrimaryKeyBinding, data, [.. Made(KeyTime), .. Forge.Issuer])));
        Assert.False(Binds(Forge.Sign(PgpSignatureType.PrimaryKeyBinding, data, [.. Made(KeyTime), .. Other.Issuer])));
        Assert.False(Binds(Other.Sign(PgpSignatureType.PrimaryKeyBinding, data, [.. Made(KeyTime), .. Sub(3, 0, 0, 0, 9), .. Other.Issuer])));
        Assert.False(Binds(Other.Sign(PgpSignatureType.PrimaryKeyBinding, data, [.. Made(KeyTime), .. Sub(0x80 | 60, 1), .. Other.Issuer])));
        Assert.False(Binds(Flipped(back)));
    }

    [Fact]
    public void Binding_of_a_subkey_has_to_be_the_primarys_and_let_it_sign()
    {
        Assert.True(Binds(Subkey([.. Made(KeyTime), .. Sub(27, 2)])));
        Assert.False(Binds(Subkey(Made(KeyTime))));
        Assert.False(Binds(Subkey([.. Made(KeyTime), .. Sub(27, 12)])));
        Assert.False(Binds(Subkey([.. Made(KeyTime), .. Sub(27, 2)], hash: 2)));
        Assert.All([PgpSignatureType.DirectKey, PgpSignatureType.PrimaryKeyBinding, PgpSignatureType.PositiveCertification], type =>
            Assert.False(Binds(Subkey([.. Made(KeyTime), .. Sub(27, 2)], type: type))));
        Assert.False(Binds(Subkey([.. Made(KeyTime), .. Sub(27, 2)], signer: Other)));
        Assert.False(Binds(Subkey([.. Made(KeyTime), .. Sub(27, 2)]), Subkey([.. Made(KeyTime + 1), .. Sub(27, 12)])));
        Assert.False(Binds(Subkey([.. Made(KeyTime), .. Sub(27, 2), .. Sub(9, 0, 0, 0, 9)])));
        Assert.False(Binds(Subkey([.. Made(KeyTime), .. Sub(27, 2), .. Sub(3, 0, 0, 0, 9)])));
    }

    [Fact]
    [Trait("attack", "54")]
    public void Revocation_counts_wherever_it_stands()
    {
        byte[] hashed = [.. Made(KeyTime), .. Forge.Issuer];
        var revocation = Forge.Sign(PgpSignatureType.KeyRevocation, Forge.Data, hashed);
        var subkeyRevocation = Forge.Sign(PgpSignatureType.SubkeyRevocation, [.. Forge.Data, .. Other.Data], hashed);
        var binding = Subkey([.. Made(KeyTime), .. Sub(27, 2)]);
        var good = (PgpPacket[])[Packet(PgpTag.PublicKey, Forge.Body), User, Forge.Certify(), Packet(PgpTag.PublicSubkey, Other.Body), binding];

        for (var index = 1; index <= good.Length; index++)
        {
            Assert.Contains("is revoked", Problem(Block([.. good[..index], revocation, .. good[index..]])), StringComparison.Ordinal);
            var key = Key(Block([.. good[..index], subkeyRevocation, .. good[index..]]));
            AssertRejected("a subkey is revoked", Verify(key, Other.Message()));
            AssertHolds(Verify(key, Forge.Message()));
        }

        // Later statements do not undo it, and what another key says of ours is not ours to judge.
        AssertProblem("is revoked", Forge.Sign(PgpSignatureType.KeyRevocation, Forge.Data, hashed, hash: 2), Forge.Certify());
        AssertProblem("is revoked", Other.Sign(PgpSignatureType.KeyRevocation, Forge.Data, [.. Made(KeyTime), .. Other.Issuer]), Forge.Certify());
        AssertProblem("is revoked", Forge.Sign(PgpSignatureType.KeyRevocation, Forge.Data, [.. hashed, .. Sub(0x80 | 60, 1)]), Forge.Certify());
        Assert.NotNull(PgpKeyBlock.Read(Forge.KeyBlock(Forge.Sign(PgpSignatureType.KeyRevocation, Other.Data, hashed), Forge.Certify())).Key);
    }

    [Fact]
    [Trait("attack", "52")]
    public void Unsound_keys_are_unusable()
    {
        using var small = RSA.Create(2040);
        AssertUnusable("has 2040 bits", new PgpForge(small));
        var even = (byte[])Forge.Body.Clone();
        even[8 + 255] &= 0xFE;
        Assert.Contains("even", Problem(Block([Packet(PgpTag.PublicKey, even)])), StringComparison.Ordinal);
        Assert.Contains("exponent", Problem(Block([Packet(PgpTag.PublicKey, [.. Forge.Body[..^5], 0, 2, 3])])), StringComparison.Ordinal);
        Assert.Contains("exponent", Problem(Block([Packet(PgpTag.PublicKey, [.. Forge.Body[..^5], 0, 1, 1])])), StringComparison.Ordinal);
        Assert.Contains("exponent", Problem(Block([Packet(PgpTag.PublicKey, [.. Forge.Body[..^5], 0, 17, 1, 0, 2])])), StringComparison.Ordinal);
        Assert.All<byte>([2, 3, 5, 6], version => Assert.Contains("version 4", Problem(Block([Packet(PgpTag.PublicKey, [version, .. Forge.Body[1..]])])), StringComparison.Ordinal));
        Assert.Contains("malformed", Problem(Block([Packet(PgpTag.PublicKey, [.. Forge.Body, 0])])), StringComparison.Ordinal);
        Assert.Contains("algorithm", Problem(Block([Packet(PgpTag.PublicKey, [.. Forge.Body[..5], 2, .. Forge.Body[6..]])])), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("attack", "52")]
    public void Points_off_their_curve_and_of_small_order_are_unusable()
    {
        byte[] start = [4, .. PgpForge.Bytes(KeyTime)];
        byte[] p256 = [19, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 2, 3, 4];
        byte[] edwards = [22, 9, 0x2b, 6, 1, 4, 1, 0xda, 0x47, 0x0f, 1, 1, 7, 0x40];

        Assert.Contains("does not lie on the curve", Problem(Block([Packet(PgpTag.PublicKey, [.. start, .. p256, .. new byte[64]])])), StringComparison.Ordinal);
        Assert.Contains("small order", Problem(Block([Packet(PgpTag.PublicKey, [.. start, .. edwards, 1, .. new byte[31]])])), StringComparison.Ordinal);
        byte[] mixed = Convert.FromHexString("b0bfe83c17bc76a56d48f558b2e481436367d330d13b69733f32aa0ed50b99f3"); // the key of RFC 8032 plus the point of order 2
        Assert.Contains("small order", Problem(Block([Packet(PgpTag.PublicKey, [.. start, .. edwards, .. mixed])])), StringComparison.Ordinal);
        Assert.Contains("not a point on Ed25519", Problem(Block([Packet(PgpTag.PublicKey, [.. start, 22, .. p256[1..], .. new byte[64]])])), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("attack", "76")]
    public void Packets_of_a_block_are_bounded()
    {
        // A revocation is looked for at every key, so the work grows with the square.
        var revocation = Forge.Sign(PgpSignatureType.SubkeyRevocation, Other.Data, [.. Made(KeyTime), .. Forge.Issuer]);
        var filler = Enumerable.Repeat(new[] { Packet(PgpTag.PublicSubkey, Other.Body), revocation }, 300).SelectMany(pair => pair).ToArray();

        Assert.NotNull(PgpKeyBlock.Read(Forge.KeyBlock([Forge.Certify(), .. filler[..(Limits.PgpKeyPackets - 3)]])).Key);
        Assert.Contains("more than 512 packets", Problem(Forge.KeyBlock([Forge.Certify(), .. filler[..(Limits.PgpKeyPackets - 2)]])), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("attack", "90")]
    public void Fingerprint_is_that_of_everything_the_key_says()
    {
        var key = Key(Forge.KeyBlock(Forge.Certify()));
        var shorter = Key(Forge.KeyBlock(Forge.Certify(), Forge.Certify([.. Made(KeyTime + 1), .. Sub(27, 3), .. Sub(9, 0, 0, 0, 9)])));

        Assert.Equal(key.DefaultId, shorter.DefaultId);
        Assert.NotEqual(key.Fingerprint, shorter.Fingerprint);
        Assert.Equal(key.Fingerprint, Key(Forge.KeyBlock(Forge.Certify())).Fingerprint);
    }

    [Fact]
    [Trait("attack", "44")]
    public void Material_is_that_of_the_same_key_in_another_form()
    {
        Assert.True(PublicKey.TryReadPem(TestKey.RsaKey(2048).ExportSubjectPublicKeyInfoPem(), SignatureAlgorithm.RsaPss2048Sha256, out var pkix, out _));
        var subkey = Subkey([.. Made(KeyTime), .. Sub(27, 2)]);

        Assert.True(pkix.Material.SetEquals(Key(Forge.KeyBlock(Forge.Certify())).Material));
        Assert.Equal(2, Key(Forge.KeyBlock(Forge.Certify(), Packet(PgpTag.PublicSubkey, Other.Body), subkey)).Material.Count);
        Assert.True(Key(Forge.KeyBlock(Forge.Certify(), Packet(PgpTag.PublicSubkey, Other.Body), subkey)).Material.Overlaps(Key(Other.KeyBlock(Other.Certify())).Material));
    }

    private static PgpPacket Subkey(byte[] hashed, byte hash = 8, PgpForge? signer = null, PgpSignatureType type = PgpSignatureType.SubkeyBinding) =>
        (signer ?? Forge).Sign(
            type,
            [.. Forge.Data, .. Other.Data],
            [.. hashed, .. Forge.Issuer],
            Embedded(Other.Sign(PgpSignatureType.PrimaryKeyBinding, [.. Forge.Data, .. Other.Data], [.. Made(KeyTime), .. Other.Issuer])),
            hash);

    private static byte[] Embedded(PgpPacket back)
    {
        var length = 1 + back.Body.Length - 192;
        return [(byte)((length >> 8) + 192), (byte)length, 32, .. back.Body.Span];
    }

    /// <summary>Whether a subkey with these bindings signs; a back signature stands for a binding that holds it.</summary>
    private static bool Binds(params PgpPacket[] packets)
    {
        var bindings = packets.Select(packet => packet.Body.Length > 600
            ? packet
            : Forge.Sign(PgpSignatureType.SubkeyBinding, [.. Forge.Data, .. Other.Data], [.. Made(KeyTime), .. Sub(27, 2), .. Forge.Issuer], Embedded(packet)));
        var key = Key(Forge.KeyBlock([Forge.Certify(), Packet(PgpTag.PublicSubkey, Other.Body), .. bindings]));
        return Holds(Verify(key, Other.Message()));
    }

    private static void AssertProblem(string because, params PgpPacket[] statements) => Assert.Contains(because, Problem(Forge.KeyBlock(statements)), StringComparison.Ordinal);

    private static void AssertUnusable(string because, PgpForge forge) => Assert.Contains(because, Problem(forge.KeyBlock(forge.Certify())), StringComparison.Ordinal);

    private static void AssertUntil(uint end, params PgpPacket[] statements)
    {
        var result = Assert.IsType<VerificationResult.Verified>(Verify(Key(Forge.KeyBlock(statements)), Forge.Message()));
        AssertHolds(result, DateTimeOffset.FromUnixTimeSeconds(end).AddTicks(-1));
        Assert.False(Holds(result, DateTimeOffset.FromUnixTimeSeconds(end)));
    }
}
