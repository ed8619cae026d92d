using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using PolicyService.Core.Attestations;
using PolicyService.Core.Attestors;
using PolicyService.Core.Images;

namespace PolicyService.Cli.Demo;

/// <summary>What the demo's server reads: a policy, an attestor with a fresh key, and two attestations, one of them tampered with.</summary>
internal sealed record DemoDocuments(string Directory, string AuditFile)
{
    public const string Prod = "europe-west1.prod";
    public const string Staging = "europe-west1.staging";
    public const string Attestor = "projects/demo/attestors/build";

    private const string Note = "projects/demo/notes/build";

    public DemoImage Attested { get; } = DemoImage.Named("shop/web");

    public DemoImage Unattested { get; } = DemoImage.Named("shop/payments");

    public DemoImage Tampered { get; } = DemoImage.Named("shop/cart");

    /// <summary>Makes a key, keeps its private half in memory only, and writes the documents under <paramref name="root"/>.</summary>
    public static DemoDocuments Write(string root, DateTimeOffset now)
    {
        var documents = new DemoDocuments(Path.Combine(root, "documents"), Path.Combine(root, "audit.jsonl"));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var keyId = KeyId.OfSubjectPublicKeyInfo(key.ExportSubjectPublicKeyInfo());

        documents.WriteFile("policy.yaml", Policy);
        documents.WriteFile("attestors/build.yaml", AttestorDocument(key, keyId));
        documents.WriteFile("attestations/web.yaml", Occurrence(documents.Attested, Sign(key, documents.Attested), keyId, now));
        documents.WriteFile("attestations/cart.yaml", Occurrence(documents.Tampered, Tamper(Sign(key, documents.Tampered)), keyId, now));
        return documents;
    }

    private const string Policy = $"""
        name: projects/demo/policy
        defaultAdmissionRule:
          evaluationMode: REQUIRE_ATTESTATION
          enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG
          requireAttestationsBy: [{Attestor}]
        clusterAdmissionRules:
          {Prod}:
            evaluationMode: REQUIRE_ATTESTATION
            enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG
            requireAttestationsBy: [{Attestor}]
          {Staging}:
            evaluationMode: REQUIRE_ATTESTATION
            enforcementMode: DRYRUN_AUDIT_LOG_ONLY
            requireAttestationsBy: [{Attestor}]

        """;

    private static string AttestorDocument(ECDsa key, KeyId keyId) => $"""
        name: {Attestor}
        userOwnedGrafeasNote:
          noteReference: {Note}
          publicKeys:
          - id: {keyId}
            pkixPublicKey:
              signatureAlgorithm: ECDSA_P256_SHA256
              publicKeyPem: |
                {key.ExportSubjectPublicKeyInfoPem().ReplaceLineEndings("\n        ")}

        """;

    private static string Occurrence(DemoImage image, byte[] signature, KeyId keyId, DateTimeOffset now) => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        kind: ATTESTATION
        noteName: {Note}
        resourceUri: https://{image.Reference}
        createTime: '{now:yyyy-MM-ddTHH:mm:ssZ}'
        attestation:
          serializedPayload: {Convert.ToBase64String(image.Payload)}
          signatures:
          - publicKeyId: {keyId}
            signature: {Convert.ToBase64String(signature)}

        """);

    private static byte[] Sign(ECDsa key, DemoImage image) =>
        key.SignData(image.Payload, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);

    /// <summary>One bit of the signature's last number: still well-formed, no longer true.</summary>
    private static byte[] Tamper(byte[] signature)
    {
        signature[^1] ^= 1;
        return signature;
    }

    private void WriteFile(string name, string content)
    {
        var path = Path.Combine(Directory, name);
        System.IO.Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
    }
}

/// <summary>An image of the demo. No registry holds it: a decision needs the digest alone.</summary>
internal sealed record DemoImage(string Repository, Digest Digest)
{
    private const string Registry = "registry.example.com";

    public string Reference => $"{Registry}/{Repository}@{Digest}";

    /// <summary>Short enough for a table, long enough to tell images apart.</summary>
    public string Short => $"{Repository}@{Digest.Hex[..8]}";

    public byte[] Payload => SimpleSigningPayload.Write($"{Registry}/{Repository}", Digest);

    public static DemoImage Named(string repository) => new(repository, Digest.Of(Encoding.UTF8.GetBytes($"demo image {repository}")));
}
