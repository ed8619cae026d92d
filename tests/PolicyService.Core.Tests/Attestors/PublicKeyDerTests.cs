using System.Numerics;
using System.Security.Cryptography;
using PolicyService.Core.Attestors;

namespace PolicyService.Core.Tests.Attestors;

/// <summary>The key inside the text: only a sound key, spelled in one way, that fits its declared algorithm.</summary>
public sealed class PublicKeyDerTests
{
    private const string P256 = "1.2.840.10045.3.1.7";
    private const string P521 = "1.3.132.0.35";
    private static readonly BigInteger P521Prime = BigInteger.Pow(2, 521) - 1;
    private static readonly BigInteger Ed25519Prime = BigInteger.Pow(2, 255) - 19;

    public static TheoryData<string, SignatureAlgorithm, string, string> Unsound
    {
        get
        {
            var rsa = TestKey.RsaKey(2048).ExportParameters(false);
            var modulus = new BigInteger(rsa.Modulus, isUnsigned: true, isBigEndian: true);
            var small = new BigInteger(RSA.Create(1024).ExportParameters(false).Modulus, isUnsigned: true, isBigEndian: true);
            return new()
            {
                { "exponent 1", SignatureAlgorithm.RsaPkcs1With2048Sha256, TestKey.RsaPem(modulus, 1), "exponent is below 65537 or even" },
                { "exponent 3", SignatureAlgorithm.RsaPkcs1With2048Sha256, TestKey.RsaPem(modulus, 3), "exponent is below 65537 or even" },
                { "exponent 65535", SignatureAlgorithm.RsaPss2048Sha256, TestKey.RsaPem(modulus, 65535), "exponent is below 65537 or even" },
                { "even exponent", SignatureAlgorithm.RsaPss2048Sha256, TestKey.RsaPem(modulus, 65538), "exponent is below 65537 or even" },
                { "negative exponent", SignatureAlgorithm.RsaPss2048Sha256, TestKey.RsaPem(modulus, -65537), "exponent is below 65537 or even" },
                { "wide exponent", SignatureAlgorithm.RsaPss2048Sha256, TestKey.RsaPem(modulus, BigInteger.Pow(2, 64) + 1), "more than 64 bits" },
                { "even modulus", SignatureAlgorithm.RsaPss2048Sha256, TestKey.RsaPem(modulus - 1, 65537), "modulus is even" },
                { "negative modulus", SignatureAlgorithm.RsaPss2048Sha256, TestKey.RsaPem(-modulus, 65537), "modulus is negative" },
                { "1024 bits", SignatureAlgorithm.RsaPkcs1With2048Sha256, TestKey.RsaPem(small, 65537), "has 1024 bits" },
                { "2047 bits", SignatureAlgorithm.RsaPss2048Sha256, TestKey.RsaPem((modulus >> 1) | 1, 65537), "has 2047 bits" },
                { "2049 bits", SignatureAlgorithm.RsaPss2048Sha256, TestKey.RsaPem((modulus << 1) | 1, 65537), "has 2049 bits" },
                { "off the curve", SignatureAlgorithm.EcdsaP256Sha256, TestKey.EcPem(P256, OffCurve()), "does not lie on the curve" },
                { "zero point", SignatureAlgorithm.EcdsaP256Sha256, TestKey.EcPem(P256, [4, .. new byte[64]]), "does not lie on the curve" },
                { "coordinate above the prime", SignatureAlgorithm.EcdsaP521Sha512, TestKey.EcPem(P521, AbovePrime()), "does not lie on the curve" },
                { "compressed point", SignatureAlgorithm.EcdsaP256Sha256, TestKey.EcPem(P256, [3, .. new byte[32]]), "uncompressed" },
                { "hybrid point", SignatureAlgorithm.EcdsaP256Sha256, TestKey.EcPem(P256, [6, .. OffCurve()[1..]]), "uncompressed" },
                { "point at infinity", SignatureAlgorithm.EcdsaP256Sha256, TestKey.EcPem(P256, [0]), "uncompressed" },
                { "no point", SignatureAlgorithm.EcdsaP256Sha256, TestKey.EcPem(P256, []), "uncompressed" },
                { "long point", SignatureAlgorithm.EcdsaP256Sha256, TestKey.EcPem(P256, [4, .. new byte[65]]), "uncompressed" },
                { "Ed25519 identity", SignatureAlgorithm.Ed25519, Ed25519(1), "small order" },
                { "Ed25519 order 2", SignatureAlgorithm.Ed25519, Ed25519(Ed25519Prime - 1), "small order" },
                { "Ed25519 order 4", SignatureAlgorithm.Ed25519, Ed25519(0), "small order" },
                { "Ed25519 order 8", SignatureAlgorithm.Ed25519, TestKey.Ed25519Pem(Convert.FromHexString(Order8)), "small order" },
                { "Ed25519 part of small order", SignatureAlgorithm.Ed25519, WithPartOfSmallOrder(), "small order" },
                { "Ed25519 above the prime", SignatureAlgorithm.Ed25519, Ed25519(Ed25519Prime + 3), "malformed" },
                { "Ed25519 off the curve", SignatureAlgorithm.Ed25519, Ed25519(2), "malformed" },
            };
        }
    }

    public static TheoryData<string, SignatureAlgorithm, byte[], string> OtherSpellings
    {
        get
        {
            const string der = "strict DER";
            const string kind = "no kind that is verified here";
            var point = TestKey.Der(TestKey.Of(SignatureAlgorithm.EcdsaP256Sha256).Pem)[^65..];
            var ec = Tlv(0x30, [.. EcOid, .. P256Oid]);
            var bits = Tlv(3, [0, .. point]);
            byte[] content = [.. ec, .. bits];
            var rsaKey = TestKey.RsaKey(2048).ExportRSAPublicKey();
            var rsa = Tlv(0x30, [.. RsaOid, 5, 0]);
            var numbers = rsaKey[4..];
            byte[] padded = [.. numbers[..^5], 2, 4, 0, 1, 0, 1];
            return new()
            {
                { "byte behind", SignatureAlgorithm.EcdsaP256Sha256, [.. Tlv(0x30, content), 0], der },
                { "byte missing", SignatureAlgorithm.EcdsaP256Sha256, Tlv(0x30, content)[..^1], der },
                { "long form of a short length", SignatureAlgorithm.EcdsaP256Sha256, [0x30, 0x81, .. Tlv(0x30, content)[1..]], der },
                { "indefinite length", SignatureAlgorithm.EcdsaP256Sha256, [0x30, 0x80, .. content, 0, 0], der },
                { "third field", SignatureAlgorithm.EcdsaP256Sha256, Tlv(0x30, [.. content, 5, 0]), der },
                { "unused bits", SignatureAlgorithm.EcdsaP256Sha256, Tlv(0x30, [.. ec, .. Tlv(3, [7, .. point[..^1], 0x80])]), "not whole bytes" },
                { "octet string", SignatureAlgorithm.EcdsaP256Sha256, Tlv(0x30, [.. ec, .. Tlv(4, point)]), der },
                { "explicit curve", SignatureAlgorithm.EcdsaP256Sha256, Tlv(0x30, [.. Tlv(0x30, [.. EcOid, 0x30, 0]), .. bits]), kind },
                { "no curve", SignatureAlgorithm.EcdsaP256Sha256, Tlv(0x30, [.. Tlv(0x30, EcOid), .. bits]), kind },
                { "NULL behind the curve", SignatureAlgorithm.EcdsaP256Sha256, Tlv(0x30, [.. Tlv(0x30, [.. EcOid, .. P256Oid, 5, 0]), .. bits]), kind },
                { "other curve (secp256k1)", SignatureAlgorithm.EcdsaP256Sha256, TestKey.Der(TestKey.EcPem("1.3.132.0.10", point)), kind },
                { "RSA without NULL", SignatureAlgorithm.RsaPss2048Sha256, Tlv(0x30, [.. Tlv(0x30, RsaOid), .. Tlv(3, [0, .. rsaKey])]), kind },
                { "id-RSASSA-PSS", SignatureAlgorithm.RsaPss2048Sha256, Tlv(0x30, [.. Tlv(0x30, [.. RsaOid[..^1], 10]), .. Tlv(3, [0, .. rsaKey])]), kind },
                { "long form in an RSA key", SignatureAlgorithm.RsaPss2048Sha256, Tlv(0x30, [.. rsa, .. Tlv(3, [0, 0x30, 0x83, 0, .. rsaKey[2..]])]), der },
                { "byte behind an RSA key", SignatureAlgorithm.RsaPss2048Sha256, Tlv(0x30, [.. rsa, .. Tlv(3, [0, .. rsaKey, 0])]), der },
                { "third RSA number", SignatureAlgorithm.RsaPss2048Sha256, Tlv(0x30, [.. rsa, .. Tlv(3, [0, .. Tlv(0x30, [.. numbers, 2, 1, 1])])]), der },
                { "padded RSA exponent", SignatureAlgorithm.RsaPss2048Sha256, Tlv(0x30, [.. rsa, .. Tlv(3, [0, .. Tlv(0x30, padded)])]), der },
                { "Ed25519 with NULL", SignatureAlgorithm.Ed25519, Tlv(0x30, [.. Tlv(0x30, [.. Ed25519Oid, 5, 0]), .. Tlv(3, new byte[33])]), kind },
                { "Ed25519 point too long", SignatureAlgorithm.Ed25519, Tlv(0x30, [.. Tlv(0x30, Ed25519Oid), .. Tlv(3, new byte[34])]), "malformed" },
                { "Ed25519 point too short", SignatureAlgorithm.Ed25519, Tlv(0x30, [.. Tlv(0x30, Ed25519Oid), .. Tlv(3, new byte[32])]), "malformed" },
                { "Ed448", SignatureAlgorithm.Ed25519, Tlv(0x30, [.. Tlv(0x30, [.. Ed25519Oid[..^1], 0x71]), .. Tlv(3, new byte[58])]), kind },
                { "another type", SignatureAlgorithm.Ed25519, [5, 0], der },
            };
        }
    }

    private static byte[] RsaOid => [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];

    private static byte[] EcOid => [6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];

    private static byte[] P256Oid => [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];

    private static byte[] Ed25519Oid => [6, 3, 0x2b, 0x65, 0x70];

    private static string Order8 => "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05";

    [Theory, MemberData(nameof(Unsound)), Trait("attack", "52")]
    public void TryReadPem_rejects_unsound_keys(string name, SignatureAlgorithm algorithm, string pem, string want)
    {
        Assert.False(PublicKey.TryReadPem(pem, algorithm, out var key, out var problem), name);

        Assert.Null(key);
        Assert.Contains(want, problem, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(OtherSpellings)), Trait("attack", "52")]
    public void TryReadPem_rejects_every_other_spelling(string name, SignatureAlgorithm algorithm, byte[] der, string want)
    {
        Assert.False(PublicKey.TryReadPem(Pem(der), algorithm, out var key, out var problem), name);

        Assert.Null(key);
        Assert.Contains(want, problem, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(TestKey.Algorithms), MemberType = typeof(TestKey)), Trait("attack", "51")]
    public void Key_is_read_under_its_own_algorithm_only(SignatureAlgorithm algorithm)
    {
        var pem = TestKey.Of(algorithm).Pem;
        foreach (var declared in Enum.GetValues<SignatureAlgorithm>())
        {
            var read = PublicKey.TryReadPem(pem, declared, out var key, out var problem);

            Assert.Equal(Fits(algorithm, declared), read);
            Assert.Equal(read ? declared : null, key?.Algorithm);
            Assert.Equal(read, problem is null);
        }
    }

    [Fact, Trait("attack", "51")]
    public void TryReadPem_takes_no_key_without_a_declared_algorithm()
    {
        Assert.False(PublicKey.TryReadPem(TestKey.Of(SignatureAlgorithm.Ed25519).Pem, SignatureAlgorithm.Unspecified, out var _, out var problem));
        Assert.Contains("no signature algorithm is declared", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void TryReadPem_takes_the_widest_exponent() =>
        Assert.True(PublicKey.TryReadPem(
            TestKey.RsaPem(new BigInteger(TestKey.RsaKey(2048).ExportParameters(false).Modulus, isUnsigned: true, isBigEndian: true), ulong.MaxValue),
            SignatureAlgorithm.RsaPss2048Sha256,
            out var _,
            out var _));

    // The same RSA key may be declared for PSS or PKCS#1 and either hash; everything else about the key is fixed.
    private static bool Fits(SignatureAlgorithm key, SignatureAlgorithm declared) =>
        key == declared || (RsaBits(key) is { } bits && bits == RsaBits(declared));

    private static string? RsaBits(SignatureAlgorithm algorithm) =>
        algorithm is SignatureAlgorithm.Unspecified ? null
        : SignatureAlgorithms.Name(algorithm).Split('_') is ["RSA", .., var bits, _] ? bits
        : null;

    private static string Pem(byte[] der) => PemEncoding.WriteString("PUBLIC KEY", der);

    private static byte[] Tlv(byte tag, params byte[] content) => content.Length switch
    {
        < 128 => [tag, (byte)content.Length, .. content],
        < 256 => [tag, 0x81, (byte)content.Length, .. content],
        _ => [tag, 0x82, (byte)(content.Length >> 8), (byte)content.Length, .. content],
    };

    private static byte[] OffCurve()
    {
        var point = TestKey.Der(TestKey.Of(SignatureAlgorithm.EcdsaP256Sha256).Pem)[^65..];
        point[^1] ^= 1;
        return point;
    }

    // The same point, its x spelled as x + p: a second fingerprint for one key.
    private static byte[] AbovePrime()
    {
        var point = TestKey.Der(TestKey.Of(SignatureAlgorithm.EcdsaP521Sha512).Pem)[^133..];
        var x = new BigInteger(point.AsSpan(1, 66), isUnsigned: true, isBigEndian: true) + P521Prime;
        return [4, .. x.ToByteArray(isUnsigned: true, isBigEndian: true), .. point[67..]];
    }

    private static string Ed25519(BigInteger y)
    {
        var point = new byte[32];
        Assert.True(y.TryWriteBytes(point, out _, isUnsigned: true));
        return TestKey.Ed25519Pem(point);
    }

    // An honest point plus the point of order 2: (x, y) + (0, -1) = (-x, -y).
    private static string WithPartOfSmallOrder()
    {
        var point = TestKey.Der(TestKey.Of(SignatureAlgorithm.Ed25519).Pem)[^32..];
        var isNegative = (point[31] & 0x80) != 0;
        point[31] &= 0x7f;
        var y = Ed25519Prime - new BigInteger(point, isUnsigned: true);
        point.AsSpan().Clear();
        Assert.True(y.TryWriteBytes(point, out _, isUnsigned: true));
        point[31] |= (byte)(isNegative ? 0 : 0x80);
        return TestKey.Ed25519Pem(point);
    }
}
