using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Policies;
using PolicyService.Core.Tests.Attestors;
using PolicyService.Core.Verification;

namespace PolicyService.Core.Tests.Verification.Jwt;

/// <summary>JWTs as signers make them, and as attackers would.</summary>
internal static class TestJwt
{
    public const string Critical =
        """
        "critical":{"identity":{"docker-reference":"registry.example.com/acme/api"},"image":{"docker-manifest-digest":"sha256:14c2529eb4498c5d1ffd6915d05bf58a91bdda796af59f41d480d11c099d0479"},"type":"Google cloud binauthz container signature"}
        """;

    public const string Claims = "{" + Critical + "}";

    /// <summary>The algorithm a JWT must name, for each algorithm of an attestor's key.</summary>
    public static string NameOf(SignatureAlgorithm algorithm) => algorithm switch
    {
        SignatureAlgorithm.EcdsaP256Sha256 => "ES256",
        SignatureAlgorithm.EcdsaP384Sha384 => "ES384",
        SignatureAlgorithm.EcdsaP521Sha512 => "ES512",
        SignatureAlgorithm.Ed25519 => "EdDSA",
        SignatureAlgorithm.RsaPkcs1With4096Sha512 => "RS512",
        SignatureAlgorithm.RsaPss4096Sha512 => "PS512",
        var rsa => $"{rsa}".Contains("Pss", StringComparison.Ordinal) ? "PS256" : "RS256",
    };

    public static string Header(SignatureAlgorithm algorithm, string kid = "k") => $$"""{"alg":"{{NameOf(algorithm)}}","kid":"{{kid}}","typ":"JWT"}""";

    public static byte[] Make(TestKey key, string? header = null, string claims = Claims)
    {
        var input = $"{Part(header ?? Header(key.Algorithm))}.{Part(claims)}";
        return Encoding.ASCII.GetBytes($"{input}.{Base64Url.EncodeToString(Sign(key, Encoding.ASCII.GetBytes(input)))}");
    }

    public static string Part(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));

    public static VerificationResult Verify(VerificationKey key, byte[] token, string kid = "k")
    {
        Assert.True(KeyId.TryParse(kid, out var id));
        var signature = new AttestationSignature(id, token, SignatureFormat.Jwt);
        return AttestationVerifier.VerifySignature(key, new Attestation([], [signature]) { Source = EvidenceSource.Grafeas }, signature);
    }

    public static VerificationResult Verify(TestKey key, byte[] token, string kid = "k") => Verify(key.Read(), token, kid);

    /// <summary>The signature as a JWS has it: of ECDSA the two numbers, each in the width of the curve.</summary>
    public static byte[] Sign(TestKey key, byte[] input)
    {
        var signature = key.Sign(input);
        var width = key.Algorithm switch
        {
            SignatureAlgorithm.EcdsaP256Sha256 => 32,
            SignatureAlgorithm.EcdsaP384Sha384 => 48,
            SignatureAlgorithm.EcdsaP521Sha512 => 66,
            _ => 0,
        };
        if (width == 0)
        {
            return signature;
        }

        var reader = new System.Formats.Asn1.AsnReader(signature, System.Formats.Asn1.AsnEncodingRules.DER).ReadSequence();
        var numbers = new byte[2 * width];
        for (var index = 1; index <= 2; index++)
        {
            var number = reader.ReadInteger().ToByteArray(isUnsigned: true, isBigEndian: true);
            number.CopyTo(numbers, (index * width) - number.Length);
        }

        return numbers;
    }

    /// <summary>An HMAC with the public key as secret: what a confused library takes for a signature.</summary>
    public static byte[] MakeHmac(byte[] secret, string header)
    {
        var input = $"{Part(header)}.{Part(Claims)}";
        return Encoding.ASCII.GetBytes($"{input}.{Base64Url.EncodeToString(HMACSHA256.HashData(secret, Encoding.ASCII.GetBytes(input)))}");
    }
}
