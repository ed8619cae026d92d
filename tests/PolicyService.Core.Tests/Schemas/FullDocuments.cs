using PolicyService.Core.Policies;

namespace PolicyService.Core.Tests.Schemas;

/// <summary>Documents in which, together, every field of every schema stands; each is taken by its parser.</summary>
internal static class FullDocuments
{
    private const string Digest = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
    private const string Attested =
        """{"evaluationMode": "REQUIRE_ATTESTATION", "enforcementMode": "DRYRUN_AUDIT_LOG_ONLY", "requireAttestationsBy": ["projects/acme/attestors/build"]}""";

    private const string Passed = """ "description": "d", "etag": "e", "updateTime": "2026-01-31T12:00:00Z" """;
    private const string Allowlist = """{"allowPattern": ["registry.example.com/base/*"]}""";

    private const string Occurrence = $$$"""
        {"name": "projects/acme/occurrences/1", "kind": "ATTESTATION", "noteName": "projects/acme/notes/build", "resourceUri": "registry.example.com/a@{{{Digest}}}",
         "createTime": "2026-01-31T12:00:00Z", "updateTime": "2026-01-31T12:00:00Z", "remediation": "r",
         "attestation": {"serializedPayload": "e30", "signatures": [{"publicKeyId": "k", "signature": "-_8="}], "jwts": [{"compactJwt": "e30.e30.e30"}]}}
        """;

    public static IReadOnlyList<(string Name, DocumentKind Kind, string Json)> All { get; } =
    [
        Policy("clusterAdmissionRules", "us-east1.prod"),
        Policy("kubernetesNamespaceAdmissionRules", "payments"),
        Policy("kubernetesServiceAccountAdmissionRules", "payments:api.v1"),
        Policy("istioServiceIdentityAdmissionRules", "spiffe://example.com/ns/payments/sa/api"),
        ("system policy", DocumentKind.SystemPolicy, $$$"""
            {"name": "any name", {{{Passed}}}, "globalPolicyEvaluationMode": "DISABLE",
             "admissionWhitelistPatterns": [{"namePattern": "registry.k8s.io/**"}], "defaultAdmissionRule": {{{Attested}}} }
            """),
        Attestor("userOwnedGrafeasNote"),
        Attestor("userOwnedDrydockNote"),
        ("occurrence", DocumentKind.Attestations, Occurrence),
        ("list of occurrences", DocumentKind.Attestations, $"[{Occurrence}]"),
        ("reply", DocumentKind.Attestations, $$"""{"occurrences": [{{Occurrence}}], "nextPageToken": "t"}"""),
        Gke("trustedDirectoryCheck", """{"trustedDirPatterns": ["*.gcr.io/acme/**"]}"""),
        Gke("simpleSigningAttestationCheck", """
            {"containerAnalysisAttestationProjects": ["projects/acme"], "attestationAuthenticators": [{"displayName": "builder",
             "pkixPublicKeySet": {"pkixPublicKeys": [{"publicKeyPem": "none", "signatureAlgorithm": "ED25519", "keyId": "k"}]}}]}
            """),
        Gke("sigstoreSignatureCheck", "{}"),
        Gke("slsaCheck", "{}"),
        Gke("vulnerabilityCheck", "{}"),
        Gke("imageFreshnessCheck", """{"maxUploadAgeDays": 30}"""),
        ("Cloud Run policy", DocumentKind.PlatformPolicy, $$$"""
            {"name": "projects/acme/platforms/cloudRun/policies/run", {{{Passed}}}, "cloudRunPolicy": {"allowlistPatterns": [{"namePattern": "registry.example.com/a"}],
             "rule": {"evaluationMode": "REQUIRE_ATTESTATION", "enforcementMode": "DRYRUN_AUDIT_LOG_ONLY", "requiredAttestors": [{"id": "x"}]} }}
            """),
        ("options", DocumentKind.Options, Options("""{"GKE": "CLOSED", "ON_PREM": "CLOSED", "CLOUD_RUN": "OPEN"}""")),
        ("options with one fail mode", DocumentKind.Options, Options("\"OPEN\"")),
        ("clusters", DocumentKind.Clusters, $$$"""{"clusters": {"us-east1.prod": {{{Cluster}}} }, "default": {{{Cluster}}} }"""),
    ];

    private const string Cluster =
        """{"project": "example.com:acme", "platform": "GKE", "platformPolicies": [{"name": "projects/acme/platforms/gke/policies/base", "mode": "ENFORCE"}]}""";

    private static (string, DocumentKind, string) Policy(string field, string key) => (field, DocumentKind.Policy, $$$"""
        {"name": "projects/acme/policy", {{{Passed}}}, "globalPolicyEvaluationMode": "ENABLE", "admissionWhitelistPatterns": [{"namePattern": "registry.example.com/a*"}],
         "{{{field}}}": {"{{{key}}}": {{{Attested}}} }, "defaultAdmissionRule": {{{Attested}}} }
        """);

    private static (string, DocumentKind, string) Attestor(string note) => (note, DocumentKind.Attestor, $$$"""
        {"name": "projects/acme/attestors/build", {{{Passed}}}, "{{{note}}}": {"noteReference": "projects/acme/notes/build", "delegationServiceAccountEmail": "a@b",
         "publicKeys": [{"comment": "c", "id": "k", "pkixPublicKey": {"publicKeyPem": "none", "signatureAlgorithm": "ED25519", "keyId": "k"}, "asciiArmoredPgpPublicKey": null},
                        {"id": "p", "asciiArmoredPgpPublicKey": "none"}]}}
        """);

    private static (string, DocumentKind, string) Gke(string check, string body) => ($"GKE policy with {check}", DocumentKind.PlatformPolicy, $$$"""
        {"name": "projects/acme/platforms/gke/policies/base", {{{Passed}}}, "gkePolicy": {"imageAllowlist": {{{Allowlist}}}, "checkSets": [
          {"displayName": "account", "scope": {"kubernetesServiceAccount": "payments:api"}, "imageAllowlist": {{{Allowlist}}}, "checks": [{"alwaysDeny": true}]},
          {"displayName": "namespace", "scope": {"kubernetesNamespace": "payments"}, "checks": [{"displayName": "d", "imageAllowlist": {{{Allowlist}}}, "alwaysDeny": false, "{{{check}}}": {{{body}}} }]},
          {"checks": []}]}}
        """);

    private static string Options(string failMode) => $$$"""
        {"failMode": {{{failMode}}}, "bindRepository": true, "indexCoversChildren": true, "maxAttestationAge": "1h30m", "maxSnapshotAge": "24h", "evidenceSources": ["INLINE"],
         "attestors": {"projects/acme/attestors/build": {"evidenceSources": ["GRAFEAS"], "maxAttestationAge": "30s"}}, "pinnedKeys": {"//cloudkms.googleapis.com/v1/projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1": "{{{Digest}}}"},
         "revocations": [{"digest": "{{{Digest}}}", "attestor": "projects/acme/attestors/build", "reason": "r", "author": "a"}], "evidenceGrace": "168h",
         "revokeOnKmsDisable": true, "registries": [{"host": "h.example", "insecure": true, "mirrors": ["m.example"], "credentials": "docker-config", "privateHosts": ["p.example:8443"]}],
         "containerAnalysis": {"endpoint": "https://ca.example.com", "projects": ["p"]}, "breakGlass": {"requireGrant": true}}
        """;
}
