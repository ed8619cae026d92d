using System.IO.Compression;
using System.Text;
using PolicyService.Core.Verification;
using PolicyService.Core.Verification.Pgp;
using static PolicyService.Core.Tests.Verification.Pgp.PgpJudge;

namespace PolicyService.Core.Tests.Verification.Pgp;

/// <summary>Messages that do not count, each for the reason it is refused.</summary>
public sealed class PgpMessageRefusalTests(GpgHome gpg)
{
    [Theory]
    [InlineData("rsa2048")]
    [InlineData("nistp256")]
    [InlineData("ed25519")]
    public void Every_flipped_byte_of_a_detached_signature_is_refused(string algorithm)
    {
        var (fingerprint, key) = Ours(algorithm);
        var signature = gpg.Sign(fingerprint, Payload, "--detach-sign");

        for (var index = 0; index < signature.Length * 8; index++)
        {
            var flipped = signature.ToArray();
            flipped[index / 8] ^= (byte)(1 << (index % 8));
            Assert.True(Verify(key, flipped) is VerificationResult.Rejected, $"bit {index}");
        }
    }

    [Fact]
    public void Every_flipped_bit_of_an_armored_signature_is_refused_or_changes_no_signed_byte()
    {
        var (fingerprint, key) = Ours("ed25519");
        var armored = gpg.Sign(fingerprint, Payload, "--armor", "--detach-sign");
        var binary = Dearmored(armored);

        for (var index = 0; index < armored.Length * 8; index++)
        {
            var flipped = armored.ToArray();
            flipped[index / 8] ^= (byte)(1 << (index % 8));
            Assert.True(Verify(key, flipped) is VerificationResult.Rejected || PgpArmor.Decode(flipped)!.SequenceEqual(binary), $"bit {index}");
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("--detach-sign")]
    [InlineData("--compress-algo none")]
    [InlineData("--compress-algo zlib")]
    [InlineData("--armor")]
    public void Truncated_message_is_refused(string options)
    {
        var (fingerprint, key) = Ours("ed25519");
        var message = gpg.Sign(fingerprint, Payload, options.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        var whole = options == "--armor" ? message.AsSpan().TrimEnd("\r\n"u8).Length : message.Length;

        for (var length = 0; length < whole; length++)
        {
            Assert.True(Verify(key, message[..length]) is VerificationResult.Rejected, $"{length} bytes");
        }
    }

    [Fact]
    [Trait("attack", "54")]
    public void Attached_message_about_another_payload_is_refused()
    {
        var (fingerprint, key) = Ours("rsa2048");
        var other = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(Payload).Replace("acme", "evil", StringComparison.Ordinal));

        AssertRejected("other data than the payload", Verify(key, gpg.Sign(fingerprint, other, "--armor")));
        AssertRejected("other data than the payload", Verify(key, gpg.Sign(fingerprint, Payload[..^1], "--armor")));
        AssertRejected("does not verify", Verify(key, gpg.Sign(fingerprint, other, "--armor", "--detach-sign")));

        // The literal says one thing, the signature is about the other.
        var detached = gpg.Sign(fingerprint, Payload, "--detach-sign");
        AssertRejected("other data than the payload", Verify(key, [.. detached, .. Bytes(Literal(other))]));
        AssertRejected("does not verify", Verify(key, [.. gpg.Sign(fingerprint, other, "--detach-sign"), .. Bytes(Literal(Payload))]));
    }

    [Fact]
    [Trait("attack", "54")]
    public void Cleartext_signature_is_refused()
    {
        var (fingerprint, key) = Ours("rsa2048");

        AssertRejected("cleartext-signed", Verify(key, gpg.Sign(fingerprint, Payload, "--clear-sign")));
    }

    [Theory]
    [InlineData("--textmode --armor", "not binary")]
    [InlineData("--textmode --detach-sign", "not one over a binary document")]
    [InlineData("--digest-algo SHA1", "hash is none of")]
    [InlineData("--digest-algo RIPEMD160", "hash is none of")]
    [InlineData("--digest-algo SHA224", "hash is none of")]
    [InlineData("--compress-algo bzip2", "compressed in a way")]
    [InlineData("--sig-notation !build@example.com=7", "critical subpacket of type 20")]
    [InlineData("--sig-policy-url !https://example.com", "critical subpacket of type 26")]
    public void Option_of_gpg_that_does_not_count(string options, string because)
    {
        var (fingerprint, key) = Ours("rsa2048");

        AssertRejected(because, Verify(key, gpg.Sign(fingerprint, Payload, [.. options.Split(' '), "--allow-weak-digest-algos"])));
    }

    [Fact]
    public void Literal_in_text_format_is_refused()
    {
        var (fingerprint, key) = Ours("ed25519");
        var signature = gpg.Sign(fingerprint, Payload, "--detach-sign");

        Assert.All("tul1m", format => AssertRejected("malformed or not binary", Verify(key, [.. signature, .. Bytes(Literal(Payload, format))])));
    }

    [Fact]
    [Trait("attack", "48")]
    public void Signature_of_another_key_is_refused() =>
        AssertRejected("by the key", Verify(Key(gpg.Export(gpg.Key("rsa3072"))), gpg.Sign(gpg.Key("rsa2048"), Payload, "--armor")));

    [Fact]
    public void Trailing_bytes_and_packets_are_refused()
    {
        var (fingerprint, key) = Ours("ed25519");
        var detached = gpg.Sign(fingerprint, Payload, "--detach-sign");
        var plain = gpg.Sign(fingerprint, Payload, "--compress-algo", "none");
        var zlib = gpg.Sign(fingerprint, Payload, "--compress-algo", "zlib");
        byte[][] trailers = [[0], [0xFF], Bytes(Packet(PgpTag.UserId, 1)), Bytes(Literal(Payload)), Bytes(Packet((PgpTag)60, 1)), Bytes(Packet((PgpTag)10, 0x50, 0x47, 0x50))];

        foreach (var trailer in trailers)
        {
            Assert.IsType<VerificationResult.Rejected>(Verify(key, [.. plain, .. trailer]));
            AssertRejected("follow the compressed part", Verify(key, [.. zlib, .. trailer]));
            if (!trailer.SequenceEqual(Bytes(Literal(Payload))))
            {
                Assert.IsType<VerificationResult.Rejected>(Verify(key, [.. detached, .. trailer]));
            }
        }

        AssertRejected("one intact block", Verify(key, [.. Encoding.ASCII.GetBytes(Block(detached, "PGP SIGNATURE")), .. "x"u8]));
        AssertRejected("one intact block", Verify(key, Encoding.ASCII.GetBytes(Block(detached, "PGP SIGNATURE") + Block(detached, "PGP SIGNATURE"))));
        AssertRejected("one intact block", Verify(key, Encoding.ASCII.GetBytes(Block(detached))));
    }

    [Fact]
    public void Signature_packet_in_parts_or_without_length_is_refused()
    {
        var (fingerprint, key) = Ours("ed25519");
        var body = Packets(gpg.Sign(fingerprint, Payload, "--detach-sign"))[0].Body.ToArray();
        Assert.InRange(body.Length, 65, 191);

        AssertHolds(Verify(key, [0xC2, (byte)body.Length, .. body]));
        AssertHolds(Verify(key, [0x88, (byte)body.Length, .. body]));
        AssertRejected("not a sequence", Verify(key, [0x8B, .. body]));
        AssertRejected("not a sequence", Verify(key, [0xC2, 0xE0 | 6, .. body.AsSpan(0, 64), (byte)(body.Length - 64), .. body.AsSpan(64)]));
    }

    [Fact]
    public void Shapes_other_than_a_signed_message_are_refused()
    {
        var (fingerprint, key) = Ours("ed25519");
        var signature = Packets(gpg.Sign(fingerprint, Payload, "--detach-sign"))[0];
        var attached = Packets(gpg.Sign(fingerprint, Payload, "--compress-algo", "none"));
        var (announcement, literal, last) = (attached[0], attached[1], attached[2]);
        PgpPacket[][] shapes =
        [
            [literal], [announcement], [announcement, last], [announcement, literal], [announcement, announcement, literal, last], [announcement, literal, last, last],
            [literal, last], [announcement, last, literal], [announcement, literal, literal, last], [signature, literal, signature], [Zipped(announcement, literal, last), literal],
            [Zipped(Zipped(announcement, literal, last))], [Zipped(signature)], [Zipped()], [Packet(PgpTag.Compressed)], [Packet(PgpTag.Compressed, 0, 1)],
        ];

        AssertHolds(Verify(key, Bytes(announcement, literal, last)));
        AssertHolds(Verify(key, Bytes(Zipped(announcement, literal, last))));
        AssertHolds(Verify(key, Bytes(Zipped(signature, literal))));
        Assert.All(shapes, (shape, index) => Assert.True(Verify(key, Bytes(shape)) is VerificationResult.Rejected, $"shape {index}"));
    }

    [Fact]
    public void Announcement_must_be_that_of_its_signature()
    {
        var (fingerprint, key) = Ours("ed25519");
        var attached = Packets(gpg.Sign(fingerprint, Payload, "--compress-algo", "none"));

        for (var index = 0; index < 12; index++) // the last byte says whether another announcement follows
        {
            var announcement = attached[0].Body.ToArray();
            announcement[index] ^= 1;
            AssertRejected("announces", Verify(key, Bytes(attached[0] with { Body = announcement }, attached[1], attached[2])));
        }

        AssertRejected("announces", Verify(key, Bytes(attached[0] with { Body = attached[0].Body[..12] }, attached[1], attached[2])));
    }

    [Fact]
    public void Unsigned_subpackets_but_the_issuer_are_refused()
    {
        var (fingerprint, key) = Ours("ed25519");
        var signature = Packets(gpg.Sign(fingerprint, Payload, "--detach-sign"))[0];

        AssertHolds(Verify(key, Bytes(WithUnhashed(signature, _ => []))));
        AssertRejected("outside its signed part", Verify(key, Bytes(WithUnhashed(signature, issuer => [.. issuer, 5, 3, 0, 0, 0, 1]))));
        Assert.IsType<VerificationResult.Rejected>(Verify(key, Bytes(WithUnhashed(signature, _ => [9, 16, 1, 2, 3, 4, 5, 6, 7, 8]))));
        Assert.IsType<VerificationResult.Rejected>(Verify(key, Bytes(WithUnhashed(signature, issuer => [.. issuer, 9, 16, 1, 2, 3, 4, 5, 6, 7, 8]))));
        Assert.IsType<VerificationResult.Rejected>(Verify(key, Bytes(WithUnhashed(signature, _ => [0xFF, 0x7F, 0xFF, 0xFF, 0xF0, 16]))));
    }

    [Fact]
    public void Number_with_leading_zeros_is_another_spelling_and_refused()
    {
        var (fingerprint, key) = Ours("rsa2048");
        var body = Packets(gpg.Sign(fingerprint, Payload, "--detach-sign"))[0].Body.ToArray();
        var start = 6 + (body[4] << 8) + body[5];
        start += 2 + (body[start] << 8) + body[start + 1] + 2; // the number: two bytes of length in bits, then itself

        Assert.True((body[start] << 8) + body[start + 1] is > 2032 and <= 2048);
        byte[] longer = [.. body[..start], (2056 >> 8), 2056 & 0xFF, 0, .. body[(start + 2)..]];
        Assert.IsType<VerificationResult.Rejected>(Verify(key, Bytes(new PgpPacket(PgpTag.Signature, longer))));
    }

    [Fact]
    [Trait("attack", "77")]
    public void Compressed_bomb_is_refused_after_its_limit()
    {
        var (fingerprint, key) = Ours("ed25519");
        var bomb = gpg.Sign(fingerprint, new byte[8 * 1024 * 1024], "--compress-algo", "zlib");

        Assert.InRange(bomb.Length, 1, Limits.SignatureBytes);
        AssertRejected("larger than the limits", Verify(key, bomb));
    }

    [Fact]
    [Trait("attack", "76")]
    public void Signatures_in_one_message_are_bounded()
    {
        var (fingerprint, key) = Ours("ed25519");
        var signature = Packets(gpg.Sign(fingerprint, Payload, "--detach-sign"))[0];

        AssertHolds(Verify(key, Bytes(Enumerable.Repeat(signature, Limits.PgpSignaturesPerMessage))));
        AssertRejected("more than 16", Verify(key, Bytes(Enumerable.Repeat(signature, Limits.PgpSignaturesPerMessage + 1))));
    }

    [Fact]
    public void Good_signature_over_something_else_than_a_payload_is_said_to_be_that()
    {
        var (fingerprint, key) = Ours("ed25519");
        var rejected = Assert.IsType<VerificationResult.Rejected>(Verify(key, gpg.Sign(fingerprint, "text"u8.ToArray()), "text"u8.ToArray()));

        Assert.Equal(RejectionReason.PayloadInvalid, rejected.Reason);
    }

    private (string Fingerprint, PgpKey Key) Ours(string algorithm)
    {
        var fingerprint = gpg.Key(algorithm);
        return (fingerprint, Key(gpg.Export(fingerprint)));
    }

    private static PgpPacket Zipped(params PgpPacket[] packets)
    {
        using var output = new MemoryStream();
        using (var deflate = new DeflateStream(output, CompressionLevel.Optimal, leaveOpen: true))
        {
            deflate.Write(Bytes(packets));
        }

        return Packet(PgpTag.Compressed, [1, .. output.ToArray()]);
    }
}
