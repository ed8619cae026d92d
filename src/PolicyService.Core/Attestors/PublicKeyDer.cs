using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using Org.BouncyCastle.Math.EC.Rfc8032;
using PolicyService.Core.Verification;

namespace PolicyService.Core.Attestors;

/// <summary>
/// Reads a DER SubjectPublicKeyInfo (RFC 5280) into a key object of the kind its algorithm asks for. A key has one spelling
/// here, so that it has one fingerprint: strict DER, exact algorithm identifiers, uncompressed points.
/// </summary>
internal static class PublicKeyDer
{
    // FIPS 186-5 asks for an exponent above 2^16. With 3, a slip in a padding check is a forgery; with 1, anything is a signature.
    private const ulong MinExponent = 65537;

    private static ReadOnlySpan<byte> RsaEncryption => [0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];

    private static ReadOnlySpan<byte> P256 => [0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];

    private static ReadOnlySpan<byte> P384 => [0x30, 0x10, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 0x22];

    private static ReadOnlySpan<byte> P521 => [0x30, 0x10, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 0x23];

    private static ReadOnlySpan<byte> Edwards25519 => [0x30, 5, 6, 3, 0x2b, 0x65, 0x70];

    /// <summary>Gives an <see cref="RSA"/>, an <see cref="ECDsa"/> or a validated Ed25519 point.</summary>
    public static bool TryRead(byte[] der, SignatureAlgorithm algorithm, [NotNullWhen(true)] out object? key, [NotNullWhen(false)] out string? problem)
    {
        key = null;
        if (SignatureScheme.Of(algorithm) is not { } scheme)
        {
            problem = "no signature algorithm is declared; name the one the key signs with, for example `ECDSA_P256_SHA256`";
            return false;
        }

        try
        {
            key = Read(der, scheme, SignatureAlgorithms.Name(algorithm), out problem);
        }
        catch (AsnContentException)
        {
            problem = "the key is not a SubjectPublicKeyInfo in strict DER; export it again with `openssl pkey -pubin -pubout`";
        }

        return key is not null;
    }

    private static object? Read(byte[] der, SignatureScheme scheme, string name, out string? problem)
    {
        var outer = new AsnReader(der, AsnEncodingRules.DER);
        var info = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        var kind = KindOf(info.ReadEncodedValue().Span);
        var bits = info.ReadBitString(out var unusedBits);
        info.ThrowIfNotEmpty();

        problem = (kind, unusedBits) switch
        {
            (KeyKind.Unspecified, _) => "the key is of no kind that is verified here; "
                + "give an RSA key, an ECDSA key on the named curve P-256, P-384 or P-521, or an Ed25519 key",
            (_, not 0) => "the key's bit string is not whole bytes; export the key again with `openssl pkey -pubin -pubout`",
            _ when kind != scheme.Kind =>
                $"the key is of kind {kind} and does not fit the declared algorithm `{name}`; declare the algorithm the key signs with",
            _ => null,
        };
        return problem is not null ? null : kind switch
        {
            KeyKind.Rsa => ReadRsa(bits, scheme.ModulusBits, name, out problem),
            KeyKind.Ed25519 => ReadEd25519(bits, out problem),
            _ => ReadEcdsa(bits, kind, out problem),
        };
    }

    private static KeyKind KindOf(ReadOnlySpan<byte> algorithmIdentifier) =>
        algorithmIdentifier.SequenceEqual(RsaEncryption) ? KeyKind.Rsa
        : algorithmIdentifier.SequenceEqual(P256) ? KeyKind.EcdsaP256
        : algorithmIdentifier.SequenceEqual(P384) ? KeyKind.EcdsaP384
        : algorithmIdentifier.SequenceEqual(P521) ? KeyKind.EcdsaP521
        : algorithmIdentifier.SequenceEqual(Edwards25519) ? KeyKind.Ed25519
        : KeyKind.Unspecified;

    private static RSA? ReadRsa(byte[] bits, int modulusBits, string name, out string? problem)
    {
        var outer = new AsnReader(bits, AsnEncodingRules.DER);
        var sequence = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        var modulus = sequence.ReadInteger();
        var exponent = sequence.ReadInteger();
        sequence.ThrowIfNotEmpty();

        problem = ProblemWithRsa(modulus, exponent, modulusBits, name);
        return problem is not null ? null : RSA.Create(new RSAParameters
        {
            Modulus = modulus.ToByteArray(isUnsigned: true, isBigEndian: true),
            Exponent = exponent.ToByteArray(isUnsigned: true, isBigEndian: true),
        });
    }

    private static string? ProblemWithRsa(BigInteger modulus, BigInteger exponent, int modulusBits, string name) =>
        modulus.Sign < 0 ? "the RSA modulus is negative; export the key again from where it was made"
        : modulus.GetBitLength() != modulusBits ? $"the RSA modulus has {modulus.GetBitLength()} bits and `{name}` asks for {modulusBits}; "
            + "make a key of that size, or declare the algorithm the key signs with"
        : modulus.IsEven ? "the RSA modulus is even, so it is no product of two primes; make a new key"
        : exponent < MinExponent || exponent.IsEven ? "the RSA exponent is below 65537 or even; make a new key with exponent 65537"
        // A wide exponent makes each verification slow, and the cryptographic library then refuses every signature of a large key.
        : exponent > ulong.MaxValue ? "the RSA exponent has more than 64 bits; make a new key with exponent 65537"
        : null;

    private static ECDsa? ReadEcdsa(byte[] point, KeyKind kind, out string? problem)
    {
        var (curve, width) = kind switch
        {
            KeyKind.EcdsaP256 => (ECCurve.NamedCurves.nistP256, 32),
            KeyKind.EcdsaP384 => (ECCurve.NamedCurves.nistP384, 48),
            _ => (ECCurve.NamedCurves.nistP521, 66),
        };
        if (point.Length != 1 + (2 * width) || point[0] != 4)
        {
            problem = "the ECDSA point is not in uncompressed form; export the key again with `openssl ec -pubin -conv_form uncompressed`";
            return null;
        }

        try
        {
            problem = null;
            return ECDsa.Create(new ECParameters { Curve = curve, Q = new ECPoint { X = point[1..(1 + width)], Y = point[(1 + width)..] } });
        }
        catch (CryptographicException)
        {
            // The library checks that both coordinates are below the prime and that the point lies on the curve.
            problem = "the ECDSA point does not lie on the curve; export the key again from where it was made";
            return null;
        }
    }

    private static Ed25519.PublicPoint? ReadEd25519(byte[] point, out string? problem)
    {
        var key = Ed25519Signature.ReadKey(point);
        problem = key is null ? "the Ed25519 point is malformed or of small order, so that anyone could sign for it; make a new key" : null;
        return key;
    }
}
