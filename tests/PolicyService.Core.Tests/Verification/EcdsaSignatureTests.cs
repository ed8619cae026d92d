using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using CsCheck;
using PolicyService.Core.Verification;

namespace PolicyService.Core.Tests.Verification;

/// <summary>
/// What is refused before the base library is asked, shown with a key that accepts whatever reaches it; and the real thing.
/// </summary>
[Trait("attack", "52")]
public sealed class EcdsaSignatureTests
{
    private static readonly byte[] Hash = SHA256.HashData([1, 2, 3]);
    private static readonly byte[] Max = [.. Enumerable.Repeat((byte)0xff, 32)];

    public static TheoryData<string, byte[]> RejectedDer => new()
    {
        { "empty", [] },
        { "tag only", [0x30] },
        { "empty sequence", [0x30, 0] },
        { "r only", [0x30, 3, 2, 1, 1] },
        { "three numbers", [0x30, 9, 2, 1, 1, 2, 1, 1, 2, 1, 1] },
        { "byte behind", [0x30, 6, 2, 1, 1, 2, 1, 1, 0] },
        { "byte behind, counted", [0x30, 7, 2, 1, 1, 2, 1, 1, 0] },
        { "length too long", [0x30, 7, 2, 1, 1, 2, 1, 1] },
        { "length too short", [0x30, 5, 2, 1, 1, 2, 1, 1] },
        { "set", [0x31, 6, 2, 1, 1, 2, 1, 1] },
        { "primitive sequence", [0x10, 6, 2, 1, 1, 2, 1, 1] },
        { "enumerated", [0x30, 6, 10, 1, 1, 2, 1, 1] },
        { "indefinite length", [0x30, 0x80, 2, 1, 1, 2, 1, 1, 0, 0] },
        { "long form of a short length", [0x30, 0x81, 6, 2, 1, 1, 2, 1, 1] },
        { "long form of a number's length", [0x30, 7, 2, 0x81, 1, 1, 2, 1, 1] },
        { "two length bytes", [0x30, 0x82, 0, 6, 2, 1, 1, 2, 1, 1] },
        { "long form without its byte", [0x30, 0x81] },
        { "reserved length", [0x30, 0xff, 2, 1, 1, 2, 1, 1] },
        { "number of no bytes", [0x30, 5, 2, 0, 2, 1, 1] },
        { "number cut short", [0x30, 6, 2, 1, 1, 2, 2, 1] },
        { "negative r", [0x30, 6, 2, 1, 0x81, 2, 1, 1] },
        { "negative s", [0x30, 6, 2, 1, 1, 2, 1, 0xff] },
        { "r is zero", [0x30, 6, 2, 1, 0, 2, 1, 1] },
        { "s is zero", [0x30, 6, 2, 1, 1, 2, 1, 0] },
        { "needless leading zero", [0x30, 7, 2, 2, 0, 1, 2, 1, 1] },
        { "two leading zeros", [0x30, 8, 2, 3, 0, 0, 0x80, 2, 1, 1] },
        { "r too wide", [0x30, 38, 2, 33, 1, .. Max, 2, 1, 1] },
        { "s too wide", [0x30, 38, 2, 1, 1, 2, 33, 1, .. Max] },
        { "fixed width", [.. Max, .. Max] },
    };

    [Theory, MemberData(nameof(RejectedDer))]
    public void VerifyDer_asks_the_library_about_no_other_spelling(string name, byte[] signature)
    {
        using var key = new CredulousEcdsa(256);

        Assert.False(EcdsaSignature.VerifyDer(key, Hash, signature), name);
        Assert.Equal(0, key.Asked);
    }

    [Theory]
    [InlineData(62, 0x80)]
    [InlineData(63, 0x82)]
    public void VerifyDer_takes_no_length_from_the_first_byte_of_a_long_form(int width, byte length)
    {
        using var key = new CredulousEcdsa(521);
        byte[] number = [2, (byte)width, .. Enumerable.Repeat((byte)1, width)];
        byte[] content = [.. number, .. number];

        Assert.Equal(length, content.Length);
        Assert.False(EcdsaSignature.VerifyDer(key, Hash, [0x30, length, .. content]));
        Assert.True(EcdsaSignature.VerifyDer(key, Hash, [0x30, 0x81, length, .. content]));
    }

    [Theory]
    [InlineData("short", 63)]
    [InlineData("long", 65)]
    [InlineData("empty", 0)]
    [InlineData("width of another curve", 96)]
    public void VerifyFixedWidth_asks_the_library_about_no_other_length(string name, int length)
    {
        using var key = new CredulousEcdsa(256);

        Assert.False(EcdsaSignature.VerifyFixedWidth(key, Hash, [.. Enumerable.Repeat((byte)1, length)]), name);
        Assert.Equal(0, key.Asked);
    }

    [Fact]
    public void VerifyFixedWidth_asks_the_library_about_no_zero()
    {
        using var key = new CredulousEcdsa(256);

        Assert.False(EcdsaSignature.VerifyFixedWidth(key, Hash, [.. new byte[32], .. Max]));
        Assert.False(EcdsaSignature.VerifyFixedWidth(key, Hash, [.. Max, .. new byte[32]]));
        Assert.False(EcdsaSignature.VerifyFixedWidth(key, Hash, new byte[64]));
        Assert.Equal(0, key.Asked);
        Assert.True(EcdsaSignature.VerifyFixedWidth(key, Hash, [.. Max, .. Max]));
    }

    [Theory]
    [InlineData(256)]
    [InlineData(384)]
    [InlineData(521)]
    public void VerifyDer_hands_every_pair_of_positive_numbers_on_unchanged(int keySize)
    {
        var width = (keySize + 7) / 8;
        using var key = new CredulousEcdsa(keySize);
        var number = Gen.Byte.Array[0, width].Select(bytes => new BigInteger(bytes, isUnsigned: true, isBigEndian: true) + 1)
            .Where(value => value.GetByteCount(isUnsigned: true) <= width);

        Gen.Select(number, number).Sample((r, s) =>
        {
            Assert.True(EcdsaSignature.VerifyDer(key, Hash, Der(r, s)));
            Assert.Equal(2 * width, key.Last.Length);
            Assert.Equal(r, new BigInteger(key.Last.AsSpan(0, width), isUnsigned: true, isBigEndian: true));
            Assert.Equal(s, new BigInteger(key.Last.AsSpan(width), isUnsigned: true, isBigEndian: true));
        }, threads: 1);
    }

    [Fact]
    public void VerifyDer_takes_bytes_only_if_they_are_what_a_der_writer_writes()
    {
        using var key = new CredulousEcdsa(256);
        var nearly = Gen.Select(Gen.Byte.Array[1, 4], Gen.Byte.Array[1, 4], Gen.Int[-1, 1], Gen.Int[-1, 1], (r, s, grow, growR) =>
            (byte[])[0x30, (byte)(4 + r.Length + s.Length + grow), 2, (byte)(r.Length + growR), .. r, 2, (byte)s.Length, .. s]);

        Gen.OneOf(nearly, Gen.Byte.Array[0, 20]).Sample(signature =>
        {
            if (EcdsaSignature.VerifyDer(key, Hash, signature))
            {
                var numbers = new BigInteger[] { new(key.Last.AsSpan(0, 32), true, true), new(key.Last.AsSpan(32), true, true) };
                Assert.Equal(Der(numbers[0], numbers[1]), signature);
            }
        }, iter: 20_000, threads: 1);
    }

    [Fact]
    public void Forms_are_not_exchangeable()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var der = key.SignHash(Hash, DSASignatureFormat.Rfc3279DerSequence);
        var fixedWidth = key.SignHash(Hash, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);

        Assert.True(EcdsaSignature.VerifyDer(key, Hash, der));
        Assert.True(EcdsaSignature.VerifyFixedWidth(key, Hash, fixedWidth));
        Assert.False(EcdsaSignature.VerifyDer(key, Hash, fixedWidth));
        Assert.False(EcdsaSignature.VerifyFixedWidth(key, Hash, der));
    }

    private static byte[] Der(BigInteger r, BigInteger s)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(r);
            writer.WriteInteger(s);
        }

        return writer.Encode();
    }

    /// <summary>A library that accepts everything, so that only our own steps can refuse.</summary>
    private sealed class CredulousEcdsa : ECDsa
    {
        public CredulousEcdsa(int keySize) => KeySizeValue = keySize;

        public int Asked { get; private set; }

        public byte[] Last { get; private set; } = [];

        public override int KeySize => KeySizeValue;

        public override byte[] SignHash(byte[] hash) => throw new NotSupportedException();

        public override bool VerifyHash(byte[] hash, byte[] signature) => true;

        protected override bool VerifyHashCore(ReadOnlySpan<byte> hash, ReadOnlySpan<byte> signature, DSASignatureFormat signatureFormat)
        {
            Asked++;
            Last = signature.ToArray();
            return signatureFormat is DSASignatureFormat.IeeeP1363FixedFieldConcatenation;
        }
    }
}
