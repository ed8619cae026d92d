using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Core.Verification;

namespace PolicyService.Benchmarks;

/// <summary>One verification by each algorithm of Cloud KMS' key pairs, with the key imported once. The first of each pair is ours, the other the base library's.</summary>
[MemoryDiagnoser]
public class VerifyBenchmarks : IDisposable
{
    private readonly byte[] _payload = SimpleSigningPayload.Write("registry.example/team/app", Digest.Of("image"u8));
    private AsymmetricAlgorithm _key = null!;
    private Func<byte[], byte[], bool> _verify = null!;
    private byte[] _signature = [];
    private PublicKey _public = null!;
    private Attestation _attestation = null!;
    private AttestationSignature _named = null!;

    [Params("P-256", "P-384", "P-521", "RSA-2048", "RSA-4096")]
    public string Algorithm { get; set; } = "";

    [GlobalSetup]
    public void SetUp()
    {
        var algorithm = Algorithm switch
        {
            "P-256" => Ecdsa(ECCurve.NamedCurves.nistP256, HashAlgorithmName.SHA256, SignatureAlgorithm.EcdsaP256Sha256),
            "P-384" => Ecdsa(ECCurve.NamedCurves.nistP384, HashAlgorithmName.SHA384, SignatureAlgorithm.EcdsaP384Sha384),
            "P-521" => Ecdsa(ECCurve.NamedCurves.nistP521, HashAlgorithmName.SHA512, SignatureAlgorithm.EcdsaP521Sha512),
            "RSA-2048" => Rsa(2048, SignatureAlgorithm.RsaPkcs1With2048Sha256),
            _ => Rsa(4096, SignatureAlgorithm.RsaPkcs1With4096Sha256),
        };
        if (!PublicKey.TryReadPem(_key.ExportSubjectPublicKeyInfoPem(), algorithm, out var key, out var problem))
        {
            throw new InvalidOperationException(problem);
        }

        _public = key;
        _named = new AttestationSignature(key.DefaultId, _signature);
        _attestation = new Attestation(_payload, [_named]) { Source = EvidenceSource.Grafeas };
        if (Verify() is not VerificationResult.Verified)
        {
            throw new InvalidOperationException($"{Verify()}");
        }
    }

    [Benchmark]
    public VerificationResult Verify() => AttestationVerifier.VerifySignature(_public, _attestation, _named);

    [Benchmark(Baseline = true)]
    public bool BaseLibrary() => _verify(_payload, _signature);

    [GlobalCleanup]
    public void Dispose()
    {
        _key?.Dispose();
        GC.SuppressFinalize(this);
    }

    private SignatureAlgorithm Ecdsa(ECCurve curve, HashAlgorithmName hash, SignatureAlgorithm algorithm)
    {
        var key = ECDsa.Create(curve);
        (_key, _signature) = (key, key.SignData(_payload, hash, DSASignatureFormat.Rfc3279DerSequence));
        _verify = (data, signature) => key.VerifyData(data, signature, hash, DSASignatureFormat.Rfc3279DerSequence);
        return algorithm;
    }

    private SignatureAlgorithm Rsa(int bits, SignatureAlgorithm algorithm)
    {
        var key = RSA.Create(bits);
        (_key, _signature) = (key, key.SignData(_payload, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        _verify = (data, signature) => key.VerifyData(data, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return algorithm;
    }
}
