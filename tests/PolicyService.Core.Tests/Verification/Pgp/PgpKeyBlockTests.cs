using System.Text;
using PolicyService.Core.Attestors;
using PolicyService.Core.Verification.Pgp;
using static PolicyService.Core.Tests.Verification.Pgp.PgpJudge;

namespace PolicyService.Core.Tests.Verification.Pgp;

/// <summary>Which key blocks are usable, and which of their keys may sign.</summary>
public sealed class PgpKeyBlockTests(GpgHome gpg)
{
    [Theory]
    [InlineData("dsa2048", "of an algorithm that is not verified here")]
    [InlineData("rsa1024", "has 1024 bits")]
    [InlineData("brainpoolP256r1", "not an uncompressed point on P-256, P-384 or P-521")]
    [InlineData("secp256k1", "not an uncompressed point on P-256, P-384 or P-521")]
    [Trait("attack", "52")]
    public void Key_of_another_algorithm_or_size_is_unusable_and_named(string algorithm, string because)
    {
        var fingerprint = gpg.Key(algorithm);
        var reading = PgpKeyBlock.Read(gpg.Export(fingerprint));

        Assert.Null(reading.Key);
        Assert.Contains(because, reading.Problem, StringComparison.Ordinal);
        Assert.Equal(fingerprint, reading.Id.ToString());
    }

    [Fact]
    public void Private_key_is_refused_without_a_word_of_it()
    {
        var fingerprint = gpg.Key("ed25519");
        var secret = Encoding.UTF8.GetString(gpg.Run([], GpgHome.SigningTime, "--armor", "--export-secret-keys", fingerprint));
        var disguised = secret.Replace("PRIVATE", "PUBLIC", StringComparison.Ordinal);

        Assert.All([secret, secret + gpg.Export(fingerprint), gpg.Export(fingerprint) + secret, disguised], text =>
        {
            var problem = Problem(text);
            Assert.Contains("private key", problem, StringComparison.Ordinal);
            Assert.DoesNotContain(secret.Split('\n')[3], problem, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Several_keys_are_refused_with_a_remedy()
    {
        var (one, other) = (gpg.Export(gpg.Key("ed25519")), gpg.Export(gpg.Key("nistp256")));

        Assert.Contains("more than one key", Problem(Block([.. Packets(one), .. Packets(other)])), StringComparison.Ordinal);
        Assert.Contains("exactly one intact block", Problem(one + other), StringComparison.Ordinal);
        Assert.Contains("exactly one intact block", Problem(one + one), StringComparison.Ordinal);
    }

    [Fact]
    public void Text_that_is_no_key_block_is_refused()
    {
        var block = gpg.Export(gpg.Key("ed25519"));
        var bytes = Bytes(Packets(block));
        var flipped = block.ToCharArray();
        flipped[120] = flipped[120] == 'A' ? 'B' : 'A'; // the checksum tells
        string[] texts =
        [
            "", "x", "key " + block, block + "x", block.Replace("END PGP PUBLIC", "END PGP", StringComparison.Ordinal), block[..^60], new(flipped),
            Block(bytes, "PGP MESSAGE"), Block(bytes, "PUBLIC KEY"), Block([]), Block([.. bytes, 0]), Block([0]), Block(Bytes(Packet(PgpTag.UserId, 1))),
            Block([.. Packets(block), Literal(Payload)]), Block([Packets(block)[1], .. Packets(block)]), Block([Packet(PgpTag.Signature, 4), .. Packets(block)]),
        ];

        Assert.All(texts, text => Assert.Null(PgpKeyBlock.Read(text).Key));
        Assert.Contains("262144 characters", Problem(new string('x', Limits.PgpKeyCharacters + 1)), StringComparison.Ordinal);
        Assert.Equal(Key(block).DefaultId, Key($"\r\n{block.ReplaceLineEndings("\r\n")}\n\n").DefaultId);
        Assert.Equal(Key(block).DefaultId, Key(block.Replace("BLOCK-----\n\n", "BLOCK-----\nComment: build\nVersion: 1\n\n", StringComparison.Ordinal)).DefaultId);
    }

    [Fact]
    public void Every_flipped_bit_of_a_block_takes_a_right_away_or_changes_nothing_signed()
    {
        var fingerprint = gpg.KeyWithSubkey("ed25519");
        var bytes = Bytes(Packets(gpg.Export(fingerprint)));
        var messages = gpg.Fingerprints(fingerprint).Select(signer => gpg.Sign(signer, Payload, "--detach-sign")).ToArray();
        var stranger = gpg.Sign(gpg.Key("ed25519"), Payload, "--detach-sign");

        for (var index = 0; index < bytes.Length * 8; index++)
        {
            var flipped = bytes.ToArray();
            flipped[index / 8] ^= (byte)(1 << (index % 8));
            if (PgpKeyBlock.Read(Block(flipped)).Key is { } key)
            {
                Assert.True(key.DefaultId.ToString() == fingerprint, $"bit {index} gives another key");
                Assert.Contains(messages, message => Holds(Verify(key, message)));
                Assert.False(Holds(Verify(key, stranger)));
            }
        }
    }

    [Fact]
    public void Revoked_key_is_unusable_and_named()
    {
        var fingerprint = gpg.Generate("ed25519");
        gpg.Revoke(fingerprint);
        var reading = PgpKeyBlock.Read(gpg.Export(fingerprint));

        Assert.Contains("is revoked", reading.Problem, StringComparison.Ordinal);
        Assert.Equal(fingerprint, reading.Id.ToString());
    }

    [Fact]
    public void Revocation_with_an_old_hash_counts_too()
    {
        var fingerprint = gpg.Generate("ed25519");
        gpg.Edit(fingerprint, GpgHome.SigningTime, "addkey", "11", "q", "1", "0", "key 1", "revkey", "y", "0", "", "y"); // a subkey, so that gpg asks about nothing else
        var before = Packets(gpg.Export(fingerprint));
        Assert.Contains(before, packet => packet.Tag is PgpTag.Signature && TypeOf(packet) is PgpSignatureType.SubkeyRevocation);

        var revoked = gpg.Generate("rsa2048");
        var revocation = gpg.Run(Encoding.ASCII.GetBytes("y\n0\n\ny\n"), GpgHome.SigningTime, "--no-batch", "--command-fd", "0", "--cert-digest-algo", "SHA1", "--allow-weak-digest-algos", "--armor", "--gen-revoke", revoked);
        var packet = Packets(Encoding.UTF8.GetString(revocation))[0];
        Assert.Equal(2, packet.Body.Span[3]); // SHA-1
        var key = Packets(gpg.Export(revoked));
        Assert.Contains("is revoked", Problem(Block([key[0], packet, .. key[1..]])), StringComparison.Ordinal);
    }

    [Fact]
    public void Revocation_that_cannot_be_judged_counts_and_a_forged_one_does_not()
    {
        var fingerprint = gpg.Generate("ed25519");
        var clean = Packets(gpg.Export(fingerprint));
        gpg.Revoke(fingerprint);
        var revocation = Packets(gpg.Export(fingerprint))[1];
        Assert.Equal(PgpSignatureType.KeyRevocation, TypeOf(revocation));
        var unreadable = revocation.Body.ToArray();
        unreadable[0] = 6;
        var unknownHash = revocation.Body.ToArray();
        unknownHash[3] = 1;

        Assert.NotNull(PgpKeyBlock.Read(With(Flipped(revocation))).Key);
        Assert.Contains("is revoked", Problem(With(revocation with { Body = unreadable })), StringComparison.Ordinal);
        Assert.Contains("is revoked", Problem(With(revocation with { Body = unknownHash })), StringComparison.Ordinal);
        Assert.Contains("is revoked", Problem(With(WithUnhashed(revocation, _ => [9, 16, 1, 2, 3, 4, 5, 6, 7, 8]))), StringComparison.Ordinal);
        Assert.Contains("is revoked", Problem(With(Packet(PgpTag.Signature, 3, 5, 0x20))), StringComparison.Ordinal);

        string With(PgpPacket packet) => Block([clean[0], packet, .. clean[1..]]);
    }

    [Fact]
    public void Key_without_a_good_signature_of_its_own_is_unusable()
    {
        var block = Packets(gpg.Export(gpg.Key("ed25519")));
        var other = Packets(gpg.Export(gpg.Key("nistp256")));

        Assert.Contains("no valid signature of its own", Problem(Block([block[0]])), StringComparison.Ordinal);
        Assert.Contains("no valid signature of its own", Problem(Block(block[..2])), StringComparison.Ordinal);
        Assert.Contains("no valid signature of its own", Problem(Block([block[0], block[1], Flipped(block[2])])), StringComparison.Ordinal);
        Assert.Contains("no valid signature of its own", Problem(Block([block[0], Flipped(block[1]), block[2]])), StringComparison.Ordinal);
        Assert.Contains("no valid signature of its own", Problem(Block([block[0], other[1], other[2]])), StringComparison.Ordinal);
    }

    [Fact]
    public void Self_signature_with_SHA1_does_not_count()
    {
        var weak = gpg.Generate("rsa2048", "sign,cert", "never", GpgHome.KeyTime, "--cert-digest-algo", "SHA1", "--allow-weak-digest-algos");

        Assert.Contains("SHA-256 or better", Problem(gpg.Export(weak)), StringComparison.Ordinal);
    }

    [Fact]
    public void User_id_that_was_taken_back_vouches_for_nothing()
    {
        var fingerprint = gpg.Generate("ed25519");
        var before = Packets(gpg.Export(fingerprint));
        gpg.Edit(fingerprint, GpgHome.SigningTime, "adduid", "second name", "s@example.com", "");
        gpg.Run([], GpgHome.SigningTime, "--quick-revoke-uid", fingerprint, Encoding.UTF8.GetString(before[1].Body.Span));
        var after = Packets(gpg.Export(fingerprint));
        var revocation = after.First(packet => packet.Tag is PgpTag.Signature && TypeOf(packet) is PgpSignatureType.CertificationRevocation);
        var owner = after[..after.IndexOf(revocation)].FindLastIndex(packet => packet.Tag is PgpTag.UserId);
        Assert.Equal(before[1].Body.ToArray(), after[owner].Body.ToArray());

        Assert.NotNull(PgpKeyBlock.Read(Block(after)).Key);
        Assert.Contains("no valid signature", Problem(Block([before[0], before[1], revocation, before[2]])), StringComparison.Ordinal);
    }

    [Fact]
    public void Key_that_may_only_certify_does_not_sign()
    {
        Assert.Contains("primary key is not marked for signing", Problem(gpg.Export(gpg.Generate("ed25519", "cert"))), StringComparison.Ordinal);
        var encrypting = gpg.Generate("ed25519", "cert");
        gpg.AddSubkey(encrypting, "cv25519", "encr");
        Assert.Contains("primary key is not marked for signing", Problem(gpg.Export(encrypting)), StringComparison.Ordinal);
    }

    [Fact]
    public void Right_to_sign_that_was_taken_back_counts_no_more()
    {
        var fingerprint = gpg.Generate("rsa2048");
        gpg.AddSubkey(fingerprint, "rsa2048", "sign");
        var message = gpg.Sign(fingerprint, Payload, "--detach-sign");
        AssertHolds(Verify(Key(gpg.Export(fingerprint)), message));
        gpg.Edit(fingerprint, GpgHome.SigningTime, "change-usage", "s", "q");

        AssertRejected("not marked for signing", Verify(Key(gpg.Export(fingerprint)), message));
    }

    [Fact]
    public void Key_that_only_certifies_signs_with_its_subkey()
    {
        var fingerprint = gpg.Generate("nistp256", "cert");
        gpg.AddSubkey(fingerprint, "ed25519", "sign");
        var key = Key(gpg.Export(fingerprint));

        Assert.Single(key.Material);
        AssertHolds(Verify(key, gpg.Sign(gpg.Fingerprints(fingerprint)[1], Payload)));
    }

    [Fact]
    [Trait("attack", "54")]
    public void Revoked_subkey_signs_nothing()
    {
        var fingerprint = gpg.Generate("ed25519");
        gpg.AddSubkey(fingerprint, "ed25519", "sign");
        var (primary, subkey) = (gpg.Sign(fingerprint, Payload), gpg.Sign(gpg.Fingerprints(fingerprint)[1], Payload));
        AssertHolds(Verify(Key(gpg.Export(fingerprint)), subkey));
        gpg.Edit(fingerprint, GpgHome.SigningTime, "key 1", "revkey", "y", "0", "", "y");
        var key = Key(gpg.Export(fingerprint));

        AssertRejected("a subkey is revoked", Verify(key, subkey));
        AssertHolds(Verify(key, primary));
        Assert.Single(key.Material);
    }

    [Fact]
    public void Subkey_must_be_bound_by_the_primary_and_agree_to_it()
    {
        var fingerprint = gpg.KeyWithSubkey("ed25519");
        var message = gpg.Sign(gpg.Fingerprints(fingerprint)[1], Payload);
        var block = Packets(gpg.Export(fingerprint));
        var (subkey, binding) = (block[3], block[4]);
        var back = WithUnhashed(binding, _ => []);
        var stranger = Packets(gpg.Export(gpg.Key("nistp256")));

        AssertHolds(Verify(Key(Block(block)), message));
        AssertRejected("is not bound", Verify(Key(Block(block[..4])), message));
        AssertRejected("is not bound", Verify(Key(Block([.. block[..4], Flipped(binding)])), message));
        AssertRejected("lacks its own signature", Verify(Key(Block([.. block[..4], back])), message));
        AssertRejected("lacks its own signature", Verify(Key(Block([.. block[..4], WithUnhashed(binding, FlipLast)])), message));

        // Somebody else takes the subkey for his own: the primary's signature is not his.
        AssertRejected("is not bound", Verify(Key(Block([.. stranger, subkey, binding])), message));

        byte[] FlipLast(byte[] unhashed)
        {
            var start = binding.Body.Span[..^64].IndexOf((byte)0x19); // type of the embedded signature
            Assert.True(start > 0);
            unhashed[^(unhashed[0] == 9 ? 1 : 11)] ^= 1;
            return unhashed;
        }
    }

    [Fact]
    public void Unreadable_subkeys_are_passed_over()
    {
        var fingerprint = gpg.Generate("ed25519");
        gpg.AddSubkey(fingerprint, "cv25519", "encr");
        gpg.AddSubkey(fingerprint, "elg2048", "encr");
        gpg.AddSubkey(fingerprint, "dsa2048", "sign");
        var key = Key(gpg.Export(fingerprint));

        AssertHolds(Verify(key, gpg.Sign(fingerprint, Payload)));
        AssertRejected("by the key", Verify(key, gpg.Sign(gpg.Fingerprints(fingerprint)[3], Payload)));
    }

    [Fact]
    public void Key_id_is_the_fingerprint()
    {
        var fingerprint = gpg.Key("rsa2048");

        Assert.Matches("^[0-9A-F]{40}$", fingerprint);
        Assert.Equal(fingerprint, Key(gpg.Export(fingerprint)).DefaultId.ToString());
        Assert.True(KeyId.TryParse(fingerprint, out var id));
        Assert.Equal(id, Key(gpg.Export(fingerprint)).DefaultId);
    }
}
