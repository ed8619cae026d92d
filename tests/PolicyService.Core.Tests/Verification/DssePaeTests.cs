using System.Text;
using CsCheck;
using PolicyService.Core.Attestors;
using PolicyService.Core.Tests.Attestors;
using PolicyService.Core.Verification;

namespace PolicyService.Core.Tests.Verification;

public sealed class DssePaeTests
{
    [Theory]
    [InlineData("the standard's example", "http://example.com/HelloWorld", "hello world", "DSSEv1 29 http://example.com/HelloWorld 11 hello world")]
    [InlineData("empty", "", "", "DSSEv1 0  0 ")]
    [InlineData("length in bytes", "é", "…", "DSSEv1 2 é 3 …")]
    [InlineData("payload with spaces and digits", "t", " 1 2", "DSSEv1 1 t 4  1 2")]
    public void Encode_gives_the_exact_bytes(string name, string type, string payload, string want)
    {
        var bytes = DssePae.Encode(type, Encoding.UTF8.GetBytes(payload));

        Assert.True(want == Encoding.UTF8.GetString(bytes), name);
    }

    [Fact]
    public void Encode_writes_long_lengths_plainly_and_any_bytes_unchanged()
    {
        var payload = Enumerable.Range(0, 1234).Select(value => (byte)value).ToArray();

        Assert.Equal([.. "DSSEv1 1 t 1234 "u8, .. payload], DssePae.Encode("t", payload));
    }

    [Fact]
    public void Simple_signing_type_is_cosigns() => Assert.Equal("application/vnd.dev.cosign.simplesigning.v1+json", DssePae.SimpleSigningType);

    [Fact, Trait("attack", "58")]
    public void Encode_gives_different_bytes_for_every_other_pair()
    {
        var text = Gen.String[Gen.Char["a1 "], 0, 6];
        Gen.Select(text, text, text, text).Sample((type, payload, otherType, otherPayload) =>
            (type == otherType && payload == otherPayload) == Encode(type, payload).SequenceEqual(Encode(otherType, otherPayload)), iter: 10_000);
    }

    [Fact, Trait("attack", "58")]
    public void Signature_covers_the_payload_or_its_pae_and_is_not_exchangeable()
    {
        var signer = TestKey.Of(SignatureAlgorithm.EcdsaP256Sha256);
        var key = signer.Read();
        var payload = Encoding.UTF8.GetBytes("{}");
        var pae = DssePae.Encode(DssePae.SimpleSigningType, payload);

        Assert.True(key.Verify(pae, signer.Sign(pae)));
        Assert.False(key.Verify(pae, signer.Sign(payload)));
        Assert.False(key.Verify(payload, signer.Sign(pae)));
        Assert.False(key.Verify(pae, signer.Sign(DssePae.Encode("application/vnd.in-toto+json", payload))));
        Assert.False(key.Verify(pae, []));
    }

    private static byte[] Encode(string type, string payload) => DssePae.Encode(type, Encoding.UTF8.GetBytes(payload));
}
