using PolicyService.Core.Policies;

namespace PolicyService.Core.Tests.Schemas;

/// <summary>Documents that are right or wrong only by how their fields go together.</summary>
public static class FieldRuleCases
{
    private const string Modes = "\"enforcementMode\": \"ENFORCED_BLOCK_AND_AUDIT_LOG\", \"evaluationMode\"";
    private const string Allow = $$"""{ {{Modes}}: "ALWAYS_ALLOW"}""";
    private const string Uri = "registry.example.com/a@sha256:1111111111111111111111111111111111111111111111111111111111111111";
    private const string Note = """{"noteReference": "projects/acme/notes/build"}""";

    public static TheoryData<string, string, string> Refused => new()
    {
        { "attestation required of nobody", nameof(DocumentKind.Policy), Policy($$"""{ {{Modes}}: "REQUIRE_ATTESTATION"}""") },
        { "attestation required of an empty list", nameof(DocumentKind.Policy), Policy($$"""{ {{Modes}}: "REQUIRE_ATTESTATION", "requireAttestationsBy": []}""") },
        { "attestors of ALWAYS_ALLOW", nameof(DocumentKind.Policy), Policy($$"""{ {{Modes}}: "ALWAYS_ALLOW", "requireAttestationsBy": ["projects/a/attestors/b"]}""") },
        { "attestors of ALWAYS_DENY", nameof(DocumentKind.Policy), Policy($$"""{ {{Modes}}: "ALWAYS_DENY", "requireAttestationsBy": ["projects/a/attestors/b"]}""") },
        { "two rule maps", nameof(DocumentKind.Policy), Policy(Allow, $$"""{"a.b": {{Allow}} }""", $$"""{"n": {{Allow}} }""") },
        { "no note", nameof(DocumentKind.Attestor), """{"name": "projects/a/attestors/b"}""" },
        { "two notes", nameof(DocumentKind.Attestor), $$"""{"name": "projects/a/attestors/b", "userOwnedGrafeasNote": {{Note}}, "userOwnedDrydockNote": {{Note}} }""" },
        { "nothing signed", nameof(DocumentKind.Attestations), Occurrence("{}") },
        { "signatures of nothing", nameof(DocumentKind.Attestations), Occurrence("""{"signatures": [], "jwts": []}""") },
        { "no body", nameof(DocumentKind.PlatformPolicy), """{"name": "projects/a/platforms/gke/policies/p"}""" },
        { "two bodies", nameof(DocumentKind.PlatformPolicy), $$"""{"name": "projects/a/platforms/gke/policies/p", "gkePolicy": {}, "cloudRunPolicy": {"rule": {{Allow}} } }""" },
        { "a check without type", nameof(DocumentKind.PlatformPolicy), Checks("""{"displayName": "d"}""") },
        { "a check that does not deny", nameof(DocumentKind.PlatformPolicy), Checks("""{"alwaysDeny": false}""") },
        { "a check of two types", nameof(DocumentKind.PlatformPolicy), Checks("""{"alwaysDeny": true, "slsaCheck": {}}""") },
        { "a scope of nothing", nameof(DocumentKind.PlatformPolicy), Checks("""{"alwaysDeny": true}""", "{}") },
        { "a scope of both", nameof(DocumentKind.PlatformPolicy), Checks("""{"alwaysDeny": true}""", """{"kubernetesNamespace": "n", "kubernetesServiceAccount": "n:s"}""") },
        { "no evidence source", nameof(DocumentKind.Options), """{"evidenceSources": []}""" },
    };

    public static TheoryData<string, string, string> Taken => new()
    {
        { "an empty list of attestors", nameof(DocumentKind.Policy), Policy($$"""{ {{Modes}}: "ALWAYS_DENY", "requireAttestationsBy": []}""") },
        { "an empty second rule map", nameof(DocumentKind.Policy), Policy(Allow, $$"""{"a.b": {{Allow}} }""", "{}") },
        { "two empty rule maps", nameof(DocumentKind.Policy), Policy(Allow, "{}", "{}") },
        { "a payload without signatures", nameof(DocumentKind.Attestations), Occurrence("""{"serializedPayload": ""}""") },
        { "a check beside alwaysDeny: false", nameof(DocumentKind.PlatformPolicy), Checks("""{"alwaysDeny": false, "vulnerabilityCheck": {}}""") },
        { "no check sets", nameof(DocumentKind.PlatformPolicy), """{"name": "projects/a/platforms/gke/policies/p", "gkePolicy": {"checkSets": []}}""" },
        { "no options", nameof(DocumentKind.Options), "{}" },
        { "no clusters", nameof(DocumentKind.Clusters), "{}" },
        { "no attestations", nameof(DocumentKind.Attestations), "[]" },
    };

    private static string Policy(string rule, string clusters = "{}", string namespaces = "{}") =>
        $$"""{"clusterAdmissionRules": {{clusters}}, "kubernetesNamespaceAdmissionRules": {{namespaces}}, "defaultAdmissionRule": {{rule}} }""";

    private static string Occurrence(string attestation) =>
        $$"""{"noteName": "projects/acme/notes/build", "resourceUri": "{{Uri}}", "attestation": {{attestation}} }""";

    private static string Checks(string check, string? scope = null) => $$$"""
        {"name": "projects/a/platforms/gke/policies/p", "gkePolicy": {"checkSets": [{{{(scope is null ? "" : $"{{\"scope\": {scope}, \"checks\": [{check}]}},")}}} {"checks": [{{{check}}}]}]} }
        """;
}
