using PolicyService.Core.Tests.Attestors;
using PolicyService.Core.Verification.Pgp;
using static PolicyService.Core.Tests.Verification.Pgp.PgpForge;
using static PolicyService.Core.Tests.Verification.Pgp.PgpJudge;

namespace PolicyService.Core.Tests.Verification.Pgp;

/// <summary>Which of several statements of a key about itself counts, where the newest does not qualify: it may take a right away and gives none.</summary>
[Trait("attack", "54")]
public sealed class PgpStatementTests
{
    private static readonly uint Later = KeyTime + 86400;
    private static readonly PgpForge Forge = new(TestKey.RsaKey(2048));
    private static readonly PgpForge Other = new(TestKey.RsaKey(3072));
    private static readonly byte[] Signs = Sub(27, 3);
    private static readonly byte[] Certifies = Sub(27, 1);
    private static readonly byte[] Expires = [.. Sub(27, 3), .. Sub(9, PgpForge.Bytes(86400 * 40))];
    private static readonly byte[] UserAndKey = [.. Forge.Data, .. UserData];
    private static readonly PgpPacket Primary = Packet(PgpTag.PublicKey, Forge.Body);
    private static readonly PgpPacket Subkey = Packet(PgpTag.PublicSubkey, Other.Body);

    /// <summary>SHA-1 is verified. SHA-224 and MD5 are not computed, so that nobody can say that the key did not make it.</summary>
    public static TheoryData<byte> WeakHashes => [2, 11, 1];

    public static TheoryData<string, byte[], byte[]> NotQualified => new()
    {
        { "no issuer", [], [] },
        { "issuer that names nobody", Sub(33, [4, .. Forge.Fingerprint[1..]]), [] },
        { "another issuer in the unsigned part", Forge.Issuer, Other.Issuer },
        { "another issuer, ours in the unsigned part", Other.Issuer, Forge.Issuer },
    };

    [Theory, MemberData(nameof(WeakHashes))]
    public void Restriction_with_an_old_hash_counts(byte hash)
    {
        AssertExpires(Forge.KeyBlock(Forge.Certify(), Forge.Certify([.. Made(Later), .. Expires], hash)));
        AssertExpires(Forge.KeyBlock(Forge.Certify([.. Made(Later), .. Expires], hash), Forge.Certify()));
        AssertRefused("primary key is not marked for signing", Forge.KeyBlock(Forge.Certify(), Forge.Certify([.. Made(Later), .. Certifies], hash)));
        AssertExpires(Block([Primary, Forge.Direct([.. Made(Later), .. Expires], hash), User, Forge.Certify()]));
        AssertRefused("primary key is not marked for signing", Block([Primary, Forge.Direct([.. Made(Later), .. Certifies], hash), User, Forge.Certify()]));
        AssertExpires(Block([Primary, User, Forge.Certify(), Forge.Direct([.. Made(Later), .. Expires], hash)]));
    }

    [Theory, MemberData(nameof(WeakHashes))]
    public void Restriction_of_a_subkey_with_an_old_hash_counts(byte hash)
    {
        var wide = Forge.Bind(Other, [.. Made(KeyTime), .. Signs]);
        AssertSigns(Forge.KeyBlock(Forge.Certify(), Subkey, wide), Other);

        AssertExpires(Forge.KeyBlock(Forge.Certify(), Subkey, wide, Forge.Bind(Other, [.. Made(Later), .. Expires], hash)), Other);
        AssertRejected("a subkey is not marked for signing", Verify(Key(Forge.KeyBlock(Forge.Certify(), Subkey, wide, Forge.Bind(Other, [.. Made(Later), .. Certifies], hash))), Other.Message()));
    }

    [Theory, MemberData(nameof(NotQualified))]
    public void Restriction_that_names_its_issuer_badly_counts(string name, byte[] hashed, byte[] unhashed)
    {
        Assert.NotEmpty(name);
        AssertExpires(Forge.KeyBlock(Forge.Certify(), Forge.Sign(PgpSignatureType.PositiveCertification, UserAndKey, [.. Made(Later), .. Expires, .. hashed], unhashed)));
        AssertExpires(Block([Primary, Forge.Sign(PgpSignatureType.DirectKey, Forge.Data, [.. Made(Later), .. Expires, .. hashed], unhashed), User, Forge.Certify()]));
        AssertExpires(
            Forge.KeyBlock(
                Forge.Certify(), Subkey, Forge.Bind(Other, [.. Made(KeyTime), .. Signs]),
                Forge.Sign(PgpSignatureType.SubkeyBinding, [.. Forge.Data, .. Other.Data], [.. Made(Later), .. Expires, .. hashed], unhashed)),
            Other);
    }

    [Theory, MemberData(nameof(WeakHashes))]
    public void Statement_with_an_old_hash_gives_no_right(byte hash)
    {
        AssertExpires(Forge.KeyBlock(Forge.Certify([.. Made(KeyTime), .. Expires]), Forge.Certify([.. Made(Later), .. Signs], hash)));
        AssertRefused("not marked for signing", Forge.KeyBlock(Forge.Certify([.. Made(KeyTime), .. Certifies]), Forge.Certify([.. Made(Later), .. Signs], hash)));
        AssertRefused("no valid signature", Forge.KeyBlock(Forge.Certify([.. Made(KeyTime), .. Signs], hash)));
        AssertRefused("no valid signature", Block([Primary, Forge.Direct([.. Made(KeyTime), .. Signs], hash)]));
    }

    /// <summary>As old keys have it, whose owners renewed them with a newer tool.</summary>
    [Theory, MemberData(nameof(WeakHashes))]
    public void Statement_with_an_old_hash_counts_no_more_once_a_newer_one_qualifies(byte hash)
    {
        var renewed = Forge.Certify([.. Made(Later), .. Signs]);

        AssertSigns(Forge.KeyBlock(Forge.Certify([.. Made(KeyTime), .. Expires], hash), renewed));
        AssertSigns(Forge.KeyBlock(Forge.Certify([.. Made(KeyTime), .. Certifies], hash), renewed));
        AssertSigns(Block([Primary, Forge.Direct([.. Made(KeyTime), .. Expires], hash), User, renewed]));
        AssertSigns(Block([Primary, Forge.Direct([.. Made(Later), .. Signs]), User, Forge.Certify([.. Made(KeyTime), .. Expires], hash)]));
        AssertSigns(Forge.KeyBlock(Forge.Certify(), Subkey, Forge.Bind(Other, [.. Made(KeyTime), .. Expires], hash), Forge.Bind(Other, [.. Made(Later), .. Signs])), Other);
    }

    [Fact]
    public void Restriction_by_somebody_else_does_not_count()
    {
        byte[] restricted = [.. Made(Later), .. Expires];

        Assert.All<byte>([8, 2, 11], hash => AssertSigns(Forge.KeyBlock(
            Forge.Certify(),
            Other.Sign(PgpSignatureType.PositiveCertification, UserAndKey, [.. restricted, .. Other.Issuer], hash: hash),
            Other.Sign(PgpSignatureType.PositiveCertification, UserAndKey, [.. restricted, .. Sub(33, [5, .. new byte[32]])], hash: hash))));
        AssertSigns(Forge.KeyBlock(Forge.Certify(), Flipped(Forge.Certify(restricted, hash: 2)), Other.Sign(PgpSignatureType.PositiveCertification, UserAndKey, restricted)));
        AssertSigns(Forge.KeyBlock(Forge.Certify(), Forge.Certify([.. Made(KeyTime - 1), .. Expires], hash: 2)));
    }

    [Fact]
    public void Newest_statement_that_is_not_understood_forbids_everything()
    {
        byte[][] flaws = [Sub(0x80 | 60, 1), [.. Sub(9, 0, 0, 0, 9), .. Sub(9, 0, 0, 0, 0)], Sub(27), Made(Later)];

        Assert.All(flaws, flaw =>
        {
            byte[] hashed = [.. Made(Later), .. flaw];
            AssertRefused("is not understood", Forge.KeyBlock(Forge.Certify(), Forge.Certify(hashed)));
            AssertRefused("is not understood", Block([Primary, Forge.Direct(hashed), User, Forge.Certify()]));
            AssertRejected("is not understood", Verify(Key(Forge.KeyBlock(Forge.Certify(), Subkey, Forge.Bind(Other, [.. Made(KeyTime), .. Signs]), Forge.Bind(Other, hashed))), Other.Message()));
        });
        AssertRefused("is not understood", Forge.KeyBlock(Forge.Certify(), Forge.Certify(Expires))); // of no time: nobody knows which is newer
        AssertSigns(Forge.KeyBlock(Forge.Certify([.. Made(KeyTime), .. Sub(0x80 | 60, 1)]), Forge.Certify([.. Made(Later), .. Signs])));
    }

    [Fact]
    public void Copies_of_a_subkey_are_judged_together()
    {
        byte[] data = [.. Forge.Data, .. Other.Data];
        var wide = Forge.Bind(Other, [.. Made(KeyTime), .. Signs]);
        var narrow = Forge.Bind(Other, [.. Made(Later), .. Expires]);
        PgpPacket[] revocations =
        [
            Forge.Sign(PgpSignatureType.SubkeyRevocation, data, [.. Made(Later), .. Forge.Issuer], hash: 2),
            Forge.Sign(PgpSignatureType.SubkeyRevocation, data, [.. Made(Later), .. Forge.Issuer], hash: 11),
            Other.Sign(PgpSignatureType.SubkeyRevocation, data, [.. Made(Later), .. Other.Issuer]),
        ];

        AssertExpires(Forge.KeyBlock(Forge.Certify(), Subkey, wide, Subkey, narrow), Other);
        AssertExpires(Forge.KeyBlock(Forge.Certify(), Subkey, narrow, Subkey, wide), Other);
        Assert.All(revocations, revocation =>
        {
            AssertRejected("a subkey is revoked", Verify(Key(Forge.KeyBlock(Forge.Certify(), Subkey, wide, Subkey, revocation)), Other.Message()));
            AssertRejected("a subkey is revoked", Verify(Key(Forge.KeyBlock(Forge.Certify(), Subkey, revocation, Subkey, wide)), Other.Message()));
        });
    }

    [Fact]
    public void Copies_of_a_user_id_are_judged_together()
    {
        var revocation = Forge.Sign(PgpSignatureType.CertificationRevocation, UserAndKey, [.. Made(Later), .. Forge.Issuer], hash: 11);

        AssertRefused("no valid signature", Forge.KeyBlock(Forge.Certify(), User, revocation));
        AssertRefused("no valid signature", Forge.KeyBlock(revocation, User, Forge.Certify()));
    }

    /// <summary>Who adds a revocation that cannot be judged must not bring back what an older statement allowed.</summary>
    [Fact]
    public void User_id_that_was_taken_back_still_restricts()
    {
        var second = Packet(PgpTag.UserId, [.. "second"u8]);
        byte[] data = [.. Forge.Data, 0xB4, 0, 0, 0, 6, .. "second"u8];
        var narrow = Forge.Sign(PgpSignatureType.PositiveCertification, data, [.. Made(Later), .. Expires, .. Forge.Issuer]);
        var revocation = Other.Sign(PgpSignatureType.CertificationRevocation, data, [.. Made(Later), .. Other.Issuer]);

        AssertExpires(Forge.KeyBlock(Forge.Certify(), second, narrow));
        AssertExpires(Forge.KeyBlock(Forge.Certify(), second, narrow, revocation));
        AssertSigns(Forge.KeyBlock(Forge.Certify([.. Made(Later + 1), .. Signs]), second, narrow, revocation));
    }

    [Theory, MemberData(nameof(WeakHashes))]
    public void Revocation_with_an_old_hash_revokes(byte hash)
    {
        byte[] hashed = [.. Made(KeyTime), .. Forge.Issuer];
        byte[] data = [.. Forge.Data, .. Other.Data];
        var signOnly = new PgpForge(TestKey.RsaKey(2048), algorithm: 3); // the same key, said to be of another algorithm

        AssertRefused("is revoked", Forge.KeyBlock(Forge.Certify(), Forge.Sign(PgpSignatureType.KeyRevocation, Forge.Data, hashed, hash: hash)));
        AssertRefused("is revoked", Forge.KeyBlock(Forge.Certify(), signOnly.Sign(PgpSignatureType.KeyRevocation, Forge.Data, hashed, hash: hash)));
        AssertRefused("no valid signature", Forge.KeyBlock(Forge.Certify(), Forge.Sign(PgpSignatureType.CertificationRevocation, UserAndKey, hashed, hash: hash)));
        AssertRefused("no valid signature", Block(
            [Primary, Forge.Direct([.. Made(KeyTime), .. Signs]), Forge.Sign(PgpSignatureType.CertificationRevocation, Forge.Data, hashed, hash: hash)]));
        AssertRejected("a subkey is revoked", Verify(
            Key(Forge.KeyBlock(Forge.Certify(), Subkey, Forge.Bind(Other, [.. Made(KeyTime), .. Signs]), Forge.Sign(PgpSignatureType.SubkeyRevocation, data, hashed, hash: hash))),
            Other.Message()));
    }

    /// <summary>A direct-key signature speaks of the whole key, so that what either forbids is forbidden; what one leaves open the other may allow.</summary>
    [Fact]
    public void Direct_signature_and_user_id_restrict_together()
    {
        byte[] silent = [.. Sub(0x80 | 7, 0), .. Sub(0x80 | 12, [0x80, 1, .. Other.Fingerprint])]; // critical, as some tools mark them

        Assert.All([KeyTime, Later], at =>
        {
            AssertExpires(Stated([.. Made(at), .. Signs], [.. Made(KeyTime + 9), .. Expires]));
            AssertExpires(Stated([.. Made(at), .. Expires], [.. Made(KeyTime + 9), .. Signs]));
            AssertExpires(Stated([.. Made(at), .. silent], [.. Made(KeyTime + 9), .. Expires]));
            AssertExpires(Stated([.. Made(at), .. Sub(9, PgpForge.Bytes(86400 * 40))], [.. Made(KeyTime + 9), .. Signs]));
            AssertSigns(Stated([.. Made(at), .. silent], [.. Made(KeyTime + 9), .. Signs]));
            AssertSigns(Stated([.. Made(at), .. Signs], Made(KeyTime + 9)));
            AssertRefused("not marked", Stated([.. Made(at), .. Certifies], [.. Made(KeyTime + 9), .. Signs]));
            AssertRefused("not marked", Stated([.. Made(at), .. Signs], [.. Made(KeyTime + 9), .. Certifies]));
            AssertRefused("not marked", Stated([.. Made(at), .. silent], Made(KeyTime + 9)));
        });
        AssertRefused("no valid signature", Block([Primary, Forge.Direct([.. Made(KeyTime), .. silent]), User]));
        AssertSigns(Block([Primary, Forge.Direct([.. Made(KeyTime), .. Signs, .. silent]), User]));
        AssertRefused("not marked", Forge.KeyBlock(Forge.Certify(), Forge.Certify(Made(KeyTime)))); // of two at once, the one that says least

        // One that only names a revoker is no newer statement about the key's use.
        AssertExpires(Block([Primary, Forge.Direct([.. Made(KeyTime), .. Expires]), Forge.Direct([.. Made(Later), .. silent]), User, Forge.Certify()]));

        static string Stated(byte[] direct, byte[] user) => Block([Primary, Forge.Direct(direct), User, Forge.Certify(user)]);
    }

    private static void AssertSigns(string block, PgpForge? signer = null) => AssertHolds(Verify(Key(block), (signer ?? Forge).Message()));

    private static void AssertRefused(string because, string block) => Assert.Contains(because, Problem(block), StringComparison.Ordinal);

    /// <summary>Forty days after the key was made, and holds until then.</summary>
    private static void AssertExpires(string block, PgpForge? signer = null)
    {
        var end = DateTimeOffset.FromUnixTimeSeconds(KeyTime).AddDays(40);
        var result = Verify(Key(block), (signer ?? Forge).Message());
        AssertHolds(result, end.AddTicks(-1));
        Assert.False(Holds(result, end));
    }
}
