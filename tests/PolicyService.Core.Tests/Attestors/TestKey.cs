using System.Collections.Concurrent;
using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using Org.BouncyCastle.Math.EC.Rfc8032;
using PolicyService.Core.Attestors;

namespace PolicyService.Core.Tests.Attestors;

/// <summary>A signing key made for the tests, one per algorithm; and hand-made PEM texts that no tool would write.</summary>
internal sealed record TestKey(SignatureAlgorithm Algorithm, string Pem, Func<byte[], byte[]> Sign)
{
    private static readonly ConcurrentDictionary<SignatureAlgorithm, Lazy<TestKey>> Made = new();
    private static readonly ConcurrentDictionary<int, Lazy<RSA>> RsaKeys = new();

    public static TheoryData<SignatureAlgorithm> Algorithms =>
        [.. Enum.GetValues<SignatureAlgorithm>().Where(algorithm => algorithm is not SignatureAlgorithm.Unspecified)];

    public static TestKey Of(SignatureAlgorithm algorithm) => Made.GetOrAdd(algorithm, key => new Lazy<TestKey>(() => Make(key))).Value;

    /// <summary>RSA keys are slow to make: one per size, whatever the padding.</summary>
    public static RSA RsaKey(int bits) => RsaKeys.GetOrAdd(bits, size => new Lazy<RSA>(() => RSA.Create(size))).Value;

    public PublicKey Read()
    {
        Assert.True(PublicKey.TryReadPem(Pem, Algorithm, out var key, out var problem), problem);
        return key;
    }

    public static string RsaPem(BigInteger modulus, BigInteger exponent)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(modulus);
            writer.WriteInteger(exponent);
        }

        return InfoPem("1.2.840.113549.1.1.1", null, writer.Encode());
    }

    public static string EcPem(string curve, params byte[] point) => InfoPem("1.2.840.10045.2.1", curve, point);

    public static string Ed25519Pem(params byte[] point) => Wrap(Convert.FromHexString("302a300506032b6570032100"), point);

    public static string Wrap(byte[] start, params byte[] end) => PemEncoding.WriteString("PUBLIC KEY", [.. start, .. end]);

    public static byte[] Der(string pem) => Convert.FromBase64String(pem[PemEncoding.Find(pem).Base64Data]);

    private static string InfoPem(string algorithm, string? curve, byte[] bits)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(algorithm);
                if (curve is null)
                {
                    writer.WriteNull();
                }
                else
                {
                    writer.WriteObjectIdentifier(curve);
                }
            }

            writer.WriteBitString(bits);
        }

        return Wrap(writer.Encode());
    }

    private static TestKey Make(SignatureAlgorithm algorithm) => algorithm switch
    {
        SignatureAlgorithm.EcdsaP256Sha256 => MakeEcdsa(algorithm, ECCurve.NamedCurves.nistP256, HashAlgorithmName.SHA256),
        SignatureAlgorithm.EcdsaP384Sha384 => MakeEcdsa(algorithm, ECCurve.NamedCurves.nistP384, HashAlgorithmName.SHA384),
        SignatureAlgorithm.EcdsaP521Sha512 => MakeEcdsa(algorithm, ECCurve.NamedCurves.nistP521, HashAlgorithmName.SHA512),
        SignatureAlgorithm.Ed25519 => MakeEd25519(),
        SignatureAlgorithm.RsaPss2048Sha256 => MakeRsa(algorithm, 2048, HashAlgorithmName.SHA256, RSASignaturePadding.Pss),
        SignatureAlgorithm.RsaPss3072Sha256 => MakeRsa(algorithm, 3072, HashAlgorithmName.SHA256, RSASignaturePadding.Pss),
        SignatureAlgorithm.RsaPss4096Sha256 => MakeRsa(algorithm, 4096, HashAlgorithmName.SHA256, RSASignaturePadding.Pss),
        SignatureAlgorithm.RsaPss4096Sha512 => MakeRsa(algorithm, 4096, HashAlgorithmName.SHA512, RSASignaturePadding.Pss),
        SignatureAlgorithm.RsaPkcs1With2048Sha256 => MakeRsa(algorithm, 2048, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
        SignatureAlgorithm.RsaPkcs1With3072Sha256 => MakeRsa(algorithm, 3072, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
        SignatureAlgorithm.RsaPkcs1With4096Sha256 => MakeRsa(algorithm, 4096, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
        SignatureAlgorithm.RsaPkcs1With4096Sha512 => MakeRsa(algorithm, 4096, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1),
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm), algorithm, null),
    };

    private static TestKey MakeRsa(SignatureAlgorithm algorithm, int bits, HashAlgorithmName hash, RSASignaturePadding padding) =>
        new(algorithm, RsaKey(bits).ExportSubjectPublicKeyInfoPem(), data => RsaKey(bits).SignData(data, hash, padding));

    private static TestKey MakeEcdsa(SignatureAlgorithm algorithm, ECCurve curve, HashAlgorithmName hash)
    {
        var key = ECDsa.Create(curve);
        return new(algorithm, key.ExportSubjectPublicKeyInfoPem(), data => key.SignData(data, hash, DSASignatureFormat.Rfc3279DerSequence));
    }

    private static TestKey MakeEd25519()
    {
        var secret = RandomNumberGenerator.GetBytes(Ed25519.SecretKeySize);
        var point = new byte[Ed25519.PublicKeySize];
        Ed25519.GeneratePublicKey(secret, 0, point, 0);
        return new(SignatureAlgorithm.Ed25519, Ed25519Pem(point), data =>
        {
            var signature = new byte[Ed25519.SignatureSize];
            Ed25519.Sign(secret, 0, data, 0, data.Length, signature, 0);
            return signature;
        });
    }
}
