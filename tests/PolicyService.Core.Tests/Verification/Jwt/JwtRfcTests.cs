using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using PolicyService.Core.Attestors;
using PolicyService.Core.Tests.Attestors;

namespace PolicyService.Core.Tests.Verification.Jwt;

/// <summary>The example signatures of RFC 7515 (appendix A) and RFC 8037 (appendix A), with the keys they are made with.</summary>
public sealed class JwtRfcTests
{
    private const string Es256Input = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    private const string Es256Signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    private const string Es512Input = "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA";
    private const string Es512Signature = "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn";
    private const string EdInput = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    private const string EdSignature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

    [Fact]
    public void Example_of_ES256_verifies() => AssertExample(
        Ec(ECCurve.NamedCurves.nistP256, "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
        SignatureAlgorithm.EcdsaP256Sha256,
        Es256Input,
        Es256Signature);

    [Fact]
    public void Example_of_ES512_verifies() => AssertExample(
        Ec(
            ECCurve.NamedCurves.nistP521,
            "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
            "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"),
        SignatureAlgorithm.EcdsaP521Sha512,
        Es512Input,
        Es512Signature);

    [Fact]
    public void Example_of_EdDSA_verifies() => AssertExample(
        TestKey.Ed25519Pem(Base64Url.DecodeFromChars("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")), SignatureAlgorithm.Ed25519, EdInput, EdSignature);

    private static void AssertExample(string pem, SignatureAlgorithm algorithm, string input, string signature)
    {
        Assert.True(PublicKey.TryReadPem(pem, algorithm, out var key, out var problem), problem);
        var (data, bytes) = (Encoding.ASCII.GetBytes(input), Base64Url.DecodeFromChars(signature));

        Assert.True(key.VerifyJws(data, bytes));
        for (var index = 0; index < bytes.Length; index++)
        {
            var flipped = bytes.ToArray();
            flipped[index] ^= 1;
            Assert.False(key.VerifyJws(data, flipped));
        }

        Assert.False(key.VerifyJws(data.AsSpan(1), bytes));
        Assert.False(key.VerifyJws(data, bytes.AsSpan(1)));
        Assert.False(key.VerifyJws(data, [.. bytes, 0]));
    }

    private static string Ec(ECCurve curve, string x, string y)
    {
        using var key = ECDsa.Create(new ECParameters { Curve = curve, Q = new ECPoint { X = Base64Url.DecodeFromChars(x), Y = Base64Url.DecodeFromChars(y) } });
        return key.ExportSubjectPublicKeyInfoPem();
    }
}
