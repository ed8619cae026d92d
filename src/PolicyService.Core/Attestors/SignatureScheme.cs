using System.Security.Cryptography;

namespace PolicyService.Core.Attestors;

/// <summary>What a key is, as its SubjectPublicKeyInfo says.</summary>
internal enum KeyKind { Unspecified = 0, Rsa, EcdsaP256, EcdsaP384, EcdsaP521, Ed25519 }

/// <summary>What an algorithm asks of a key, and how it verifies. Ed25519 hashes by itself and has no <see cref="Hash"/>.</summary>
internal sealed record SignatureScheme(KeyKind Kind, HashAlgorithmName Hash = default, int ModulusBits = 0, RSASignaturePadding? Padding = null)
{
    public static SignatureScheme? Of(SignatureAlgorithm algorithm) => algorithm switch
    {
        SignatureAlgorithm.RsaPss2048Sha256 => Rsa(2048, HashAlgorithmName.SHA256, RSASignaturePadding.Pss),
        SignatureAlgorithm.RsaPss3072Sha256 => Rsa(3072, HashAlgorithmName.SHA256, RSASignaturePadding.Pss),
        SignatureAlgorithm.RsaPss4096Sha256 => Rsa(4096, HashAlgorithmName.SHA256, RSASignaturePadding.Pss),
        SignatureAlgorithm.RsaPss4096Sha512 => Rsa(4096, HashAlgorithmName.SHA512, RSASignaturePadding.Pss),
        SignatureAlgorithm.RsaPkcs1With2048Sha256 => Rsa(2048, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
        SignatureAlgorithm.RsaPkcs1With3072Sha256 => Rsa(3072, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
        SignatureAlgorithm.RsaPkcs1With4096Sha256 => Rsa(4096, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
        SignatureAlgorithm.RsaPkcs1With4096Sha512 => Rsa(4096, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1),
        SignatureAlgorithm.EcdsaP256Sha256 => new(KeyKind.EcdsaP256, HashAlgorithmName.SHA256),
        SignatureAlgorithm.EcdsaP384Sha384 => new(KeyKind.EcdsaP384, HashAlgorithmName.SHA384),
        SignatureAlgorithm.EcdsaP521Sha512 => new(KeyKind.EcdsaP521, HashAlgorithmName.SHA512),
        SignatureAlgorithm.Ed25519 => new(KeyKind.Ed25519),
        _ => null,
    };

    private static SignatureScheme Rsa(int bits, HashAlgorithmName hash, RSASignaturePadding padding) => new(KeyKind.Rsa, hash, bits, padding);
}
