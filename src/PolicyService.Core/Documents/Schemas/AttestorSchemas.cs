using PolicyService.Core.Attestors;
using static PolicyService.Core.Documents.Schemas.CommonShapes;

namespace PolicyService.Core.Documents.Schemas;

/// <summary>Attestors and what they signed.</summary>
internal static class AttestorSchemas
{
    private const string KeyIdExample = "ni:///sha-256;cD9o9Cq6LG3jD0iKXqEi_vdjJGecm_iXkbqVoScViaU";

    private static readonly string[] Notes = ["userOwnedGrafeasNote", "userOwnedDrydockNote"];

    public static DocumentSchema Attestor { get; } = new(
        "attestor.schema.json",
        "Attestor",
        "attestors/*.yaml: who vouches for images, as `gcloud container binauthz attestors describe` prints it (v1 or v1beta1).",
        new MappingShape(
            "attestor",
            new FieldShape("name", AttestorName, "The attestor's name.", "projects/acme/attestors/build") { Required = true },
            PassedOver("description", "What the attestor vouches for, in words for people."),
            PassedOver("updateTime", "When it was last changed; passed over."),
            PassedOver("etag", "Passed over in a documents directory."),
            new FieldShape(Notes[0], Note(Notes[0]), "The note that attestations hang on, and the keys that verify them."),
            new FieldShape(Notes[1], Note(Notes[1]), "The same under its v1beta1 name."))
        {
            Rule = new ExactlyOneOf(Notes),
        })
    {
        Examples =
        [
            """{"name": "projects/acme/attestors/build", "userOwnedGrafeasNote": {"noteReference": "projects/acme/notes/build", "publicKeys": [{"pkixPublicKey": {"publicKeyPem": "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf9ODnrapSEyhmOT+4twUtC5bIb/v\nhSCa4eU+nnc2s9h9bAyLSdQ+fEz4ZW5XwYmRSZturF78GEqUupfxq2Ln+Q==\n-----END PUBLIC KEY-----\n", "signatureAlgorithm": "ECDSA_P256_SHA256"}}]}}""",
        ],
    };

    public static DocumentSchema Attestations { get; } = new(
        "attestations.schema.json",
        "Attestations",
        "attestations/*.yaml: Grafeas attestation occurrences: one, a list, or {occurrences: []} as the API lists them.",
        new ChoiceShape(
            Occurrence("occurrence"),
            new ListShape(Occurrence("occurrence of a list")),
            new MappingShape(
                "list reply",
                new FieldShape("occurrences", new ListShape(Occurrence("occurrence of a list reply")), "The attestations.") { Required = true },
                PassedOver("nextPageToken", "What the API prints of a listing that goes on; passed over, the rest is not fetched."))))
    {
        Examples =
        [
            $$$"""{"kind": "ATTESTATION", "noteName": "projects/acme/notes/build", "resourceUri": "https://registry.example.com/acme/api@sha256:1111111111111111111111111111111111111111111111111111111111111111", "attestation": {"serializedPayload": "e30=", "signatures": [{"publicKeyId": "{{{KeyIdExample}}}", "signature": "MEUCIQ=="}]}}""",
        ],
    };

    private static MappingShape Note(string field) => new(
        $"note of {field}",
        new FieldShape("noteReference", NoteName, "Only attestations under this note count.", "projects/acme/notes/build") { Required = true },
        PassedOver("delegationServiceAccountEmail", "What the API prints; passed over."),
        new FieldShape("publicKeys", new ListShape(Key(field)), "Keys of which any may verify an attestation. Without keys the attestor is never satisfied."));

    private static MappingShape Key(string field) => new(
        $"public key of {field}",
        PassedOver("comment", "Whose key it is, in words for people."),
        new FieldShape("id", KeyIdText, "What signatures name the key by; by default the RFC 6920 URI of its SubjectPublicKeyInfo. A key without PEM is kept in Cloud KMS and has the id of its version there; it needs a pin in options.yaml.", KeyIdExample),
        new FieldShape("asciiArmoredPgpPublicKey", Text, "A PGP public key, ASCII-armored."),
        new FieldShape(
            "pkixPublicKey",
            new MappingShape(
                $"PKIX key of {field}",
                new FieldShape("publicKeyPem", Text, "One PEM block `PUBLIC KEY` (`openssl pkey -pubout`)."),
                new FieldShape(
                    "signatureAlgorithm",
                    new WordShape(SignatureAlgorithms.AllNames),
                    "How the key signs. It must fit the key."),
                new FieldShape("keyId", KeyIdText, "The id once more, as v1 prints it; it must equal `id`.", KeyIdExample)),
            "A public key in PEM."));

    private static MappingShape Occurrence(string name) => new(
        name,
        PassedOver("name", "The occurrence's name; checks ask by its project, which is the folder's where it has no name."),
        new FieldShape("kind", new WordShape("ATTESTATION"), "What the occurrence is."),
        new FieldShape("noteName", NoteName, "The note of the attestor who signed.", "projects/acme/notes/build") { Required = true },
        new FieldShape(
            "resourceUri",
            Resource,
            "The image, by digest.",
            "https://registry.example.com/acme/api@sha256:1111111111111111111111111111111111111111111111111111111111111111")
        { Required = true },
        new FieldShape("createTime", Time, "When the attestation was made; `maxAttestationAge` counts from it.", "2026-01-31T12:00:00Z"),
        PassedOver("updateTime", "Passed over."),
        PassedOver("remediation", "Passed over."),
        new FieldShape("attestation", Body(name), "What was signed, and the signatures.") { Required = true });

    private static MappingShape Body(string name) => new(
        $"attestation of {name}",
        new FieldShape("serializedPayload", Bytes, "The signed bytes (`policyctl payload`), as base64 in either alphabet."),
        new FieldShape(
            "signatures",
            new ListShape(new MappingShape(
                $"signature of {name}",
                new FieldShape("publicKeyId", KeyIdText, "The key's id, exactly as the attestor has it.", KeyIdExample) { Required = true },
                new FieldShape("signature", Bytes, "The signature, as base64 in either alphabet.") { Required = true })),
            "Signatures over the payload."),
        new FieldShape("jwts", new ListShape(new MappingShape(
                "A JWT of " + name,
                new FieldShape("compactJwt", Text, "The JWT as <header>.<payload>.<signature>.") { Required = true })), "Attestations in the form of JWTs."))
    {
        Rule = new AnyOf("serializedPayload", "jwts"),
    };
}
