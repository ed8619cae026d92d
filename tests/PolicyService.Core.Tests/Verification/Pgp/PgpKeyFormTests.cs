using System.Security.Cryptography;
using PolicyService.Core.Verification.Pgp;
using static PolicyService.Core.Tests.Verification.Pgp.PgpForge;
using static PolicyService.Core.Tests.Verification.Pgp.PgpJudge;

namespace PolicyService.Core.Tests.Verification.Pgp;

/// <summary>Keys whose numbers are sound, in a size or a form that is not taken.</summary>
[Trait("attack", "52")]
public sealed class PgpKeyFormTests
{
    private static readonly byte[] Start = [4, .. PgpForge.Bytes(KeyTime)];
    private static readonly byte[] P256 = [19, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    private static readonly byte[] Edwards25519 = [22, 9, 0x2b, 6, 1, 4, 1, 0xda, 0x47, 0x0f, 1];
    private static readonly byte[] Point = Convert.FromHexString("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"); // RFC 8032, section 7.1

    [Fact]
    public void Rsa_key_of_more_than_8192_bits_is_unusable()
    {
        byte[] exponent = [0, 17, 1, 0, 1];

        Assert.Contains("has 8193 bits", Refused([.. Start, 1, .. Number([1, .. new byte[1023], 1]), .. exponent]), StringComparison.Ordinal);
        Assert.Contains("no valid signature", Refused([.. Start, 1, .. Number([0x80, .. new byte[1022], 1]), .. exponent]), StringComparison.Ordinal);
    }

    [Fact]
    public void Rsa_exponent_of_more_than_64_bits_is_unusable()
    {
        byte[] modulus = Number([0x80, .. new byte[254], 1]);

        Assert.Contains("exponent", Refused([.. Start, 1, .. modulus, .. Number([1, .. new byte[7], 1])]), StringComparison.Ordinal);
        Assert.Contains("no valid signature", Refused([.. Start, 1, .. modulus, .. Number([0x80, .. new byte[6], 1])]), StringComparison.Ordinal);
    }

    [Fact]
    public void Point_of_ecdsa_in_another_form_is_unusable()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var point = key.ExportParameters(false).Q;
        byte[] numbers = [.. point.X!, .. point.Y!];

        Assert.Contains("no valid signature", Refused([.. Start, .. P256, .. Number([4, .. numbers])]), StringComparison.Ordinal);
        Assert.All<byte[]>(
            [[(byte)(6 | (point.Y![^1] & 1)), .. numbers], [5, .. numbers], [4, .. numbers, 0], [4, .. numbers[..^1]], [(byte)(2 | (point.Y![^1] & 1)), .. point.X!]],
            form => Assert.Contains("not an uncompressed point", Refused([.. Start, .. P256, .. Number(form)]), StringComparison.Ordinal));
    }

    [Fact]
    public void Point_of_eddsa_in_another_form_or_on_another_curve_is_unusable()
    {
        byte[] curve25519 = [22, 10, 0x2b, 6, 1, 4, 1, 0x97, 0x55, 1, 5, 1];

        Assert.Contains("no valid signature", Refused([.. Start, .. Edwards25519, .. Number([0x40, .. Point])]), StringComparison.Ordinal);
        Assert.Contains("not a point on Ed25519", Refused([.. Start, .. Edwards25519, .. Number([0x41, .. Point])]), StringComparison.Ordinal);
        Assert.Contains("not a point on Ed25519", Refused([.. Start, .. curve25519, .. Number([0x40, .. Point])]), StringComparison.Ordinal);
    }

    /// <summary>The form is what is judged: of a good one only the key's own signature is missed.</summary>
    private static string Refused(byte[] body) => Problem(Block([Packet(PgpTag.PublicKey, body), User]));
}
