using System.Text.Json;
using System.Text.Json.Nodes;

namespace PolicyService.Server.Tests.Rest;

/// <summary>A route that takes a body, with a body it takes.</summary>
/// <param name="Name">What it does.</param>
/// <param name="Method">HTTP method.</param>
/// <param name="Path">Its path; <c>P</c> stands for the project.</param>
/// <param name="Body">A good body with as many fields as it has.</param>
/// <param name="Required">Fields without which it is refused, by path.</param>
/// <param name="Opaque">Fields whose inside is not read, and the fields that are passed over whatever they are.</param>
internal sealed record Route(string Name, string Method, string Path, string Body, string[] Required, string[] Opaque)
{
    public override string ToString() => Name;
}

/// <summary>Every route that takes a body.</summary>
internal static class RouteTable
{
    public const string Digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    private const string Pem = "-----BEGIN PUBLIC KEY-----\\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf9ODnrapSEyhmOT+4twUtC5bIb/v\\nhSCa4eU+nnc2s9h9bAyLSdQ+fEz4ZW5XwYmRSZturF78GEqUupfxq2Ln+Q==\\n-----END PUBLIC KEY-----\\n";

    private const string Iam = """
        {"policy": {"version": 3, "bindings": [{"role": "roles/binaryauthorization.policyViewer", "members": ["user:a@example.com"],
          "condition": {"title": "t", "description": "d", "expression": "true"}}]}}
        """;

    private const string Occurrence = $$$"""
        {"kind": "ATTESTATION", "noteName": "projects/P/notes/n", "resourceUri": "https://registry.example.com/a@{{{Digest}}}",
         "attestation": {"serializedPayload": "e30=", "signatures": [{"publicKeyId": "k", "signature": "-_8="}]}}
        """;

    private static readonly string Gke = $$$"""
        {"description": "d", "gkePolicy": {"imageAllowlist": {"allowPattern": ["registry.example.com/base/*"]}, "checkSets": [
          {"displayName": "s", "scope": {"kubernetesNamespace": "n"}, "imageAllowlist": {"allowPattern": ["registry.example.com/b/*"]},
           "checks": [{"displayName": "d", "trustedDirectoryCheck": {"trustedDirPatterns": ["registry.example.com/team"]}}]},
          {"displayName": "all", "checks": [{"displayName": "c", "simpleSigningAttestationCheck": {"containerAnalysisAttestationProjects": ["projects/P"],
            "attestationAuthenticators": [{"displayName": "b", "pkixPublicKeySet": {"pkixPublicKeys": [
              {"publicKeyPem": "{{{Pem}}}", "signatureAlgorithm": "ECDSA_P256_SHA256", "keyId": "k"}]}}]}}]}]}}
        """;

    private static readonly string[] CheckRequired =
    [
        "gkePolicy", "gkePolicy.checkSets[1].checks[0].simpleSigningAttestationCheck.attestationAuthenticators",
        "gkePolicy.checkSets[1].checks[0].simpleSigningAttestationCheck.attestationAuthenticators[0].pkixPublicKeySet.pkixPublicKeys[0].publicKeyPem",
        "gkePolicy.checkSets[1].checks[0].simpleSigningAttestationCheck.attestationAuthenticators[0].pkixPublicKeySet.pkixPublicKeys[0].signatureAlgorithm",
    ];

    public static IReadOnlyList<Route> All { get; } =
    [
        new("policy", "PUT", "/v1/projects/P/policy", """
            {"name": "projects/P/policy", "description": "d", "admissionWhitelistPatterns": [{"namePattern": "registry.example.com/base/*"}],
             "clusterAdmissionRules": {"us-east1.prod": {"evaluationMode": "ALWAYS_DENY", "enforcementMode": "DRYRUN_AUDIT_LOG_ONLY"}},
             "defaultAdmissionRule": {"evaluationMode": "ALWAYS_ALLOW", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG", "requireAttestationsBy": []},
             "globalPolicyEvaluationMode": "ENABLE", "updateTime": "2026-01-01T00:00:00Z"}
            """, ["defaultAdmissionRule", "defaultAdmissionRule.evaluationMode", "defaultAdmissionRule.enforcementMode", "admissionWhitelistPatterns[0].namePattern"], ["name"]),
        .. new[] { "v1", "v1beta1", "v1alpha2" }.SelectMany(Attestors),
        new("IAM policy of the policy", "POST", "/v1/projects/P/policy:setIamPolicy", Iam, ["policy", "policy.bindings[0].role", "policy.bindings[0].condition.expression"], []),
        new("IAM policy of an attestor", "POST", "/v1alpha2/projects/P/attestors/a:setIamPolicy", Iam, ["policy", "policy.bindings[0].role"], []),
        new("permissions", "POST", "/v1beta1/projects/P/policy:testIamPermissions", """{"permissions": ["binaryauthorization.policy.get"]}""", [], []),
        new("note", "POST", "/v1/projects/P/notes/?noteId=new", """
            {"name": "projects/P/notes/new", "shortDescription": "s", "kind": "ATTESTATION", "relatedNoteNames": ["projects/P/notes/n"], "attestation": {"hint": {"humanReadableName": "x"}}}
            """, ["attestation"], ["attestation.hint", "attestation.hint.humanReadableName"]),
        new("occurrence", "POST", "/v1/projects/P/occurrences", Occurrence,
            ["kind", "noteName", "resourceUri", "attestation", "attestation.serializedPayload", "attestation.signatures[0].publicKeyId", "attestation.signatures[0].signature"], []),
        new("validation", "POST", "/v1/projects/P/attestors/a:validateAttestationOccurrence", $$$"""
            {"occurrenceNote": "projects/P/notes/n", "occurrenceResourceUri": "https://registry.example.com/a@{{{Digest}}}",
             "attestation": {"serializedPayload": "e30=", "signatures": [{"publicKeyId": "k", "signature": "-_8="}]}}
            """, ["occurrenceNote", "occurrenceResourceUri", "attestation", "attestation.serializedPayload"], []),
        new("platform policy", "POST", "/v1/projects/P/platforms/gke/policies?policyId=new", Gke, CheckRequired, []),
        new("platform policy anew", "PUT", "/v1/projects/P/platforms/gke/policies/x", Gke, CheckRequired, []),
        new("platform policy of Cloud Run", "POST", "/v1/projects/P/platforms/cloudRun/policies?policyId=new", """
            {"cloudRunPolicy": {"allowlistPatterns": [{"namePattern": "registry.example.com/a/*"}],
              "rule": {"evaluationMode": "ALWAYS_DENY", "enforcementMode": "DRYRUN_AUDIT_LOG_ONLY"}}}
            """, ["cloudRunPolicy", "cloudRunPolicy.rule", "cloudRunPolicy.rule.evaluationMode"], []),
        new("evaluation", "POST", "/v1/projects/P/platforms/gke/policies/x:evaluate", """
            {"attestationMode": "ATTESTATION_MODE_UNSPECIFIED", "resource": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "n", "namespace": "n"},
              "spec": {"serviceAccountName": "s", "containers": [{"name": "c", "image": "registry.example.com/team/a"}]}}}
            """, ["resource", "resource.kind", "resource.spec.containers[0].image"], ["resource.apiVersion", "resource.spec.containers[0].name"]),
        new("continuous validation", "PUT", "/v1alpha2/projects/P/continuousValidationConfig", """
            {"name": "projects/P/continuousValidationConfig", "enforcementPolicyConfig": {"enabled": true}}
            """, [], []),
    ];

    public static Route Named(string name) => All.Single(route => route.Name == name);

    /// <summary>The body with every field that is read set to every kind of value it is not, and the path of the field.</summary>
    public static IEnumerable<(string Path, string Body)> WrongTypes(Route route)
    {
        foreach (var path in Paths(JsonNode.Parse(route.Body)!, "").Where(path => !route.Opaque.Contains(path)))
        {
            var kind = Find(JsonNode.Parse(route.Body)!, path)!.GetValueKind();
            foreach (var wrong in new[] { "1", "true", "\"x y\"", "{}", "[1]", "[[]]" }.Where(wrong => !Fits(kind, wrong)))
            {
                yield return (path, Replace(route.Body, path, wrong));
            }
        }
    }

    public static string Replace(string body, string path, string? value)
    {
        var root = JsonNode.Parse(body)!;
        var node = Find(root, path)!;
        if (value is not null)
        {
            node.ReplaceWith(JsonNode.Parse(value));
        }
        else if (node.Parent is JsonObject owner)
        {
            owner.Remove(node.GetPropertyName());
        }

        return root.ToJsonString();
    }

    public static IEnumerable<string> Paths(JsonNode node, string path) => node switch
    {
        JsonObject fields => fields.SelectMany(field => Own(field.Value!, path.Length == 0 ? field.Key : $"{path}.{field.Key}")),
        JsonArray items => items.SelectMany((item, index) => Own(item!, $"{path}[{index}]")),
        _ => [],
    };

    private static IEnumerable<string> Own(JsonNode node, string path) => Paths(node, path).Prepend(path);

    private static JsonNode? Find(JsonNode root, string path) => Each(root).SingleOrDefault(node => PathOf(node) == path);

    private static IEnumerable<JsonNode> Each(JsonNode node) =>
        (node switch { JsonObject fields => fields.Select(field => field.Value!), JsonArray items => items.Select(item => item!), _ => [] }).SelectMany(Each).Prepend(node);

    /// <summary>The path as the service writes it: without the <c>$.</c>, and keys with dots as they are.</summary>
    private static string PathOf(JsonNode node) => node.Parent switch
    {
        null => "",
        JsonArray => $"{PathOf(node.Parent)}[{node.GetElementIndex()}]",
        var owner => PathOf(owner) is { Length: > 0 } path ? $"{path}.{node.GetPropertyName()}" : node.GetPropertyName(),
    };

    /// <summary>An empty object is a good object, if an incomplete one: that is tried by leaving fields out.</summary>
    private static bool Fits(JsonValueKind kind, string wrong) => kind switch
    {
        JsonValueKind.String => wrong[0] == '"',
        JsonValueKind.Object => wrong[0] == '{',
        JsonValueKind.Array => false,
        JsonValueKind.Number => wrong == "1",
        _ => wrong == "true",
    };

    private static IEnumerable<Route> Attestors(string version)
    {
        var note = version == "v1" ? "userOwnedGrafeasNote" : "userOwnedDrydockNote";
        var body = $$$"""
            {"description": "d", "{{{note}}}": {"noteReference": "projects/P/notes/n", "publicKeys": [
              {"comment": "c", "id": "k", "pkixPublicKey": {"publicKeyPem": "{{{Pem}}}", "signatureAlgorithm": "ECDSA_P256_SHA256"}}]}}
            """;
        string[] required = [note, $"{note}.noteReference"];
        return
        [
            new($"attestor {version}", "POST", $"/{version}/projects/P/attestors?attestorId=new", body, required, []),
            new($"attestor anew {version}", "PUT", $"/{version}/projects/P/attestors/a", body, required, []),
        ];
    }
}
