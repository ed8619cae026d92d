using static PolicyService.Core.Documents.Schemas.CommonShapes;

namespace PolicyService.Core.Documents.Schemas;

/// <summary>The <c>Policy</c> document of Binary Authorization, for projects and for the system policy.</summary>
internal static class PolicySchemas
{
    private const string Attestors = "requireAttestationsBy";
    private static readonly string[] RuleMaps =
        ["clusterAdmissionRules", "kubernetesNamespaceAdmissionRules", "kubernetesServiceAccountAdmissionRules", "istioServiceIdentityAdmissionRules"];

    private static readonly FieldShape Allowlist = new(
        "admissionWhitelistPatterns",
        NamePatterns("allowlist pattern"),
        "Images admitted without a look at any rule, ALWAYS_DENY notwithstanding.");

    private static readonly FieldShape GlobalMode = new(
        "globalPolicyEvaluationMode",
        new WordShape("ENABLE", "DISABLE", "GLOBAL_POLICY_EVALUATION_MODE_UNSPECIFIED"),
        "ENABLE: images of the system policy are admitted before this policy is looked at. Absent or unspecified: DISABLE.");

    private static readonly FieldShape[] Common =
    [
        PassedOver("description", "What the policy is for, in words for people."),
        PassedOver("etag", "What `policy export` printed; passed over in a documents directory."),
        PassedOver("updateTime", "When the policy was last changed; passed over."),
    ];

    /// <summary>The two modes of a rule, which Cloud Run policies have too.</summary>
    internal static FieldShape[] Modes { get; } =
    [
        new FieldShape(
            "evaluationMode",
            new WordShape("ALWAYS_ALLOW", "ALWAYS_DENY", "REQUIRE_ATTESTATION"),
            "ALWAYS_ALLOW admits, ALWAYS_DENY refuses, REQUIRE_ATTESTATION asks every attestor listed.")
        { Required = true },
        new FieldShape(
            "enforcementMode",
            new WordShape("ENFORCED_BLOCK_AND_AUDIT_LOG", "DRYRUN_AUDIT_LOG_ONLY"),
            "ENFORCED_BLOCK_AND_AUDIT_LOG refuses what does not conform; DRYRUN_AUDIT_LOG_ONLY admits and records it.")
        { Required = true },
    ];

    public static DocumentSchema Policy { get; } = new(
        "policy.schema.json",
        "Policy",
        "policy.yaml: which images a project admits, as `gcloud container binauthz policy export` prints it.",
        new MappingShape(
            "policy",
            [
                new FieldShape("name", PolicyName, "Whose policy it is.", "projects/acme/policy"),
                .. Common,
                GlobalMode,
                Allowlist,
                Rules(RuleMaps[0], ClusterPattern, "Rules by cluster: `location.clusterId`. Only one of the four rule maps may have entries."),
                Rules(RuleMaps[1], NamespacePattern, "Rules by namespace. Only one of the four rule maps may have entries."),
                Rules(RuleMaps[2], ServiceAccountPattern, "Rules by `namespace:serviceaccount`. Only one of the four rule maps may have entries."),
                Rules(RuleMaps[3], IstioIdentityPattern, "Rules by `spiffe://<domain>/ns/<namespace>/sa/<service account>`. Only one of the four rule maps may have entries."),
                new FieldShape("defaultAdmissionRule", Rule("default rule"), "The rule for requests that no specific rule matches.") { Required = true },
            ])
        { Rule = new AtMostOneFilled(RuleMaps) })
    {
        Examples =
        [
            """{"name": "projects/acme/policy", "defaultAdmissionRule": {"evaluationMode": "REQUIRE_ATTESTATION", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG", "requireAttestationsBy": ["projects/acme/attestors/build"]}}""",
            """{"globalPolicyEvaluationMode": "ENABLE", "admissionWhitelistPatterns": [{"namePattern": "registry.example.com/base/*"}], "clusterAdmissionRules": {"us-east1.staging": {"evaluationMode": "ALWAYS_ALLOW", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG"}}, "defaultAdmissionRule": {"evaluationMode": "ALWAYS_DENY", "enforcementMode": "DRYRUN_AUDIT_LOG_ONLY"}}""",
        ],
    };

    public static DocumentSchema SystemPolicy { get; } = new(
        "system-policy.schema.json",
        "System policy",
        "system-policy.yaml: images every cluster needs, for projects whose policy enables the system policy. Only its allowlist counts.",
        new MappingShape(
            "system policy",
            [
                PassedOver("name", "A name for people; passed over."),
                .. Common,
                GlobalMode with { Description = "Passed over here." },
                Allowlist with { Description = "Images admitted in every project whose policy enables the system policy." },
                new FieldShape("defaultAdmissionRule", Rule("default rule"), "Read, and never consulted."),
            ]))
    {
        Examples = ["""{"admissionWhitelistPatterns": [{"namePattern": "registry.k8s.io/pause*"}]}"""],
    };

    private static FieldShape Rules(string field, string keys, string description) =>
        new(field, new TableShape(keys, Rule($"rule of {field}")), description);

    private static MappingShape Rule(string name) => new(
        name,
        [
            .. Modes,
            new FieldShape(Attestors, new ListShape(AttestorName), "Attestors that must all have attested the image; only under REQUIRE_ATTESTATION.", "projects/acme/attestors/build"),
        ])
    {
        Rule = new FilledExactlyFor(Attestors, "evaluationMode", "REQUIRE_ATTESTATION"),
    };
}
