using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Org.BouncyCastle.Asn1;
using Org.BouncyCastle.Bcpg;
using Org.BouncyCastle.Math;
using Org.BouncyCastle.Math.EC.Rfc8032;
using PolicyService.Core.Images;

namespace PolicyService.Core.Verification.Pgp;

/// <summary>One key of a PGP key block, primary or subkey, that could sign: its numbers, and what its packet says.</summary>
internal sealed class PgpKeyMaterial
{
    private const int MinModulusBits = 2048;
    private const int MaxModulusBits = 8192; // more makes each verification slow, and no key server or card makes them
    private const string Edwards25519 = "1.3.6.1.4.1.11591.15.1";

    private static readonly byte[] Edwards25519Info = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];

    private readonly object _key;

    private PgpKeyMaterial(ReadOnlyMemory<byte> body, PublicKeyAlgorithmTag algorithm, object key, byte[] subjectPublicKeyInfo)
    {
        (Body, Algorithm, _key) = (body, algorithm, key);
        Created = PgpTime.Read(body.Span[1..5]);
        Fingerprint = FingerprintOf(body.Span);
        Digest = Digest.Of(subjectPublicKeyInfo);
    }

    public PublicKeyAlgorithmTag Algorithm { get; }

    public DateTimeOffset Created { get; }

    /// <summary>Of version 4: 20 bytes.</summary>
    public ReadOnlyMemory<byte> Fingerprint { get; }

    /// <summary>SHA-256 of the same key as a SubjectPublicKeyInfo.</summary>
    public Digest Digest { get; }

    /// <summary>Bits of the modulus; null if the key is not RSA.</summary>
    public int? RsaBits => (_key as RSA)?.KeySize;

    /// <summary>Content of the packet.</summary>
    public ReadOnlyMemory<byte> Body { get; }

    /// <summary>The name of a key, which says nothing of its worth. SHA-1 is what version 4 has.</summary>
    [SuppressMessage("Security", "CA5350", Justification = "The fingerprint only names a key that the attestor holds whole.")]
    public static byte[] FingerprintOf(ReadOnlySpan<byte> body) => SHA1.HashData([0x99, (byte)(body.Length >> 8), (byte)body.Length, .. body]);

    /// <summary>Reads the content of a key packet; the problem says what to do.</summary>
    public static PgpKeyMaterial? Read(PgpPacket packet, out string problem)
    {
        if (packet.Body.Length is < 6 or > ushort.MaxValue || packet.Body.Span[0] != 4)
        {
            problem = "the key is not of version 4; make a new one";
            return null;
        }

        var key = packet.Tag is PgpTag.PublicSubkey
            ? PgpPacketReader.Read<PublicSubkeyPacket>(packet.Tag, packet.Body)
            : PgpPacketReader.Read<PublicKeyPacket>(packet.Tag, packet.Body);
        if (key is null)
        {
            problem = "the key is malformed or of an unknown algorithm; export it again with `gpg --armor --export`";
            return null;
        }

        return (key.Algorithm, key.Key) switch
        {
            (PublicKeyAlgorithmTag.RsaGeneral or PublicKeyAlgorithmTag.RsaSign, RsaPublicBcpgKey rsa) => ReadRsa(packet, key, rsa, out problem),
            (PublicKeyAlgorithmTag.ECDsa, ECPublicBcpgKey point) => ReadEcdsa(packet, key, point, out problem),
            (PublicKeyAlgorithmTag.EdDsa_Legacy, ECPublicBcpgKey point) => ReadEd25519(packet, key, point, out problem),
            _ => Refuse("the key is of an algorithm that is not verified here; make an RSA key of 2048 bits or more, an ECDSA key on P-256, P-384 or P-521, or an Ed25519 key", out problem),
        };
    }

    /// <summary>Whether a signature of its algorithms could be this key's and be verified here.</summary>
    public bool CanVerify(PgpSignature signature) => signature.KeyAlgorithm == Algorithm && signature.Hash is not null;

    /// <summary>Whether the signature is this key's over the data, one part after the other.</summary>
    public bool Verify(PgpSignature signature, params ReadOnlySpan<ReadOnlyMemory<byte>> data) => Verify(signature, new PgpVerificationCount(), data);

    /// <summary>The same, false if it would be one verification more than the count allows. What the hash alone tells costs none.</summary>
    public bool Verify(PgpSignature signature, PgpVerificationCount count, params ReadOnlySpan<ReadOnlyMemory<byte>> data)
    {
        if (signature.KeyAlgorithm != Algorithm || signature.Hash is not { } hashName)
        {
            return false;
        }

        using var hasher = IncrementalHash.CreateHash(hashName);
        foreach (var part in data)
        {
            hasher.AppendData(part.Span);
        }

        hasher.AppendData(signature.Trailer.Span);
        var hash = hasher.GetHashAndReset();
        return hash.AsSpan().StartsWith(signature.HashStart.Span) && count.TryTake() && VerifyHash(hashName, hash, signature.Numbers);
    }

    private bool VerifyHash(HashAlgorithmName hashName, byte[] hash, IReadOnlyList<BigInteger> numbers) => (_key, numbers) switch
    {
        (RSA rsa, [var value]) => FixedWidth((rsa.KeySize + 7) / 8, value) is { } signature && RsaSignature.VerifyPkcs1(rsa, hashName, hash, signature),
        (ECDsa ecdsa, [var r, var s]) => FixedWidth((ecdsa.KeySize + 7) / 8, r, s) is { } signature && EcdsaSignature.VerifyFixedWidth(ecdsa, hash, signature),
        (Ed25519.PublicPoint point, [var r, var s]) => FixedWidth(Ed25519.PublicKeySize, r, s) is { } signature && Ed25519Signature.Verify(point, hash, signature),
        _ => false,
    };

    private static byte[]? FixedWidth(int width, params ReadOnlySpan<BigInteger> numbers)
    {
        var bytes = new byte[width * numbers.Length];
        for (var index = 0; index < numbers.Length; index++)
        {
            var number = numbers[index].ToByteArrayUnsigned();
            if (number.Length > width)
            {
                return null;
            }

            number.CopyTo(bytes, ((index + 1) * width) - number.Length);
        }

        return bytes;
    }

    private static PgpKeyMaterial? ReadRsa(PgpPacket packet, PublicKeyPacket key, RsaPublicBcpgKey rsa, out string problem)
    {
        var (modulus, exponent) = (rsa.Modulus, rsa.PublicExponent);
        problem = modulus.BitLength is < MinModulusBits or > MaxModulusBits ? $"the RSA key has {modulus.BitLength} bits; make one of {MinModulusBits} to {MaxModulusBits}"
            : !modulus.TestBit(0) ? "the RSA modulus is even, so it is no product of two primes; make a new key"
            : exponent.BitLength is < 17 or > 64 || !exponent.TestBit(0) ? "the RSA exponent is below 65537, even, or of more than 64 bits; make a new key"
            : "";
        if (problem.Length > 0)
        {
            return null;
        }

        var keyObject = RSA.Create(new RSAParameters { Modulus = modulus.ToByteArrayUnsigned(), Exponent = exponent.ToByteArrayUnsigned() });
        return new PgpKeyMaterial(packet.Body, key.Algorithm, keyObject, keyObject.ExportSubjectPublicKeyInfo());
    }

    private static PgpKeyMaterial? ReadEcdsa(PgpPacket packet, PublicKeyPacket key, ECPublicBcpgKey point, out string problem)
    {
        var (curve, width) = CurveOf(point.CurveOid);
        var encoded = point.EncodedPoint.ToByteArrayUnsigned();
        if (width == 0 || encoded.Length != 1 + (2 * width) || encoded[0] != 4)
        {
            return Refuse("the ECDSA key is not an uncompressed point on P-256, P-384 or P-521; make a key on one of these curves", out problem);
        }

        try
        {
            var keyObject = ECDsa.Create(new ECParameters { Curve = curve, Q = new ECPoint { X = encoded[1..(1 + width)], Y = encoded[(1 + width)..] } });
            problem = "";
            return new PgpKeyMaterial(packet.Body, key.Algorithm, keyObject, keyObject.ExportSubjectPublicKeyInfo());
        }
        catch (CryptographicException)
        {
            return Refuse("the ECDSA point does not lie on the curve; export the key again", out problem);
        }
    }

    private static (ECCurve Curve, int Width) CurveOf(DerObjectIdentifier oid) => oid.Id switch
    {
        "1.2.840.10045.3.1.7" => (ECCurve.NamedCurves.nistP256, 32),
        "1.3.132.0.34" => (ECCurve.NamedCurves.nistP384, 48),
        "1.3.132.0.35" => (ECCurve.NamedCurves.nistP521, 66),
        _ => default,
    };

    private static PgpKeyMaterial? ReadEd25519(PgpPacket packet, PublicKeyPacket key, ECPublicBcpgKey point, out string problem)
    {
        var encoded = point.EncodedPoint.ToByteArrayUnsigned();
        if (point.CurveOid.Id != Edwards25519 || encoded.Length != 1 + Ed25519.PublicKeySize || encoded[0] != 0x40)
        {
            return Refuse("the EdDSA key is not a point on Ed25519; make a key on that curve", out problem);
        }

        if (Ed25519Signature.ReadKey(encoded.AsSpan(1)) is not { } keyObject)
        {
            return Refuse("the Ed25519 point is malformed or of small order, so that anyone could sign for it; make a new key", out problem);
        }

        problem = "";
        return new PgpKeyMaterial(packet.Body, key.Algorithm, keyObject, [.. Edwards25519Info, .. encoded.AsSpan(1)]);
    }

    private static PgpKeyMaterial? Refuse(string why, out string problem)
    {
        problem = why;
        return null;
    }
}
