using static PolicyService.Core.Documents.Schemas.CommonShapes;

namespace PolicyService.Core.Documents.Schemas;

/// <summary>Our own settings of a project (SEMANTICS section 8).</summary>
internal static class OptionsSchemas
{
    private static readonly WordShape FailMode = new("CLOSED", "OPEN");

    private static readonly FieldShape EvidenceSources = new(
        "evidenceSources",
        new ListShape(new WordShape("GRAFEAS", "REGISTRY", "INLINE"), MinItems: 1),
        "Where attestations may come from: GRAFEAS (occurrences), REGISTRY (signatures beside the image), INLINE (sent with the request). Default: GRAFEAS, and REGISTRY where registries are listed.");

    private static readonly FieldShape MaxAttestationAge = new(
        "maxAttestationAge", Duration, "An attestation older than this counts for nothing. Absent: unlimited.", "720h");

    public static DocumentSchema Options { get; } = new(
        "options.schema.json",
        "Options",
        "options.yaml: our own settings of a project, beside Google's documents. Everything is optional.",
        new MappingShape(
            "options document",
            new FieldShape("failMode", new ChoiceShape(FailMode, FailModes()), "How an error under an enforced rule is answered, for all platforms or for each: CLOSED (the default) refuses, OPEN admits if the fault is ours."),
            new FieldShape("bindRepository", TrueOrFalse, "An attestation counts only for the repository its payload names. Default: false."),
            new FieldShape("indexCoversChildren", TrueOrFalse, "A verified image index covers the images listed in it. Default: false."),
            MaxAttestationAge,
            new FieldShape("maxSnapshotAge", Duration, "Documents that could not be read anew for longer decide nothing. Default: 24h.", "24h"),
            EvidenceSources,
            new FieldShape("attestors", new TableShape(AttestorNamePattern, Attestor()), "Settings of single attestors, by projects/<project>/attestors/<attestor>."),
            new FieldShape("pinnedKeys", new TableShape(KmsKeyPattern, Digest), "SHA-256 of the SubjectPublicKeyInfo of keys kept in Cloud KMS, by key id; written by `policyctl attestor pin`."),
            new FieldShape("revocations", new ListShape(Revocation()), "Digests that are refused, or that one attestor no longer vouches for."),
            new FieldShape("evidenceGrace", Duration, "How long archived evidence counts while its source is down, since the source last showed it. Default: 168h.", "168h"),
            new FieldShape("revokeOnKmsDisable", TrueOrFalse, "Signatures of a key version count no more once Cloud KMS says that it is disabled or destroyed. Default: false, it is only reported."),
            new FieldShape("registries", new ListShape(Registry()), "Hosts that evidence may be fetched from. Empty: none."),
            new FieldShape("containerAnalysis", ContainerAnalysis(), "A remote Container Analysis. Absent: our own store only."),
            new FieldShape("breakGlass", BreakGlass(), "The human override.")))
    {
        Examples =
        [
            """{"failMode": {"GKE": "CLOSED", "CLOUD_RUN": "OPEN"}, "bindRepository": true, "indexCoversChildren": false, "maxAttestationAge": "720h", "maxSnapshotAge": "24h", "evidenceSources": ["GRAFEAS"], "attestors": {"projects/acme/attestors/build": {"evidenceSources": ["GRAFEAS", "REGISTRY"], "maxAttestationAge": "1h30m"}}, "pinnedKeys": {"//cloudkms.googleapis.com/v1/projects/acme/locations/global/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1": "sha256:1111111111111111111111111111111111111111111111111111111111111111"}, "revocations": [{"digest": "sha256:2222222222222222222222222222222222222222222222222222222222222222", "attestor": "projects/acme/attestors/build", "reason": "withdrawn", "author": "alice@example.com"}], "evidenceGrace": "168h", "revokeOnKmsDisable": false, "registries": [{"host": "registry.example.com", "insecure": false, "mirrors": ["mirror.example.com"], "credentials": "docker-config", "privateHosts": ["auth.corp.example"]}], "containerAnalysis": {"endpoint": "https://containeranalysis.googleapis.com", "projects": ["acme"]}, "breakGlass": {"requireGrant": false}}""",
        ],
    };

    private static MappingShape FailModes() => new(
        "fail modes by platform",
        new FieldShape("GKE", FailMode, "On GKE."),
        new FieldShape("ON_PREM", FailMode, "On clusters of one's own."),
        new FieldShape("CLOUD_RUN", FailMode, "On Cloud Run."));

    private static MappingShape Attestor() => new(
        "options of an attestor",
        EvidenceSources with { Description = "Where this attestor's attestations may come from." },
        MaxAttestationAge with { Description = "An attestation of this attestor that is older counts for nothing." });

    private static MappingShape Revocation() => new(
        "revocation",
        new FieldShape("digest", Digest, "The revoked digest.", "sha256:2222222222222222222222222222222222222222222222222222222222222222") { Required = true },
        new FieldShape("attestor", AttestorName, "Only this attestor's attestations of the digest are revoked. Absent: the image is refused.", "projects/acme/attestors/qa"),
        new FieldShape("reason", Text, "Why, for those who read the denial.", "CVE-2026-1") { Required = true },
        new FieldShape("author", Text, "Who, for those who read the denial.", "alice@example.com") { Required = true });

    private static MappingShape Registry() => new(
        "registry",
        new FieldShape("host", Text, "The registry's host.", "registry.example.com") { Required = true },
        new FieldShape("insecure", TrueOrFalse, "HTTP without TLS. Default: false."),
        new FieldShape("mirrors", new ListShape(Text), "Hosts that hold the same, asked first."),
        new FieldShape("credentials", new WordShape("docker-config", "google", "ecr", "acr", "none"), "Where its credentials come from: the service's docker config file, or its identity at Google, AWS or Azure, which go to that cloud's registries alone. Default: none are sent."),
        new FieldShape("privateHosts", new ListShape(Text), "Hosts that its realm and redirections may lead to although they have private or link-local addresses; with a port, that port alone.", "auth.corp.example"));

    private static MappingShape ContainerAnalysis() => new(
        "container analysis",
        new FieldShape("endpoint", Text, "URL of the API: https, or http on this machine. Google credentials go to hosts under googleapis.com alone. Default: https://containeranalysis.googleapis.com.", "https://containeranalysis.googleapis.com"),
        new FieldShape("projects", new ListShape(Project), "Projects whose notes and occurrences are asked for; no other is.", "acme"));

    private static MappingShape BreakGlass() => new(
        "break-glass",
        new FieldShape("requireGrant", TrueOrFalse, "A marker alone is refused. Default: false."));
}
