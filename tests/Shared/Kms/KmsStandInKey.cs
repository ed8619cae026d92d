using System.Security.Cryptography;

namespace PolicyService.Tests.Kms;

/// <summary>One key version of the stand-in.</summary>
public sealed class KmsStandInKey
{
    private readonly AsymmetricAlgorithm _key;

    public KmsStandInKey(string algorithm)
    {
        Algorithm = algorithm;
        _key = algorithm switch
        {
            "EC_SIGN_P256_SHA256" => ECDsa.Create(ECCurve.NamedCurves.nistP256),
            "EC_SIGN_P384_SHA384" => ECDsa.Create(ECCurve.NamedCurves.nistP384),
            _ => RSA.Create(algorithm.Contains("4096", StringComparison.Ordinal) ? 4096 : algorithm.Contains("3072", StringComparison.Ordinal) ? 3072 : 2048),
        };
    }

    public string Algorithm { get; }

    /// <summary>What <c>GetCryptoKeyVersion</c> says.</summary>
    public string State { get; set; } = "ENABLED";

    public string Pem => _key.ExportSubjectPublicKeyInfoPem() + "\n";

    /// <summary>As a pin has it.</summary>
    public string Pin => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(_key.ExportSubjectPublicKeyInfo()))}";

    public string Hash => Algorithm[(Algorithm.LastIndexOf('_') + 1)..].ToLowerInvariant();

    public string PrivatePem => _key.ExportPkcs8PrivateKeyPem();

    /// <summary>What an attestor's key of this version signs over a payload.</summary>
    public byte[] SignData(byte[] data) => SignDigest(CryptographicOperations.HashData(HashName, data));

    public byte[] SignDigest(byte[] digest) => _key switch
    {
        ECDsa ecdsa => ecdsa.SignHash(digest, DSASignatureFormat.Rfc3279DerSequence),
        RSA rsa => rsa.SignHash(digest, HashName, Algorithm.Contains("PSS", StringComparison.Ordinal) ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1),
        _ => throw new InvalidOperationException(Algorithm),
    };

    private HashAlgorithmName HashName => Hash switch { "sha384" => HashAlgorithmName.SHA384, "sha512" => HashAlgorithmName.SHA512, _ => HashAlgorithmName.SHA256 };
}
