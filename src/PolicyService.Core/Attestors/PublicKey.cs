using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Org.BouncyCastle.Math.EC.Rfc8032;
using PolicyService.Core.Images;
using PolicyService.Core.Verification;

namespace PolicyService.Core.Attestors;

/// <summary>
/// A PKIX public key with the one algorithm it was declared for. It is not disposable: a policy snapshot that was replaced may
/// still be in use.
/// </summary>
public sealed class PublicKey : VerificationKey
{
    private readonly SignatureScheme _scheme;
    private readonly object _key;

    private PublicKey(SignatureAlgorithm algorithm, SignatureScheme scheme, byte[] subjectPublicKeyInfo, object key)
        : base(KeyId.OfSubjectPublicKeyInfo(subjectPublicKeyInfo), Digest.Of(subjectPublicKeyInfo), [Digest.Of(subjectPublicKeyInfo)])
    {
        (Algorithm, _scheme, _key) = (algorithm, scheme, key);
        SubjectPublicKeyInfo = subjectPublicKeyInfo;
    }

    public SignatureAlgorithm Algorithm { get; }

    /// <summary>The key in DER. Its SHA-256 is what a pin names.</summary>
    public ReadOnlyMemory<byte> SubjectPublicKeyInfo { get; }

    /// <summary>Reads one PEM block <c>PUBLIC KEY</c> whose key fits the algorithm; the problem says what to do, never what the text was.</summary>
    public static bool TryReadPem(
        string? pem, SignatureAlgorithm algorithm, [NotNullWhen(true)] out PublicKey? key, [NotNullWhen(false)] out string? problem)
    {
        key = null;
        if (!PublicKeyPem.TryDecode(pem, out var der, out problem)
            || !PublicKeyDer.TryRead(der, algorithm, out var keyObject, out problem))
        {
            return false;
        }

        key = new PublicKey(algorithm, SignatureScheme.Of(algorithm)!, der, keyObject);
        return true;
    }

    /// <summary>Whether the signature is this key's, under its algorithm, over the data. Any bytes may be given as a signature.</summary>
    public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature) => Verify(data, signature, isFixedWidth: false);

    /// <summary>The same for a signature as a JWS has it: ECDSA in fixed width (RFC 7518, section 3.4), never in DER.</summary>
    public bool VerifyJws(ReadOnlySpan<byte> signingInput, ReadOnlySpan<byte> signature) => Verify(signingInput, signature, isFixedWidth: true);

    private bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature, bool isFixedWidth)
    {
        if (_key is Ed25519.PublicPoint point)
        {
            return Ed25519Signature.Verify(point, data, signature);
        }

        Span<byte> buffer = stackalloc byte[SHA512.HashSizeInBytes];
        var hash = buffer[..CryptographicOperations.HashData(_scheme.Hash, data, buffer)];
        return _key switch
        {
            ECDsa ecdsa when isFixedWidth => EcdsaSignature.VerifyFixedWidth(ecdsa, hash, signature),
            ECDsa ecdsa => EcdsaSignature.VerifyDer(ecdsa, hash, signature),
            RSA rsa when _scheme.Padding == RSASignaturePadding.Pss => RsaSignature.VerifyPss(rsa, _scheme.Hash, hash, signature),
            RSA rsa when _scheme.Padding == RSASignaturePadding.Pkcs1 => RsaSignature.VerifyPkcs1(rsa, _scheme.Hash, hash, signature),
            _ => false,
        };
    }
}
