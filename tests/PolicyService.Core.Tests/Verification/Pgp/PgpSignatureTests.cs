using static PolicyService.Core.Tests.Verification.Pgp.PgpJudge;

namespace PolicyService.Core.Tests.Verification.Pgp;

/// <summary>Signatures that count: every algorithm, form and packing gpg makes.</summary>
public sealed class PgpSignatureTests(GpgHome gpg)
{
    public static TheoryData<string> Algorithms => ["rsa2048", "rsa3072", "rsa4096", "nistp256", "nistp384", "nistp521", "ed25519"];

    public static MatrixTheoryData<string, string> Forms => new(
        ["rsa2048", "nistp256", "ed25519"],
        ["--armor", "", "--armor --detach-sign", "--detach-sign", "--armor --compress-algo zlib", "--compress-algo none", "--compress-algo zip"]);

    [Theory, MemberData(nameof(Algorithms))]
    public void Key_of_each_algorithm_signs(string algorithm)
    {
        var fingerprint = gpg.Key(algorithm);
        var key = Key(gpg.Export(fingerprint));

        Assert.Equal(fingerprint, key.DefaultId.ToString());
        AssertHolds(Verify(key, gpg.Sign(fingerprint, Payload, "--armor")));
        AssertHolds(Verify(key, gpg.Sign(fingerprint, Payload, "--armor", "--detach-sign")));
    }

    [Theory, MemberData(nameof(Algorithms))]
    public void Signing_subkey_counts_under_the_id_of_the_primary(string algorithm)
    {
        var fingerprint = gpg.KeyWithSubkey(algorithm);
        var key = Key(gpg.Export(fingerprint));

        Assert.Equal(fingerprint, key.DefaultId.ToString());
        Assert.Equal(2, key.Material.Count);
        AssertHolds(Verify(key, gpg.Sign(gpg.Fingerprints(fingerprint)[1], Payload, "--armor")));
        AssertHolds(Verify(key, gpg.Sign(fingerprint, Payload, "--armor")));
    }

    [Theory, MemberData(nameof(Forms))]
    public void Each_form_counts(string algorithm, string options)
    {
        var fingerprint = gpg.Key(algorithm);

        AssertHolds(Verify(Key(gpg.Export(fingerprint)), gpg.Sign(fingerprint, Payload, options.Split(' ', StringSplitOptions.RemoveEmptyEntries))));
    }

    [Theory]
    [InlineData("SHA256")]
    [InlineData("SHA384")]
    [InlineData("SHA512")]
    public void Each_strong_hash_counts(string hash)
    {
        var fingerprint = gpg.Key("rsa2048");

        AssertHolds(Verify(Key(gpg.Export(fingerprint)), gpg.Sign(fingerprint, Payload, "--digest-algo", hash)));
    }

    [Fact]
    public void Signature_before_its_literal_counts()
    {
        var fingerprint = gpg.Key("ed25519");
        var signature = gpg.Sign(fingerprint, Payload, "--detach-sign");

        AssertHolds(Verify(Key(gpg.Export(fingerprint)), [.. signature, .. Bytes(Literal(Payload))]));
    }

    [Theory]
    [InlineData("--armor")]
    [InlineData("--armor --detach-sign")]
    public void One_of_two_signers_suffices_in_any_order(string options)
    {
        var (ours, stranger) = (gpg.Key("rsa2048"), gpg.Key("ed25519"));
        var key = Key(gpg.Export(ours));

        AssertHolds(Verify(key, gpg.Sign(ours, Payload, ["--local-user", stranger, .. options.Split(' ')])));
        AssertHolds(Verify(key, gpg.Sign(stranger, Payload, ["--local-user", ours, .. options.Split(' ')])));
    }

    [Fact]
    [Trait("attack", "50")]
    public void Bad_signatures_beside_a_good_one_neither_help_nor_hurt()
    {
        var fingerprint = gpg.Key("rsa2048");
        var key = Key(gpg.Export(fingerprint));
        var good = Packets(gpg.Sign(fingerprint, Payload, "--detach-sign"))[0];
        var junk = Packet(Core.Verification.Pgp.PgpTag.Signature, 9, 9, 9);

        AssertHolds(Verify(key, Bytes(Flipped(good), junk, good)));
        AssertHolds(Verify(key, Bytes(good, junk, Flipped(good))));
        AssertRejected("does not verify", Verify(key, Bytes(Flipped(good), junk)));
    }

    [Fact]
    public void Notation_that_is_not_critical_is_passed_over()
    {
        var fingerprint = gpg.Key("ed25519");

        AssertHolds(Verify(Key(gpg.Export(fingerprint)), gpg.Sign(fingerprint, Payload, "--sig-notation", "build@example.com=7")));
    }

    [Fact]
    public void Payload_that_gpg_sends_in_parts_counts()
    {
        var fingerprint = gpg.Key("ed25519");
        var payload = (byte[])[.. Payload, .. Enumerable.Repeat((byte)' ', 8000)];
        var key = Key(gpg.Export(fingerprint));

        Assert.All(["none", "zip", "zlib"], packing => AssertHolds(Verify(key, gpg.Sign(fingerprint, payload, "--compress-algo", packing), payload)));
    }
}
