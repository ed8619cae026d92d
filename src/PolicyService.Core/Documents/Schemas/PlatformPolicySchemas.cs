using PolicyService.Core.Attestors;
using static PolicyService.Core.Documents.Schemas.CommonShapes;
using SimpleSigningCheck = PolicyService.Core.Checks.SimpleSigningCheck;

namespace PolicyService.Core.Documents.Schemas;

/// <summary>The <c>PlatformPolicy</c> document, and the clusters it is bound to.</summary>
internal static class PlatformPolicySchemas
{
    private static readonly string[] Bodies = ["gkePolicy", "cloudRunPolicy"];

    // Their evidence cannot be fetched yet, and their inside is not read.
    private static readonly string[] UnavailableChecks =
        ["sigstoreSignatureCheck", "slsaCheck", "vulnerabilityCheck", "imageFreshnessCheck"];

    public static DocumentSchema PlatformPolicy { get; } = new(
        "platform-policy.schema.json",
        "Platform policy",
        "platform-policies/*.yaml: checks for pods (gkePolicy) or a rule for Cloud Run (cloudRunPolicy); it counts where clusters.yaml binds it.",
        new MappingShape(
            "platform policy",
            new FieldShape("name", PlatformPolicyName, "The policy's name; its platform fits the body.", "projects/acme/platforms/gke/policies/base") { Required = true },
            PassedOver("description", "What the policy is for, in words for people."),
            PassedOver("etag", "Passed over in a documents directory."),
            PassedOver("updateTime", "When it was last changed; passed over."),
            new FieldShape(Bodies[0], GkePolicy(), "Checks for the pods of clusters."),
            new FieldShape(Bodies[1], CloudRunPolicy(), "One rule for Cloud Run."))
        {
            Rule = new ExactlyOneOf(Bodies),
        })
    {
        Examples =
        [
            """{"name": "projects/acme/platforms/gke/policies/base", "gkePolicy": {"checkSets": [{"displayName": "everywhere", "checks": [{"displayName": "our registry", "trustedDirectoryCheck": {"trustedDirPatterns": ["registry.example.com/acme/**"]}}]}]}}""",
            """{"name": "projects/acme/platforms/cloudRun/policies/run", "cloudRunPolicy": {"allowlistPatterns": [{"namePattern": "registry.example.com/base/*"}], "rule": {"evaluationMode": "ALWAYS_DENY", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG"}}}""",
        ],
    };

    public static DocumentSchema Clusters { get; } = new(
        "clusters.schema.json",
        "Clusters",
        "clusters.yaml: whose a cluster is, where it runs, and which platform policies bind it; one for the service.",
        new MappingShape(
            "clusters document",
            new FieldShape("clusters", new TableShape(ClusterPattern, Cluster("cluster")), "Clusters by `location.clusterId`."),
            new FieldShape("default", Cluster("default cluster"), "The binding of every cluster not listed.")))
    {
        Examples =
        [
            """{"clusters": {"us-east1.prod": {"project": "acme", "platform": "GKE", "platformPolicies": [{"name": "projects/acme/platforms/gke/policies/base", "mode": "ENFORCE"}]}}, "default": {"project": "acme", "platform": "ON_PREM"}}""",
        ],
    };

    private static MappingShape GkePolicy() => new(
        "GKE policy",
        ImageAllowlist("policy", "Images admitted without a look at any check set."),
        new FieldShape(
            "checkSets",
            new ListShape(new MappingShape(
                "check set",
                new FieldShape("displayName", Text, "What the set is called, for people."),
                new FieldShape("scope", Scope(), "Which pods the set is for; without it, every pod."),
                ImageAllowlist("check set", "Images admitted without a look at the checks of the set."),
                new FieldShape("checks", new ListShape(Check()), "Checks that must all pass. Empty: every image passes."))),
            "Exactly one set is used for a pod. Service accounts stand first, then namespaces, the unscoped set last. Empty: every image passes."));

    private static MappingShape Scope() => new(
        "scope of a check set",
        new FieldShape("kubernetesNamespace", Namespace, "Pods of this namespace.", "payments"),
        new FieldShape("kubernetesServiceAccount", ServiceAccount, "Pods of this service account: `namespace:serviceaccount`.", "payments:api"))
    {
        Rule = new ExactlyOneOf("kubernetesNamespace", "kubernetesServiceAccount"),
    };

    private static MappingShape Check() => new(
        "check",
        [
            new FieldShape("displayName", Text, "What the check is called, for people."),
            ImageAllowlist("check", "Images that pass without a look at the check."),
            new FieldShape("alwaysDeny", TrueOrFalse, "No image passes: the catch-all."),
            new FieldShape(
                "trustedDirectoryCheck",
                new MappingShape(
                    "trusted directory check",
                    new FieldShape(
                        "trustedDirPatterns",
                        new ListShape(DirectoryPattern),
                        "Directories whose images pass: `d` holds the images directly in it, `d/*` those of its direct sub-directories, `d/**` all of its own and deeper.",
                        "registry.example.com/acme",
                        "*.pkg.dev.example.com/acme/**")),
                "The image comes from a trusted directory."),
            new FieldShape(SimpleSigningCheck.Name, SimpleSigning(), "A key of an authenticator attests the image's digest."),
            .. UnavailableChecks.Select(type =>
                new FieldShape(type, new OpaqueShape(IsMapping: true), "Not evaluated by this version: the check ends in an error, never in a pass.")),
        ])
    {
        Rule = new ExactlyOneOf(["alwaysDeny", "trustedDirectoryCheck", SimpleSigningCheck.Name, .. UnavailableChecks]),
    };

    private static MappingShape SimpleSigning() => new(
        "simple signing attestation check",
        new FieldShape(
            "containerAnalysisAttestationProjects",
            new ListShape(new TextShape($"^projects/{ProjectId}$")),
            "Projects whose attestations count, whatever their note; at most 10. Empty: none does.",
            "projects/acme"),
        new FieldShape(
            "attestationAuthenticators",
            new ListShape(new MappingShape(
                "attestation authenticator",
                new FieldShape("displayName", Text, "Whose keys these are, for people."),
                new FieldShape(
                    "pkixPublicKeySet",
                    new MappingShape(
                        "PKIX key set",
                        new FieldShape(
                            "pkixPublicKeys",
                            new ListShape(new MappingShape(
                                "PKIX key of an authenticator",
                                new FieldShape("publicKeyPem", Text, "One PEM block `PUBLIC KEY` (`openssl pkey -pubout`).") { Required = true },
                                new FieldShape("signatureAlgorithm", new WordShape(SignatureAlgorithms.AllNames), "How the key signs. It must fit the key.") { Required = true },
                                new FieldShape("keyId", KeyIdText, "What signatures name the key by; by default the RFC 6920 URI of its SubjectPublicKeyInfo."))),
                            "Keys of which any may verify an attestation.")),
                    "The keys.")), MinItems: 1),
            "Authenticators of which any may verify an attestation.")
        { Required = true });

    private static FieldShape ImageAllowlist(string of, string description) => new(
        "imageAllowlist",
        new MappingShape(
            $"image allowlist of a {of}",
            new FieldShape("allowPattern", new ListShape(NamePattern), "Patterns, written as `namePattern` of a policy.", "registry.example.com/base/*")),
        description);

    private static MappingShape CloudRunPolicy()
    {
        const string Attestors = "requiredAttestors";
        return new MappingShape(
            "Cloud Run policy",
            new FieldShape("allowlistPatterns", NamePatterns("Cloud Run allowlist pattern"), "Images admitted without a look at the rule."),
            new FieldShape(
                "rule",
                new MappingShape(
                    "Cloud Run rule",
                    [
                        .. PolicySchemas.Modes,
                        new FieldShape(Attestors, new ListShape(new OpaqueShape(IsMapping: false)), "Attestors of the rule; their evidence is not had by this version, so the rule ends in an error."),
                    ])
                {
                    Rule = new FilledExactlyFor(Attestors, "evaluationMode", "REQUIRE_ATTESTATION"),
                },
                "The rule for every image.")
            { Required = true });
    }

    private static MappingShape Cluster(string name) => new(
        name,
        new FieldShape("project", Project, "The project whose policy decides.", "acme") { Required = true },
        new FieldShape("platform", new WordShape("GKE", "ON_PREM", "CLOUD_RUN"), "Where the cluster runs.") { Required = true },
        new FieldShape(
            "platformPolicies",
            new ListShape(new MappingShape(
                $"binding of a {name}",
                new FieldShape("name", PlatformPolicyName, "The platform policy; platforms/gke on GKE and ON_PREM, platforms/cloudRun on CLOUD_RUN.", "projects/acme/platforms/gke/policies/base") { Required = true },
                new FieldShape("mode", new WordShape("MONITOR", "DRYRUN", "ENFORCE"), "MONITOR (the default) only shows in the trace, DRYRUN records, ENFORCE refuses."))),
            "Platform policies that bind the cluster."));
}
