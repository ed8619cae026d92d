using System.Numerics;
using Org.BouncyCastle.Math.EC.Rfc8032;
using PolicyService.Core.Verification;

namespace PolicyService.Core.Tests.Verification;

[Trait("attack", "52")]
public sealed class Ed25519SignatureTests
{
    // RFC 8032 section 7.1, test 2
    private static readonly byte[] Key = Convert.FromHexString("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    private static readonly byte[] Message = [0x72];
    private static readonly byte[] Signature = Convert.FromHexString(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");

    [Fact]
    public void Verify_accepts_the_signature_of_the_standard()
    {
        Assert.True(Ed25519Signature.Verify(Point(), Message, Signature));
        Assert.False(Ed25519Signature.Verify(Point(), [0x73], Signature));
    }

    [Fact]
    public void Verify_refuses_every_changed_bit()
    {
        for (var bit = 0; bit < 8 * Signature.Length; bit++)
        {
            byte[] changed = [.. Signature];
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(Ed25519Signature.Verify(Point(), Message, changed), $"bit {bit}");
        }
    }

    [Fact]
    public void Verify_refuses_the_same_signature_with_the_order_added()
    {
        var order = BigInteger.Pow(2, 252) + BigInteger.Parse("27742317777372353535851937790883648493", System.Globalization.CultureInfo.InvariantCulture);
        var s = new BigInteger(Signature.AsSpan(32), isUnsigned: true) + order;
        var changed = new byte[64];
        Signature.AsSpan(0, 32).CopyTo(changed);
        Assert.True(s.TryWriteBytes(changed.AsSpan(32), out _, isUnsigned: true));

        Assert.False(Ed25519Signature.Verify(Point(), Message, changed));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(63)]
    [InlineData(65)]
    [InlineData(16 * 1024)]
    public void Verify_refuses_other_lengths(int length)
    {
        var changed = new byte[length];
        Signature.AsSpan(0, Math.Min(64, length)).CopyTo(changed);

        Assert.False(Ed25519Signature.Verify(Point(), Message, changed));
    }

    [Fact]
    public void ReadKey_refuses_other_lengths()
    {
        Assert.Null(Ed25519Signature.ReadKey([]));
        Assert.Null(Ed25519Signature.ReadKey(Key.AsSpan()[..31]));
        Assert.Null(Ed25519Signature.ReadKey([.. Key, 0]));
    }

    private static Ed25519.PublicPoint Point() => Ed25519Signature.ReadKey(Key)!;
}
