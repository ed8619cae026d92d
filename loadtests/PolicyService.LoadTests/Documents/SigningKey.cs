using System.Security.Cryptography;
using System.Text.Json;
using PolicyService.Core.Attestors;

namespace PolicyService.LoadTests.Documents;

/// <summary>The key of the attestor of a run, and how its signatures are made. Made anew for each run; kept nowhere.</summary>
internal sealed class SigningKey : IDisposable
{
    private readonly AsymmetricAlgorithm _key;
    private readonly Func<byte[], byte[]> _sign;

    private SigningKey(AsymmetricAlgorithm key, string algorithm, Func<byte[], byte[]> sign, Func<byte[], byte[], bool> verify)
    {
        (_key, Algorithm, _sign, Verify) = (key, algorithm, sign, verify);
        var spki = key.ExportSubjectPublicKeyInfo();
        Id = KeyId.OfSubjectPublicKeyInfo(spki).ToString();
    }

    /// <summary>As attestor documents name it.</summary>
    public string Algorithm { get; }

    public string Id { get; }

    /// <summary>The base library's verification, with the key imported once: what a decision cannot do without.</summary>
    public Func<byte[], byte[], bool> Verify { get; }

    public static SigningKey P256()
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new SigningKey(
            key,
            "ECDSA_P256_SHA256",
            data => key.SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence),
            (data, signature) => key.VerifyData(data, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
    }

    /// <summary>The dearest to verify: a request costs the server several times what it costs whoever asks.</summary>
    public static SigningKey P521()
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP521);
        return new SigningKey(
            key,
            "ECDSA_P521_SHA512",
            data => key.SignData(data, HashAlgorithmName.SHA512, DSASignatureFormat.Rfc3279DerSequence),
            (data, signature) => key.VerifyData(data, signature, HashAlgorithmName.SHA512, DSASignatureFormat.Rfc3279DerSequence));
    }

    public static SigningKey Rsa4096()
    {
        var key = RSA.Create(4096);
        return new SigningKey(
            key,
            "RSA_SIGN_PKCS1_4096_SHA256",
            data => key.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
            (data, signature) => key.VerifyData(data, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
    }

    /// <summary>Callable by many threads.</summary>
    public byte[] Sign(byte[] payload) => _sign(payload);

    /// <summary>The attestor's document.</summary>
    public string AttestorDocument() =>
        $$"""
        {"name": "{{RunDocuments.Attestor}}", "userOwnedGrafeasNote": {"noteReference": "{{RunDocuments.Note}}", "publicKeys": [
          {"pkixPublicKey": {"publicKeyPem": {{JsonSerializer.Serialize(_key.ExportSubjectPublicKeyInfoPem())}}, "signatureAlgorithm": "{{Algorithm}}"} }] } }
        """;

    public void Dispose() => _key.Dispose();
}
