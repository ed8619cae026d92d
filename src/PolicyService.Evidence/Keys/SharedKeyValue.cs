using System.Text;
using PolicyService.Core.Attestors;
using PolicyService.Core.Images;
using PolicyService.Evidence.Caching;

namespace PolicyService.Evidence.Keys;

/// <summary>A public key as replicas share it: the algorithm's name, a line end, the PEM.</summary>
internal static class SharedKeyValue
{
    /// <summary>More is no key.</summary>
    private const int MaxBytes = 8 * 1024;

    public static CacheKey KeyOf(KmsKeyName name, Digest pin) => CacheKey.Of("key", name.Resource, pin.ToString());

    public static byte[] Write(PublicKey key) =>
        Encoding.UTF8.GetBytes($"{SignatureAlgorithms.Name(key.Algorithm)}\n{System.Security.Cryptography.PemEncoding.WriteString("PUBLIC KEY", key.SubjectPublicKeyInfo.Span)}");

    /// <summary>
    /// The key, if it is the pinned one. The pin does not cover the algorithm, and an RSA key under another padding is another lock for
    /// the same key: so the algorithm counts only where the key leaves no choice, the document declares it, or a replica vouches for the
    /// value.
    /// </summary>
    public static PublicKey? Read(SharedValue value, Digest pin, SignatureAlgorithm declared)
    {
        if (value.Content.Length > MaxBytes
            || Encoding.UTF8.GetString(value.Content.Span).Split('\n', 2) is not [var name, var pem]
            || !SignatureAlgorithms.TryParse(name, out var algorithm)
            || !PublicKey.TryReadPem(pem, algorithm, out var key, out _)
            || key.Fingerprint != pin)
        {
            return null;
        }

        return declared is SignatureAlgorithm.Unspecified
            ? value.IsAuthenticated || IsImplied(algorithm) ? key : null
            : declared == algorithm ? key : null;
    }

    /// <summary>A curve has one algorithm; which key it is, and so which curve, the pin says.</summary>
    private static bool IsImplied(SignatureAlgorithm algorithm) => algorithm
        is SignatureAlgorithm.EcdsaP256Sha256 or SignatureAlgorithm.EcdsaP384Sha384 or SignatureAlgorithm.EcdsaP521Sha512 or SignatureAlgorithm.Ed25519;
}
