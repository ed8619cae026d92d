using PolicyService.Core.Checks;
using PolicyService.Core.Policies;
using PolicyService.Core.Tests.Documents;

namespace PolicyService.Core.Tests.Policies;

public sealed class PlatformPolicyParserTests
{
    private const string File = "platform-policies/p.yaml";
    private const string Gke = "name: projects/a/platforms/gke/policies/p\n";
    private const string Run = "name: projects/a/platforms/cloudRun/policies/p\n";
    private const string Enforced = "enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG";

    public static TheoryData<string, string, int, int, string> Refused => new()
    {
        { "list", "- a\n", 1, 1, "the platform policy is a list" },
        { "no name", "gkePolicy: {}\n", 1, 1, "`name` is missing" },
        { "name of a project policy", "name: projects/a/policy\ngkePolicy: {}\n", 1, 7, "`name`: `projects/a/policy` is not usable" },
        { "name of an unknown platform", "name: projects/a/platforms/ecs/policies/p\ngkePolicy: {}\n", 1, 7, "`name`: `projects/a/platforms/ecs/policies/p` is not usable" },
        { "no body", Gke, 1, 1, "the body does not fit the platform" },
        { "two bodies", $"{Gke}gkePolicy: {{}}\ncloudRunPolicy: {{rule: {{evaluationMode: ALWAYS_DENY, {Enforced}}}}}\n", 1, 1, "the body does not fit the platform" },
        { "Cloud Run body under gke", $"{Gke}cloudRunPolicy: {{rule: {{evaluationMode: ALWAYS_DENY, {Enforced}}}}}\n", 1, 1, "the body does not fit the platform" },
        { "GKE body under cloudRun", $"{Run}gkePolicy: {{}}\n", 1, 1, "the body does not fit the platform" },
        { "unknown field", $"{Gke}gkePolicy: {{}}\nmode: x\n", 3, 1, "unknown field `mode`" },
        { "unknown field in the body", $"{Gke}gkePolicy:\n  checks: []\n", 3, 3, "unknown field `checks`" },
        { "allowlist a list", $"{Gke}gkePolicy:\n  imageAllowlist: [a]\n", 3, 19, "`imageAllowlist` is a list" },
        { "allowlist with more", $"{Gke}gkePolicy:\n  imageAllowlist: {{patterns: []}}\n", 3, 20, "unknown field `patterns`" },
        { "allowlist pattern", $"{Gke}gkePolicy:\n  imageAllowlist: {{allowPattern: [\"*\"]}}\n", 3, 35, "`allowPattern`: `*` is not usable" },
        { "scope of two", $"{Gke}gkePolicy:\n  checkSets: [{{scope: {{kubernetesNamespace: a, kubernetesServiceAccount: \"a:b\"}}}}, {{}}]\n", 3, 23, "a scope names a namespace or a service account" },
        { "scope of none", $"{Gke}gkePolicy:\n  checkSets: [{{scope: {{}}}}]\n", 3, 23, "a scope names a namespace or a service account" },
        { "last set has a scope", $"{Gke}gkePolicy:\n  checkSets: [{{scope: {{kubernetesNamespace: a}}}}]\n", 3, 3, "the last check set has a scope" },
        { "namespace after none", $"{Gke}gkePolicy:\n  checkSets: [{{}}, {{scope: {{kubernetesNamespace: a}}}}, {{}}]\n", 3, 3, "check set 2 is more specific than the one before it" },
        { "service account after namespace", $"{Gke}gkePolicy:\n  checkSets: [{{scope: {{kubernetesNamespace: a}}}}, {{scope: {{kubernetesServiceAccount: \"a:b\"}}}}, {{}}]\n", 3, 3, "check set 2 is more specific than the one before it" },
        { "two sets without scope", $"{Gke}gkePolicy:\n  checkSets: [{{}}, {{}}]\n", 3, 3, "check set 2 is more specific than the one before it" },
        { "set with more", $"{Gke}gkePolicy:\n  checkSets: [{{mode: x}}]\n", 3, 16, "unknown field `mode`" },
        { "check without type", $"{Gke}gkePolicy:\n  checkSets: [{{checks: [{{displayName: x}}]}}]\n", 3, 25, "a check has exactly one type, this one has 0" },
        { "check that never denies", $"{Gke}gkePolicy:\n  checkSets: [{{checks: [{{alwaysDeny: false}}]}}]\n", 3, 25, "a check has exactly one type, this one has 0" },
        { "check of two types", $"{Gke}gkePolicy:\n  checkSets: [{{checks: [{{alwaysDeny: true, slsaCheck: {{}}}}]}}]\n", 3, 25, "a check has exactly one type, this one has 2" },
        { "unknown check", $"{Gke}gkePolicy:\n  checkSets: [{{checks: [{{alwaysDeny: true, luckCheck: {{}}}}]}}]\n", 3, 44, "unknown field `luckCheck`" },
        { "directory pattern", $"{Gke}gkePolicy:\n  checkSets: [{{checks: [{{trustedDirectoryCheck: {{trustedDirPatterns: [\"gcr.i*\"]}}}}]}}]\n", 3, 71, "`trustedDirPatterns`: `gcr.i*` is not usable" },
        { "directory check with more", $"{Gke}gkePolicy:\n  checkSets: [{{checks: [{{trustedDirectoryCheck: {{dirs: []}}}}]}}]\n", 3, 50, "unknown field `dirs`" },
        { "Cloud Run without rule", $"{Run}cloudRunPolicy: {{}}\n", 2, 17, "`rule` is missing" },
        { "Cloud Run mode", $"{Run}cloudRunPolicy:\n  rule: {{evaluationMode: NO, {Enforced}}}\n", 3, 26, "`evaluationMode`: `NO` is not usable" },
        { "Cloud Run mode beside attestors", $"{Run}cloudRunPolicy:\n  rule: {{evaluationMode: REQUIRE_ATTESTATION, enforcementMode: NO, requiredAttestors: [{{}}]}}\n", 3, 64, "`enforcementMode`: `NO` is not usable" },
        { "Cloud Run attestors beside ALWAYS_ALLOW", $"{Run}cloudRunPolicy:\n  rule: {{evaluationMode: ALWAYS_ALLOW, {Enforced}, requiredAttestors: [{{}}]}}\n", 3, 87, "requiredAttestors beside a mode that asks for no attestation" },
        { "Cloud Run without attestors", $"{Run}cloudRunPolicy:\n  rule: {{evaluationMode: REQUIRE_ATTESTATION, {Enforced}, requiredAttestors: []}}\n", 3, 94, "REQUIRE_ATTESTATION without requiredAttestors" },
        { "Cloud Run with attestors of a project rule", $"{Run}cloudRunPolicy:\n  rule: {{evaluationMode: ALWAYS_DENY, {Enforced}, requireAttestationsBy: []}}\n", 3, 86, "unknown field `requireAttestationsBy`" },
        { "Cloud Run pattern", $"{Run}cloudRunPolicy:\n  allowlistPatterns: [{{namePattern: \"*\"}}]\n  rule: {{evaluationMode: ALWAYS_DENY, {Enforced}}}\n", 3, 37, "`namePattern`: `*` is not usable" },
    };

    [Theory, MemberData(nameof(Refused))]
    [Trait("attack", "39"), Trait("attack", "95")]
    public void Parse_refuses_at_the_place(string name, string text, int line, int column, string message) =>
        Reading.Refused(File, text, line, column, message, name);

    [Fact]
    [Trait("attack", "121")]
    public void Parse_writes_out_that_nothing_is_checked()
    {
        Assert.IsType<AlwaysAllowCheck>(Assert.Single(Assert.Single(Reading.Accepted<PlatformPolicy>(File, $"{Gke}gkePolicy: {{}}\n").CheckSets).Checks));
        Assert.IsType<AlwaysAllowCheck>(Assert.Single(Assert.Single(Reading.Accepted<PlatformPolicy>(File, $"{Gke}gkePolicy: {{checkSets: [{{}}]}}\n").CheckSets).Checks));
    }

    [Fact]
    public void Parse_reports_all_problems_at_once() => Assert.Equal(
        [
            "1:7 `name`: `p` is not usable", "9:1 unknown field `colour`", "3:36 `allowPattern`: `*` is not usable", "5:12 a scope names a namespace or a service account",
            "7:7 a check has exactly one type, this one has 0", "8:7 unknown field `mode`", "4:3 the last check set has a scope",
        ],
        Reading.Problems(File, """
            name: p
            gkePolicy:
              imageAllowlist: { allowPattern: ["*"]}
              checkSets:
              - scope: {kubernetesNamespace: a, kubernetesServiceAccount: "a:b"}
                checks:
                - displayName: x
                  mode: x
            colour: red
            """));
}
