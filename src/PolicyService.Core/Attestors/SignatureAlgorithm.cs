using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;

namespace PolicyService.Core.Attestors;

/// <summary>How an attestor's key signs. The declared algorithm is part of the trust in a key: it is never guessed or re-mapped.</summary>
public enum SignatureAlgorithm
{
    /// <summary>Not declared; no key can be read under it.</summary>
    Unspecified = 0,
    RsaPss2048Sha256,
    RsaPss3072Sha256,
    RsaPss4096Sha256,
    RsaPss4096Sha512,
    RsaPkcs1With2048Sha256,
    RsaPkcs1With3072Sha256,
    RsaPkcs1With4096Sha256,
    RsaPkcs1With4096Sha512,
    EcdsaP256Sha256,
    EcdsaP384Sha384,
    EcdsaP521Sha512,
    Ed25519,
}

/// <summary>The names of signature algorithms in Binary Authorization documents; ordinal, case-sensitive.</summary>
public static class SignatureAlgorithms
{
    // The first name of an algorithm is the one we write; the others are aliases (KMS names) that we read.
    private static readonly (SignatureAlgorithm Algorithm, string Name)[] Names =
    [
        (SignatureAlgorithm.RsaPss2048Sha256, "RSA_PSS_2048_SHA256"),
        (SignatureAlgorithm.RsaPss2048Sha256, "RSA_SIGN_PSS_2048_SHA256"),
        (SignatureAlgorithm.RsaPss3072Sha256, "RSA_PSS_3072_SHA256"),
        (SignatureAlgorithm.RsaPss3072Sha256, "RSA_SIGN_PSS_3072_SHA256"),
        (SignatureAlgorithm.RsaPss4096Sha256, "RSA_PSS_4096_SHA256"),
        (SignatureAlgorithm.RsaPss4096Sha256, "RSA_SIGN_PSS_4096_SHA256"),
        (SignatureAlgorithm.RsaPss4096Sha512, "RSA_PSS_4096_SHA512"),
        (SignatureAlgorithm.RsaPss4096Sha512, "RSA_SIGN_PSS_4096_SHA512"),
        (SignatureAlgorithm.RsaPkcs1With2048Sha256, "RSA_SIGN_PKCS1_2048_SHA256"),
        (SignatureAlgorithm.RsaPkcs1With3072Sha256, "RSA_SIGN_PKCS1_3072_SHA256"),
        (SignatureAlgorithm.RsaPkcs1With4096Sha256, "RSA_SIGN_PKCS1_4096_SHA256"),
        (SignatureAlgorithm.RsaPkcs1With4096Sha512, "RSA_SIGN_PKCS1_4096_SHA512"),
        (SignatureAlgorithm.EcdsaP256Sha256, "ECDSA_P256_SHA256"),
        (SignatureAlgorithm.EcdsaP256Sha256, "EC_SIGN_P256_SHA256"),
        (SignatureAlgorithm.EcdsaP384Sha384, "ECDSA_P384_SHA384"),
        (SignatureAlgorithm.EcdsaP384Sha384, "EC_SIGN_P384_SHA384"),
        (SignatureAlgorithm.EcdsaP521Sha512, "ECDSA_P521_SHA512"),
        (SignatureAlgorithm.EcdsaP521Sha512, "EC_SIGN_P521_SHA512"),
        (SignatureAlgorithm.Ed25519, "ED25519"),
        (SignatureAlgorithm.Ed25519, "EC_SIGN_ED25519"),
    ];

    private static readonly FrozenDictionary<string, SignatureAlgorithm> ByName =
        Names.ToFrozenDictionary(row => row.Name, row => row.Algorithm, StringComparer.Ordinal);

    private static readonly FrozenDictionary<SignatureAlgorithm, string> WrittenNames =
        Names.DistinctBy(row => row.Algorithm).ToFrozenDictionary(row => row.Algorithm, row => row.Name);

    /// <summary>Every name that is read.</summary>
    internal static IReadOnlyList<string> AllNames { get; } = [.. Names.Select(row => row.Name)];

    public static bool TryParse([NotNullWhen(true)] string? text, out SignatureAlgorithm algorithm)
    {
        algorithm = SignatureAlgorithm.Unspecified;
        return text is not null && ByName.TryGetValue(text, out algorithm);
    }

    /// <summary>The name we write. <see cref="SignatureAlgorithm.Unspecified"/> has none.</summary>
    public static string Name(SignatureAlgorithm algorithm) => WrittenNames.TryGetValue(algorithm, out var name)
        ? name
        : throw new ArgumentOutOfRangeException(nameof(algorithm), algorithm, "not a signature algorithm");
}
