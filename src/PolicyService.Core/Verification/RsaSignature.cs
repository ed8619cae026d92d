using System.Security.Cryptography;

namespace PolicyService.Core.Verification;

/// <summary>RSA over a hash: PKCS#1 v1.5, or PSS with MGF1 over the same hash and a salt as long as the hash.</summary>
public static class RsaSignature
{
    public static bool VerifyPkcs1(RSA key, HashAlgorithmName hashName, ReadOnlySpan<byte> hash, ReadOnlySpan<byte> signature) =>
        Verify(key, hashName, hash, signature, RSASignaturePadding.Pkcs1);

    public static bool VerifyPss(RSA key, HashAlgorithmName hashName, ReadOnlySpan<byte> hash, ReadOnlySpan<byte> signature) =>
        Verify(key, hashName, hash, signature, RSASignaturePadding.Pss);

    // RFC 8017 asks for a signature of exactly the modulus' length; some libraries take leading zeros more or fewer.
    private static bool Verify(
        RSA key, HashAlgorithmName hashName, ReadOnlySpan<byte> hash, ReadOnlySpan<byte> signature, RSASignaturePadding padding) =>
        signature.Length == (key.KeySize + 7) / 8 && key.VerifyHash(hash, signature, hashName, padding);
}
