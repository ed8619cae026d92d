using PolicyService.Core.Policies;
using PolicyService.Core.Tests.Documents;

namespace PolicyService.Core.Tests.Policies;

public sealed class PolicyParserTests
{
    private const string File = "policy.yaml";
    private const string Rule = "{evaluationMode: ALWAYS_DENY, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG}";
    private const string Default = $"defaultAdmissionRule: {Rule}\n";
    private const string Enforced = "enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG";

    public static TheoryData<string, string, int, int, string> Refused => new()
    {
        { "list", "- a\n", 1, 1, "the policy is a list" },
        { "text", "hello\n", 1, 1, "the policy is `hello`" },
        { "empty", "", 1, 1, "the document is empty" },
        { "comments only", "# nothing\n", 1, 1, "the document is empty" },
        { "default rule missing", "name: projects/acme/policy\n", 1, 1, "`defaultAdmissionRule` is missing" },
        { "default rule null", "defaultAdmissionRule:\n", 1, 1, "`defaultAdmissionRule` is missing" },
        { "default rule is a list", "defaultAdmissionRule: []\n", 1, 23, "`defaultAdmissionRule` is a list" },
        { "name of nothing", $"{Default}name: acme\n", 2, 7, "`name`: `acme` is not usable" },
        { "name of a bad project", $"{Default}name: projects/.x/policy\n", 2, 7, "`name`: `projects/.x/policy` is not usable" },
        { "name is a mapping", $"{Default}name: {{}}\n", 2, 7, "`name` is a mapping" },
        { "description is a list", $"{Default}description: [a]\n", 2, 14, "`description` is a list" },
        { "unknown field", $"{Default}colour: red\n", 2, 1, "unknown field `colour`" },
        { "field twice", $"{Default}name: projects/a/policy\nname: projects/b/policy\n", 3, 1, "the key `name` stands twice" },
        { "field twice, quoted", $"{Default}name: projects/a/policy\n\"name\": projects/a/policy\n", 3, 1, "the key `name` stands twice" },
        { "global mode unknown", $"{Default}globalPolicyEvaluationMode: ON\n", 2, 29, "`globalPolicyEvaluationMode`: `ON` is not usable" },
        { "global mode in lower case", $"{Default}globalPolicyEvaluationMode: enable\n", 2, 29, "`globalPolicyEvaluationMode`: `enable` is not usable" },
        { "evaluation mode missing", $"defaultAdmissionRule:\n  {Enforced}\n", 2, 3, "`evaluationMode` is missing" },
        { "evaluation mode unspecified", $"defaultAdmissionRule:\n  evaluationMode: EVALUATION_MODE_UNSPECIFIED\n  {Enforced}\n", 2, 19, "`evaluationMode`: `EVALUATION_MODE_UNSPECIFIED` is not usable" },
        { "evaluation mode unknown", $"defaultAdmissionRule:\n  evaluationMode: ALLOW\n  {Enforced}\n", 2, 19, "`evaluationMode`: `ALLOW` is not usable" },
        { "evaluation mode a number", $"defaultAdmissionRule:\n  evaluationMode: 1\n  {Enforced}\n", 2, 19, "`evaluationMode`: `1` is not usable" },
        { "evaluation mode a list", $"defaultAdmissionRule:\n  evaluationMode: [ALWAYS_DENY]\n  {Enforced}\n", 2, 19, "`evaluationMode` is a list" },
        { "enforcement mode missing", "defaultAdmissionRule:\n  evaluationMode: ALWAYS_DENY\n", 2, 3, "`enforcementMode` is missing" },
        { "enforcement mode unspecified", "defaultAdmissionRule:\n  evaluationMode: ALWAYS_DENY\n  enforcementMode: ENFORCEMENT_MODE_UNSPECIFIED\n", 3, 20, "`enforcementMode`: `ENFORCEMENT_MODE_UNSPECIFIED` is not usable" },
        { "enforcement mode unknown", "defaultAdmissionRule:\n  evaluationMode: ALWAYS_DENY\n  enforcementMode: DRYRUN\n", 3, 20, "`enforcementMode`: `DRYRUN` is not usable" },
        { "no attestors to require", $"defaultAdmissionRule:\n  evaluationMode: REQUIRE_ATTESTATION\n  {Enforced}\n", 2, 3, "REQUIRE_ATTESTATION without requireAttestationsBy" },
        { "empty attestors to require", $"defaultAdmissionRule:\n  evaluationMode: REQUIRE_ATTESTATION\n  {Enforced}\n  requireAttestationsBy: []\n", 4, 3, "REQUIRE_ATTESTATION without requireAttestationsBy" },
        { "attestors beside ALWAYS_ALLOW", $"defaultAdmissionRule:\n  evaluationMode: ALWAYS_ALLOW\n  {Enforced}\n  requireAttestationsBy: [projects/a/attestors/b]\n", 4, 3, "requireAttestationsBy beside a mode that asks for no attestation" },
        { "attestors beside ALWAYS_DENY", $"defaultAdmissionRule:\n  evaluationMode: ALWAYS_DENY\n  {Enforced}\n  requireAttestationsBy: [projects/a/attestors/b]\n", 4, 3, "requireAttestationsBy beside a mode that asks for no attestation" },
        { "attestor name short", $"defaultAdmissionRule:\n  evaluationMode: REQUIRE_ATTESTATION\n  {Enforced}\n  requireAttestationsBy: [build]\n", 4, 27, "`requireAttestationsBy`: `build` is not usable" },
        { "attestor is null", $"defaultAdmissionRule:\n  evaluationMode: REQUIRE_ATTESTATION\n  {Enforced}\n  requireAttestationsBy: [null]\n", 4, 27, "`requireAttestationsBy` is null" },
        { "unknown field in a rule", $"defaultAdmissionRule:\n  evaluationMode: ALWAYS_DENY\n  {Enforced}\n  mode: x\n", 4, 3, "unknown field `mode`" },
        { "patterns a mapping", $"{Default}admissionWhitelistPatterns: {{}}\n", 2, 29, "`admissionWhitelistPatterns` is a mapping" },
        { "pattern a string", $"{Default}admissionWhitelistPatterns:\n- gcr.io/a\n", 3, 3, "an item of `admissionWhitelistPatterns` is `gcr.io/a`" },
        { "pattern without name", $"{Default}admissionWhitelistPatterns:\n- {{}}\n", 3, 3, "`namePattern` is missing" },
        { "pattern with more", $"{Default}admissionWhitelistPatterns:\n- {{namePattern: a/b, more: x}}\n", 3, 22, "unknown field `more`" },
        { "pattern empty", $"{Default}admissionWhitelistPatterns:\n- namePattern: \"\"\n", 3, 16, "`namePattern`: `` is not usable" },
        { "pattern wild before the slash", $"{Default}admissionWhitelistPatterns:\n- namePattern: \"*.gcr.io/x\"\n", 3, 16, "`namePattern`: `*.gcr.io/x` is not usable" },
        { "pattern wild in the middle", $"{Default}admissionWhitelistPatterns:\n- namePattern: gcr.io/n*x\n", 3, 16, "`namePattern`: `gcr.io/n*x` is not usable" },
        { "cluster key without location", $"{Default}clusterAdmissionRules:\n  prod: {Rule}\n", 3, 3, "`prod` is no key of these rules" },
        { "cluster key in upper case", $"{Default}clusterAdmissionRules:\n  US-east1.prod: {Rule}\n", 3, 3, "`US-east1.prod` is no key of these rules" },
        { "cluster key with a further dot", $"{Default}clusterAdmissionRules:\n  us.east1.prod: {Rule}\n", 3, 3, "`us.east1.prod` is no key of these rules" },
        { "cluster key with empty location", $"{Default}clusterAdmissionRules:\n  .prod: {Rule}\n", 3, 3, "`.prod` is no key of these rules" },
        { "cluster key twice", $"{Default}clusterAdmissionRules:\n  a.b: {Rule}\n  a.b: {Rule}\n", 4, 3, "the key `a.b` stands twice" },
        { "namespace key", $"{Default}kubernetesNamespaceAdmissionRules:\n  Prod: {Rule}\n", 3, 3, "`Prod` is no key of these rules" },
        { "namespace key over 63", $"{Default}kubernetesNamespaceAdmissionRules:\n  {new string('a', 64)}: {Rule}\n", 3, 3, $"`{new string('a', 64)}` is no key of these rules" },
        { "service account key without namespace", $"{Default}kubernetesServiceAccountAdmissionRules:\n  api: {Rule}\n", 3, 3, "`api` is no key of these rules" },
        { "istio key", $"{Default}istioServiceIdentityAdmissionRules:\n  spiffe://a/sa/b: {Rule}\n", 3, 3, "`spiffe://a/sa/b` is no key of these rules" },
        { "istio key twice, once with scheme", $"{Default}istioServiceIdentityAdmissionRules:\n  spiffe://d/ns/n/sa/s: {Rule}\n  d/ns/n/sa/s: {Rule}\n", 4, 3, "`d/ns/n/sa/s` names what another key names" },
        { "specific rule is a list", $"{Default}clusterAdmissionRules:\n  a.b: []\n", 3, 8, "the rule is a list" },
        { "rules are a list", $"{Default}clusterAdmissionRules: [a]\n", 2, 24, "`clusterAdmissionRules` is a list" },
        { "two rule maps", $"{Default}clusterAdmissionRules:\n  a.b: {Rule}\nkubernetesNamespaceAdmissionRules:\n  n: {Rule}\n", 4, 1, "`kubernetesNamespaceAdmissionRules` is a second kind of specific rules" },
    };

    [Theory, MemberData(nameof(Refused))]
    [Trait("attack", "31"), Trait("attack", "32"), Trait("attack", "36"), Trait("attack", "37"), Trait("attack", "95")]
    public void Parse_refuses_at_the_place(string name, string text, int line, int column, string message) =>
        Reading.Refused(File, text, line, column, message, name);

    [Theory]
    [InlineData("clusterAdmissionRules", "kubernetesServiceAccountAdmissionRules", "n:s")]
    [InlineData("clusterAdmissionRules", "istioServiceIdentityAdmissionRules", "d/ns/n/sa/s")]
    [InlineData("clusterAdmissionRules", "kubernetesNamespaceAdmissionRules", "n")]
    [Trait("attack", "31")]
    public void Parse_refuses_every_second_rule_map(string first, string second, string key) => Reading.Refused(
        File, $"{Default}{first}: {{a.b: {Rule}}}\n{second}: {{\"{key}\": {Rule}}}\n", 3, 1, $"`{second}` is a second kind of specific rules");

    [Fact]
    public void Parse_takes_empty_rule_maps_beside_a_full_one() => Assert.Equal(
        RuleScope.Namespace,
        Reading.Accepted<Policy>(File, $"{Default}clusterAdmissionRules: {{}}\nistioServiceIdentityAdmissionRules:\nkubernetesNamespaceAdmissionRules: {{n: {Rule}}}\n").SpecificScope);

    [Fact]
    [Trait("attack", "37")]
    public void Parse_suggests_the_field_that_was_meant() => Assert.Equal(
        "did you mean `defaultAdmissionRule`?",
        Reading.Of(File, $"default_admission_rule: {Rule}\n").Problems.Single(problem => problem.Message.StartsWith("unknown", StringComparison.Ordinal)).Remedy);

    [Fact]
    public void Parse_reports_all_problems_at_once() => Assert.Equal(
        [
            "1:7 `name`: `acme` is not usable",
            "2:29 `globalPolicyEvaluationMode`: `ON` is not usable",
            "4:16 `namePattern`: `*` is not usable",
            "6:3 `prod` is no key of these rules",
            "8:19 `evaluationMode`: `NEVER` is not usable",
            "8:3 `enforcementMode` is missing",
            "9:1 unknown field `colour`",
        ],
        Reading.Problems(File, $"""
            name: acme
            globalPolicyEvaluationMode: ON
            admissionWhitelistPatterns:
            - namePattern: "*"
            clusterAdmissionRules:
              prod: {Rule}
            defaultAdmissionRule:
              evaluationMode: NEVER
            colour: red
            """));

    [Fact]
    public void Parse_lists_a_hundred_problems_at_most()
    {
        var fields = string.Concat(Enumerable.Range(0, 1000).Select(index => $"f{index}: x\n"));

        Assert.Equal(Limits.ProblemsPerDocument, Reading.Of(File, Default + fields).Problems.Count);
        Assert.Null(Reading.Of(File, Default + fields).Content);
    }

    [Fact]
    public void Parse_gives_the_same_policy_from_YAML_and_JSON()
    {
        const string Yaml = """
            name: projects/acme/policy
            globalPolicyEvaluationMode: ENABLE
            admissionWhitelistPatterns:
            - namePattern: gcr.io/a/*
            kubernetesNamespaceAdmissionRules:
              payments: {evaluationMode: REQUIRE_ATTESTATION, enforcementMode: DRYRUN_AUDIT_LOG_ONLY, requireAttestationsBy: [projects/acme/attestors/b]}
            defaultAdmissionRule:
              evaluationMode: ALWAYS_DENY
              enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG
            """;
        const string Json = """
            {"name": "projects/acme/policy", "globalPolicyEvaluationMode": "ENABLE", "admissionWhitelistPatterns": [{"namePattern": "gcr.io/a/*"}],
             "kubernetesNamespaceAdmissionRules": {"payments": {"evaluationMode": "REQUIRE_ATTESTATION", "enforcementMode": "DRYRUN_AUDIT_LOG_ONLY",
               "requireAttestationsBy": ["projects/acme/attestors/b"]}},
             "defaultAdmissionRule": {"evaluationMode": "ALWAYS_DENY", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG"}}
            """;
        var (yaml, json) = (Reading.Accepted<Policy>("policy.yaml", Yaml), Reading.Accepted<Policy>("policy.json", Json));

        foreach (var policy in (Policy[])[yaml, json])
        {
            Assert.Equal("acme", policy.Project);
            Assert.True(policy.UsesSystemPolicy);
            Assert.NotNull(policy.Allowlist.Match("gcr.io/a/b"));
            var rule = policy.SpecificRules["payments"];
            Assert.Equal((RuleScope.Namespace, "payments", EvaluationMode.RequireAttestation, EnforcementMode.DryRun), (rule.Scope, rule.Key, rule.Evaluation, rule.Enforcement));
            Assert.Equal("projects/acme/attestors/b", Assert.Single(rule.RequireAttestationsBy).ToString());
            Assert.Equal((EvaluationMode.AlwaysDeny, EnforcementMode.Enforce), (policy.DefaultRule.Evaluation, policy.DefaultRule.Enforcement));
        }

        Assert.NotEqual(yaml.Etag, json.Etag);
    }

    [Theory]
    [InlineData("list", "- a\n", 1, 1, "the system policy is a list")]
    [InlineData("unknown field", "colour: red\n", 1, 1, "unknown field `colour`")]
    [InlineData("rules of its own", $"clusterAdmissionRules: {{a.b: {Rule}}}\n", 1, 1, "unknown field `clusterAdmissionRules`")]
    [InlineData("bad pattern", "admissionWhitelistPatterns: [{namePattern: \"*\"}]\n", 1, 44, "`namePattern`: `*` is not usable")]
    [InlineData("bad mode in a rule nobody reads", "defaultAdmissionRule: {evaluationMode: NO, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG}\n", 1, 40, "`evaluationMode`: `NO` is not usable")]
    public void ParseSystem_refuses_at_the_place(string name, string text, int line, int column, string message) =>
        Reading.Refused("system-policy.yaml", text, line, column, message, name);
}
