using System.Security.Cryptography;
using System.Text.Json;
using Google.Protobuf;
using PolicyService.Api.V1;
using PolicyService.Core.Attestations;
using PolicyService.Core.Images;

namespace PolicyService.Server.Tests;

/// <summary>One attestor with one P-256 key.</summary>
internal sealed class Signer(string attestor = "build", string project = "acme") : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public string Attestor => $"projects/{project}/attestors/{attestor}";

    public string KeyId => PolicyService.Core.Attestors.KeyId.OfSubjectPublicKeyInfo(_key.ExportSubjectPublicKeyInfo()).ToString();

    /// <summary>The attestor's document.</summary>
    public string Document(bool withKey = true) =>
        $$$"""
        {"name": "{{{Attestor}}}", "userOwnedGrafeasNote": {"noteReference": "projects/{{{project}}}/notes/{{{attestor}}}", "publicKeys": [{{{(withKey ? Key() : "")}}}]}}
        """;

    /// <summary>The bytes to sign for an image with a digest.</summary>
    public static byte[] Payload(string image) => SimpleSigningPayload.Write(image[..image.IndexOf('@')], DigestOf(image));

    public byte[] Sign(byte[] payload) => _key.SignData(payload, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);

    /// <summary>The occurrence that attests the image.</summary>
    public string Occurrence(string image)
    {
        var payload = Payload(image);
        return $$$"""
            {"name": "projects/{{{project}}}/occurrences/{{{DigestOf(image).Hex[..8]}}}", "kind": "ATTESTATION", "noteName": "projects/{{{project}}}/notes/{{{attestor}}}",
             "resourceUri": "https://{{{image}}}", "createTime": "2026-01-01T00:00:00Z",
             "attestation": {"serializedPayload": "{{{Convert.ToBase64String(payload)}}}",
                             "signatures": [{"publicKeyId": "{{{KeyId}}}", "signature": "{{{Convert.ToBase64String(Sign(payload))}}}"}]}}
            """;
    }

    /// <summary>The attestation as a caller sends it along.</summary>
    public InlineAttestation Inline(string image) => Inline(Payload(image));

    public InlineAttestation Inline(byte[] payload) => new()
    {
        SerializedPayload = ByteString.CopyFrom(payload),
        Signature = ByteString.CopyFrom(Sign(payload)),
        PublicKeyId = KeyId,
        Attestor = Attestor,
    };

    public void Dispose() => _key.Dispose();

    private static Digest DigestOf(string image) => Digest.TryParse(image[(image.IndexOf('@') + 1)..], out var digest) ? digest : throw new ArgumentException(image);

    private string Key() =>
        $$$"""{"pkixPublicKey": {"publicKeyPem": {{{JsonSerializer.Serialize(_key.ExportSubjectPublicKeyInfoPem())}}}, "signatureAlgorithm": "ECDSA_P256_SHA256"}}""";
}
