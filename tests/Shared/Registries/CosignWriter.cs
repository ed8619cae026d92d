using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;
using Org.BouncyCastle.Security;

namespace PolicyService.Tests.Registries;

/// <summary>A key of one of the kinds seen in images that were signed with cosign. It shares no code with our verifier.</summary>
public sealed class CosignKey
{
    private readonly Func<byte[], byte[]> _sign;

    private CosignKey(string pem, Func<byte[], byte[]> sign) => (Pem, _sign) = (pem, sign);

    public string Pem { get; }

    /// <param name="algorithm">As Binary Authorization documents write it.</param>
    public static CosignKey Of(string algorithm) => algorithm switch
    {
        "ECDSA_P256_SHA256" => OfCurve(ECCurve.NamedCurves.nistP256, HashAlgorithmName.SHA256),
        "ECDSA_P384_SHA384" => OfCurve(ECCurve.NamedCurves.nistP384, HashAlgorithmName.SHA384),
        "ECDSA_P521_SHA512" => OfCurve(ECCurve.NamedCurves.nistP521, HashAlgorithmName.SHA512),
        "ED25519" => OfEd25519(),
        _ => OfRsa(int.Parse(algorithm.Split('_').First(part => part.Length == 4 && char.IsAsciiDigit(part[0])), CultureInfo.InvariantCulture)),
    };

    public byte[] Sign(byte[] data) => _sign(data);

    private static CosignKey OfCurve(ECCurve curve, HashAlgorithmName hash)
    {
        var key = ECDsa.Create(curve);
        return new CosignKey(key.ExportSubjectPublicKeyInfoPem(), data => key.SignData(data, hash, DSASignatureFormat.Rfc3279DerSequence));
    }

    private static CosignKey OfRsa(int bits)
    {
        var key = RSA.Create(bits);
        return new CosignKey(key.ExportSubjectPublicKeyInfoPem(), data => key.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
    }

    private static CosignKey OfEd25519()
    {
        var key = new Ed25519PrivateKeyParameters(new SecureRandom());
        byte[] der = [.. Convert.FromHexString("302a300506032b6570032100"), .. key.GeneratePublicKey().GetEncoded()];
        return new CosignKey(PemEncoding.WriteString("PUBLIC KEY", der), data =>
        {
            var signer = new Ed25519Signer();
            signer.Init(true, key);
            signer.BlockUpdate(data, 0, data.Length);
            return signer.GenerateSignature();
        });
    }
}

/// <summary>Writes what cosign puts beside an image, by hand.</summary>
public static class CosignWriter
{
    public const string ManifestType = "application/vnd.oci.image.manifest.v1+json";
    public const string IndexType = "application/vnd.oci.image.index.v1+json";
    public const string SimpleSigningType = "application/vnd.dev.cosign.simplesigning.v1+json";
    public const string BundleType = "application/vnd.dev.sigstore.bundle.v0.3+json";
    public const string InTotoType = "application/vnd.in-toto+json";
    public const string SignPredicate = "https://sigstore.dev/cosign/sign/v1";

    /// <summary>The classic payload, in the one line that cosign writes.</summary>
    public static byte[] Payload(string repository, string digest, string type = "cosign container image signature") => Encoding.UTF8.GetBytes(
        "{\"critical\":{\"identity\":{\"docker-reference\":\"" + repository + "\"},\"image\":{\"docker-manifest-digest\":\"" + digest + "\"},\"type\":\"" + type + "\"},\"optional\":null}");

    /// <summary>The statement that cosign 3 signs.</summary>
    /// <param name="digest">The image's.</param>
    /// <param name="predicateType">What it is about.</param>
    /// <param name="name">Of the subject; null: it has none.</param>
    /// <param name="predicate">JSON with the comma before; empty: there is none.</param>
    public static byte[] Statement(string digest, string predicateType = SignPredicate, string? name = null, string predicate = ",\"predicate\":{}") => Encoding.UTF8.GetBytes(
        "{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{" + (name is null ? "" : $"\"name\":\"{name}\",")
        + "\"digest\":{\"sha256\":\"" + digest["sha256:".Length..] + "\"}}],\"predicateType\":\"" + predicateType + "\"" + predicate + "}");

    /// <summary>What a signature of DSSE covers: <c>DSSEv1 SP LEN(type) SP type SP LEN(body) SP body</c>.</summary>
    public static byte[] PreAuthentication(string type, byte[] body) =>
        [.. Encoding.UTF8.GetBytes("DSSEv1 " + type.Length.ToString(CultureInfo.InvariantCulture) + " " + type + " " + body.Length.ToString(CultureInfo.InvariantCulture) + " "), .. body];

    public static string Envelope(byte[] payload, IEnumerable<byte[]> signatures, string type = InTotoType) =>
        "{\"payload\":\"" + Convert.ToBase64String(payload) + "\",\"payloadType\":\"" + type + "\",\"signatures\":["
        + string.Join(',', signatures.Select(signature => "{\"sig\":\"" + Convert.ToBase64String(signature) + "\"}")) + "]}";

    /// <summary>A bundle with an envelope; its material names a key that nobody may look at.</summary>
    public static byte[] Bundle(string envelope) => Encoding.UTF8.GetBytes(
        "{\"mediaType\":\"" + BundleType + "\",\"verificationMaterial\":{\"publicKey\":{\"hint\":\"bm9ib2R5\"},\"tlogEntries\":[]},\"dsseEnvelope\":" + envelope + "}");

    /// <summary>A bundle whose envelope is signed as it should be.</summary>
    public static byte[] Bundle(CosignKey key, byte[] statement) => Bundle(Envelope(statement, [key.Sign(PreAuthentication(InTotoType, statement))]));

    public static string Layer(byte[] content, string mediaType, string annotations = "") =>
        "{\"mediaType\":\"" + mediaType + "\",\"size\":" + content.Length.ToString(CultureInfo.InvariantCulture) + ",\"digest\":\"" + DockerRegistry.DigestOf(content) + "\""
        + (annotations.Length == 0 ? "" : ",\"annotations\":{" + annotations + "}") + "}";

    public static string SignatureLayer(byte[] payload, byte[] signature) =>
        Layer(payload, SimpleSigningType, $"\"dev.cosignproject.cosign/signature\":\"{Convert.ToBase64String(signature)}\"");

    /// <param name="layers">Descriptors.</param>
    /// <param name="more">JSON with the comma before: <c>subject</c>, <c>artifactType</c>.</param>
    public static byte[] Manifest(IEnumerable<string> layers, string more = "") => Encoding.UTF8.GetBytes(
        "{\"schemaVersion\":2,\"mediaType\":\"" + ManifestType + "\",\"config\":" + Layer("{}"u8.ToArray(), "application/vnd.oci.empty.v1+json")
        + ",\"layers\":[" + string.Join(',', layers) + "]" + more + "}");

    public static byte[] Index(IEnumerable<string> manifests) => Encoding.UTF8.GetBytes(
        "{\"schemaVersion\":2,\"mediaType\":\"" + IndexType + "\",\"manifests\":[" + string.Join(',', manifests) + "]}");

    public static string SubjectOf(string digest, int size = 7) =>
        ",\"subject\":{\"mediaType\":\"" + ManifestType + "\",\"digest\":\"" + digest + "\",\"size\":" + size.ToString(CultureInfo.InvariantCulture) + "}";
}
