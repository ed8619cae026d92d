using PolicyService.Core.Attestors;

namespace PolicyService.Core.Tests.Attestors;

public sealed class SignatureAlgorithmTests
{
    public static TheoryData<string, SignatureAlgorithm, string> Known => new()
    {
        { "RSA_PSS_2048_SHA256", SignatureAlgorithm.RsaPss2048Sha256, "RSA_PSS_2048_SHA256" },
        { "RSA_SIGN_PSS_2048_SHA256", SignatureAlgorithm.RsaPss2048Sha256, "RSA_PSS_2048_SHA256" },
        { "RSA_PSS_3072_SHA256", SignatureAlgorithm.RsaPss3072Sha256, "RSA_PSS_3072_SHA256" },
        { "RSA_SIGN_PSS_3072_SHA256", SignatureAlgorithm.RsaPss3072Sha256, "RSA_PSS_3072_SHA256" },
        { "RSA_PSS_4096_SHA256", SignatureAlgorithm.RsaPss4096Sha256, "RSA_PSS_4096_SHA256" },
        { "RSA_SIGN_PSS_4096_SHA256", SignatureAlgorithm.RsaPss4096Sha256, "RSA_PSS_4096_SHA256" },
        { "RSA_PSS_4096_SHA512", SignatureAlgorithm.RsaPss4096Sha512, "RSA_PSS_4096_SHA512" },
        { "RSA_SIGN_PSS_4096_SHA512", SignatureAlgorithm.RsaPss4096Sha512, "RSA_PSS_4096_SHA512" },
        { "RSA_SIGN_PKCS1_2048_SHA256", SignatureAlgorithm.RsaPkcs1With2048Sha256, "RSA_SIGN_PKCS1_2048_SHA256" },
        { "RSA_SIGN_PKCS1_3072_SHA256", SignatureAlgorithm.RsaPkcs1With3072Sha256, "RSA_SIGN_PKCS1_3072_SHA256" },
        { "RSA_SIGN_PKCS1_4096_SHA256", SignatureAlgorithm.RsaPkcs1With4096Sha256, "RSA_SIGN_PKCS1_4096_SHA256" },
        { "RSA_SIGN_PKCS1_4096_SHA512", SignatureAlgorithm.RsaPkcs1With4096Sha512, "RSA_SIGN_PKCS1_4096_SHA512" },
        { "ECDSA_P256_SHA256", SignatureAlgorithm.EcdsaP256Sha256, "ECDSA_P256_SHA256" },
        { "EC_SIGN_P256_SHA256", SignatureAlgorithm.EcdsaP256Sha256, "ECDSA_P256_SHA256" },
        { "ECDSA_P384_SHA384", SignatureAlgorithm.EcdsaP384Sha384, "ECDSA_P384_SHA384" },
        { "EC_SIGN_P384_SHA384", SignatureAlgorithm.EcdsaP384Sha384, "ECDSA_P384_SHA384" },
        { "ECDSA_P521_SHA512", SignatureAlgorithm.EcdsaP521Sha512, "ECDSA_P521_SHA512" },
        { "EC_SIGN_P521_SHA512", SignatureAlgorithm.EcdsaP521Sha512, "ECDSA_P521_SHA512" },
        { "ED25519", SignatureAlgorithm.Ed25519, "ED25519" },
        { "EC_SIGN_ED25519", SignatureAlgorithm.Ed25519, "ED25519" },
    };

    [Theory, MemberData(nameof(Known))]
    public void TryParse_reads_names_and_aliases(string text, SignatureAlgorithm want, string name)
    {
        Assert.True(SignatureAlgorithms.TryParse(text, out var algorithm));
        Assert.Equal(want, algorithm);
        Assert.Equal(name, SignatureAlgorithms.Name(algorithm));
    }

    [Theory]
    [InlineData("missing", null)]
    [InlineData("empty", "")]
    [InlineData("unspecified", "SIGNATURE_ALGORITHM_UNSPECIFIED")]
    [InlineData("lower case", "ecdsa_p256_sha256")]
    [InlineData("enum member name", "EcdsaP256Sha256")]
    [InlineData("number", "1")]
    [InlineData("trailing space", "ED25519 ")]
    [InlineData("alias of no algorithm", "RSA_PKCS1_2048_SHA256")]
    [InlineData("SHA-1", "RSA_SIGN_PKCS1_4096_SHA1")]
    [InlineData("unhashed PKCS#1", "RSA_SIGN_RAW_PKCS1_2048")]
    [InlineData("other curve", "EC_SIGN_SECP256K1_SHA256")]
    [InlineData("other hash", "ECDSA_P256_SHA512")]
    [InlineData("symmetric", "HMAC_SHA256")]
    public void TryParse_rejects(string name, string? text)
    {
        Assert.False(SignatureAlgorithms.TryParse(text, out var algorithm), name);
        Assert.Equal(SignatureAlgorithm.Unspecified, algorithm);
    }

    [Fact]
    public void Every_algorithm_has_a_name_and_a_scheme_and_unspecified_has_neither()
    {
        foreach (var algorithm in Enum.GetValues<SignatureAlgorithm>().Where(value => value is not SignatureAlgorithm.Unspecified))
        {
            Assert.True(SignatureAlgorithms.TryParse(SignatureAlgorithms.Name(algorithm), out var back));
            Assert.Equal(algorithm, back);
            Assert.NotNull(SignatureScheme.Of(algorithm));
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => SignatureAlgorithms.Name(SignatureAlgorithm.Unspecified));
        Assert.Null(SignatureScheme.Of(SignatureAlgorithm.Unspecified));
        Assert.Null(SignatureScheme.Of((SignatureAlgorithm)99));
    }
}
