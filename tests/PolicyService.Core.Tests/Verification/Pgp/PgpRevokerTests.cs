using PolicyService.Core.Verification.Pgp;
using static PolicyService.Core.Tests.Verification.Pgp.PgpJudge;

namespace PolicyService.Core.Tests.Verification.Pgp;

/// <summary>Keys as gpg makes them, whose owner named a revoker or renewed them with an old hash.</summary>
public sealed class PgpRevokerTests(GpgHome gpg)
{
    private const string Expiry = "20260301T000000";
    private const string Renewal = "20260115T000000";
    private static readonly DateTimeOffset Expired = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("rsa2048")]
    [InlineData("nistp256")]
    [InlineData("ed25519")]
    public void Key_with_a_designated_revoker_signs(string algorithm)
    {
        var (fingerprint, _) = WithRevoker(algorithm, "never");
        gpg.AddSubkey(fingerprint, "ed25519", "sign");
        var key = Key(gpg.Export(fingerprint));

        Assert.Contains(Packets(gpg.Export(fingerprint)), packet => packet.Tag is PgpTag.Signature && TypeOf(packet) is PgpSignatureType.DirectKey);
        AssertHolds(Verify(key, gpg.Sign(fingerprint, Payload)));
        AssertHolds(Verify(key, gpg.Sign(gpg.Fingerprints(fingerprint)[1], Payload)));
    }

    /// <summary>What names the revoker is newer than what says when the key expires.</summary>
    [Fact]
    [Trait("attack", "54")]
    public void Key_with_a_designated_revoker_expires_as_before()
    {
        var (fingerprint, _) = WithRevoker("ed25519", Expiry);
        var result = Verify(Key(gpg.Export(fingerprint)), gpg.Sign(fingerprint, Payload));

        AssertHolds(result, Expired.AddTicks(-1));
        Assert.False(Holds(result, Expired));
    }

    /// <summary>The revoker's key is not in the block, so that nobody here can verify it.</summary>
    [Fact]
    [Trait("attack", "54")]
    public void Revocation_by_the_designated_revoker_counts()
    {
        var (fingerprint, revoker) = WithRevoker("ed25519", "never");
        var revocation = gpg.Run("y\n0\n\ny\n"u8.ToArray(), GpgHome.SigningTime, "--no-batch", "--command-fd", "0", "--local-user", revoker, "--desig-revoke", fingerprint);
        var packet = Packets(Dearmored(revocation)).Single(packet => packet.Tag is PgpTag.Signature && TypeOf(packet) is PgpSignatureType.KeyRevocation);
        var clean = Packets(gpg.Export(fingerprint));

        Assert.Contains("is revoked", Problem(Block([clean[0], packet, .. clean[1..]])), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("SHA1")]
    [InlineData("SHA224")]
    [Trait("attack", "54")]
    public void Expiry_set_with_an_old_hash_counts_and_a_newer_one_with_a_good_hash_again(string hash)
    {
        var fingerprint = gpg.Generate("rsa2048");
        gpg.AddSubkey(fingerprint, "rsa2048", "sign");
        var signers = gpg.Fingerprints(fingerprint);
        var messages = signers.Select(signer => gpg.Sign(signer, Payload)).ToArray();
        var before = Packets(gpg.Export(fingerprint));
        SetExpiry(Renewal, "20260301T000000", hash);
        var restricted = Merged(before, Packets(gpg.Export(fingerprint)));
        SetExpiry("20260120T000000", "never", "SHA256");
        var renewed = Merged(restricted, Packets(gpg.Export(fingerprint)));

        Assert.All(messages, message =>
        {
            AssertHolds(Verify(Key(Block(restricted)), message), Expired.AddTicks(-1));
            Assert.False(Holds(Verify(Key(Block(restricted)), message), Expired));
            AssertHolds(Verify(Key(Block(renewed)), message));
        });

        void SetExpiry(string at, string expiry, string digest)
        {
            string[] options = ["--cert-digest-algo", digest, "--allow-weak-digest-algos", "--quick-set-expire", fingerprint, expiry];
            gpg.Run([], at, options);
            gpg.Run([], at, [.. options, signers[1]]);
        }
    }

    [Fact]
    public void Expiry_and_size_of_a_key_can_be_asked_for()
    {
        var fingerprint = gpg.Generate("rsa3072", expire: Expiry);
        gpg.AddSubkey(fingerprint, "rsa2048", "sign", "20260201T000000");
        gpg.AddSubkey(fingerprint, "ed25519", "sign");
        gpg.AddSubkey(fingerprint, "rsa2048", "encr");
        var curve = Key(gpg.Export(gpg.Key("ed25519")));
        var key = Key(gpg.Export(fingerprint));

        Assert.Equal((Expired, 2048), (key.Expires, key.RsaBits));
        Assert.Equal(((DateTimeOffset?)null, (int?)null), (curve.Expires, curve.RsaBits));
        Assert.Equal(3072, Key(gpg.Export(gpg.Key("rsa3072"))).RsaBits);
    }

    private (string Fingerprint, string Revoker) WithRevoker(string algorithm, string expire)
    {
        var revoker = gpg.Generate("ed25519");
        var fingerprint = gpg.Generate(algorithm, expire: expire);
        gpg.Edit(fingerprint, Renewal, "addrevoker", revoker, "y");
        return (fingerprint, revoker);
    }

    /// <summary>gpg keeps only the newest statement; blocks of key servers hold them all. Same packets in both, with the signatures of both.</summary>
    private static List<PgpPacket> Merged(List<PgpPacket> older, List<PgpPacket> newer)
    {
        var merged = new List<PgpPacket>();
        foreach (var packet in older)
        {
            merged.Add(packet);
            var index = newer.FindIndex(other => other.Tag == packet.Tag && other.Tag is not PgpTag.Signature && other.Body.Span.SequenceEqual(packet.Body.Span));
            merged.AddRange(index < 0 ? [] : newer[(index + 1)..].TakeWhile(other => other.Tag is PgpTag.Signature));
        }

        return merged;
    }
}
