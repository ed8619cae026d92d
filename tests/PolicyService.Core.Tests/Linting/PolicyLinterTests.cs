using PolicyService.Core.Attestors;
using PolicyService.Core.Documents;
using PolicyService.Core.Linting;
using PolicyService.Tests;

namespace PolicyService.Core.Tests.Linting;

public sealed class PolicyLinterTests
{
    private const string Deny = "{evaluationMode: ALWAYS_DENY, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG}";
    private const string Allow = "{evaluationMode: ALWAYS_ALLOW, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG}";

    [Fact]
    public void Clean_directory_has_no_findings() => Assert.Empty(new Documents().Places());

    [Fact]
    public void Refused_document_is_an_error() =>
        Assert.Equal(["PS001 options.yaml:1:1"], new Documents().With("options.yaml", "failmode: OPEN").Places());

    [Fact]
    public void Part_that_does_not_count_is_a_warning() =>
        Assert.Equal(["PS002 extra.yaml:1:1"], new Documents().With("extra.yaml", "a: b").Places());

    [Fact]
    public void Document_written_twice_is_an_error_in_both_files() => Assert.Equal(
        ["PS001 options.json:1:1", "PS001 options.yaml:1:1"],
        new Documents().With("options.yaml", "bindRepository: true").With("options.json", """{"bindRepository": true}""").Places());

    [Fact]
    public void Attestor_that_does_not_exist_is_an_error_at_its_rule() => Assert.Equal(
        ["PS010 policy.yaml:2:1"],
        new Documents().With("policy.yaml", Documents.Policy.Replace("attestors/build]", "attestors/build, projects/acme/attestors/qa]", StringComparison.Ordinal)).Places());

    [Fact]
    public void Attestor_that_does_not_exist_is_an_error_at_a_specific_rule() => Assert.Equal(
        ["PS010 policy.yaml:7:3"],
        new Documents().With("policy.yaml", Documents.Policy + """

            clusterAdmissionRules:
              a.b: {evaluationMode: REQUIRE_ATTESTATION, enforcementMode: DRYRUN_AUDIT_LOG_ONLY, requireAttestationsBy: [projects/acme/attestors/qa]}
            """).Places());

    [Fact]
    public void Attestor_that_no_rule_names_is_unused() =>
        Assert.Equal(["PS011 attestors/qa.yaml:1:1"], new Documents().WithAttestor("qa", SignatureAlgorithm.EcdsaP384Sha384).Places());

    [Fact]
    public void Attestor_beside_no_policy_is_not_called_unused() =>
        Assert.DoesNotContain(new Documents().With("policy.yaml", "").Lint(), finding => finding.Rule == LintRule.UnusedAttestor);

    [Theory]
    [InlineData("docker.io/**", "PS024 policy.yaml:2:1", "PS025 policy.yaml:3:44")]
    [InlineData("docker.io/library/**")]
    [InlineData("ghcr.io/acme/**")]
    [InlineData("registry.example.com/**")]
    [InlineData("registry.example.com/acme/**")]
    public void Denial_by_default_is_void_where_the_allowlist_has_a_public_registry(string pattern, params string[] places) => Assert.Equal(
        places,
        new Documents().With("policy.yaml", $"name: projects/acme/policy\ndefaultAdmissionRule: {Deny}\nadmissionWhitelistPatterns: [{{namePattern: \"{pattern}\"}}]").Places()
            .Where(place => !place.StartsWith("PS011", StringComparison.Ordinal)));

    [Theory]
    [InlineData("registry.example.com/**", true)]
    [InlineData("docker.io/**", true)]
    [InlineData("registry.example.com/acme/**", false)]
    [InlineData("docker.io/library/**", false)]
    public void Denial_of_a_rule_is_void_where_the_allowlist_has_a_whole_registry(string pattern, bool isFound)
    {
        var documents = new Documents().With("policy.yaml", $"{Documents.Policy}\nadmissionWhitelistPatterns: [{{namePattern: \"{pattern}\"}}]\nclusterAdmissionRules:\n  a.b: {Deny}");

        var found = documents.Lint().Where(finding => finding.Rule.Code == "PS024").ToArray();
        Assert.Equal(isFound ? [(8, 3)] : [], found.Select(finding => (finding.Mark.Line, finding.Mark.Column)));
        Assert.All(found, finding => Assert.Contains($"`{pattern}`", finding.Message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("ALWAYS_ALLOW", "DRYRUN_AUDIT_LOG_ONLY", "PS032 policy.yaml:4:3")]
    [InlineData("ALWAYS_DENY", "DRYRUN_AUDIT_LOG_ONLY", "PS033 policy.yaml:4:3")]
    [InlineData("REQUIRE_ATTESTATION", "DRYRUN_AUDIT_LOG_ONLY", "PS033 policy.yaml:4:3")]
    [InlineData("ALWAYS_ALLOW", "ENFORCED_BLOCK_AND_AUDIT_LOG", null)]
    [InlineData("ALWAYS_DENY", "ENFORCED_BLOCK_AND_AUDIT_LOG", null)]
    [InlineData("REQUIRE_ATTESTATION", "ENFORCED_BLOCK_AND_AUDIT_LOG", null)]
    public void Dry_run_by_default_is_a_warning(string evaluation, string enforcement, string? place)
    {
        var attestors = evaluation == "REQUIRE_ATTESTATION" ? "\n  requireAttestationsBy: [projects/acme/attestors/build]" : "";
        var documents = new Documents().With("policy.yaml", $"name: projects/acme/policy\ndefaultAdmissionRule:\n  evaluationMode: {evaluation}\n  enforcementMode: {enforcement}{attestors}");

        Assert.Equal(place is null ? [] : [place], documents.Places().Where(found => !found.StartsWith("PS011", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("ALWAYS_ALLOW", "PS032 policy.yaml:7:39")]
    [InlineData("ALWAYS_DENY", null)]
    public void Dry_run_of_a_rule_is_pointless_where_it_allows_all(string evaluation, string? place) => Assert.Equal(
        place is null ? [] : [place],
        new Documents().With("policy.yaml", $"{Documents.Policy}\nclusterAdmissionRules:\n  a.b: {{evaluationMode: {evaluation}, enforcementMode: DRYRUN_AUDIT_LOG_ONLY}}").Places());

    [Fact]
    public void Rule_that_denies_without_an_allowlist_is_left_alone() =>
        Assert.Empty(new Documents().With("policy.yaml", $"{Documents.Policy}\nclusterAdmissionRules: {{a.b: {Deny}}}").Places());

    [Theory]
    [InlineData("{evaluationMode: REQUIRE_ATTESTATION, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG, requireAttestationsBy: [projects/acme/attestors/build]}", true)]
    [InlineData("{evaluationMode: REQUIRE_ATTESTATION, enforcementMode: DRYRUN_AUDIT_LOG_ONLY, requireAttestationsBy: [projects/acme/attestors/build]}", false)]
    [InlineData(Deny, false)]
    public void Rule_like_the_default_is_a_warning(string rule, bool isFound) => Assert.Equal(
        isFound ? ["PS031 policy.yaml:7:3"] : [],
        new Documents().With("policy.yaml", $"{Documents.Policy}\nkubernetesNamespaceAdmissionRules:\n  shop: {rule}").Places());

    [Theory]
    [InlineData("clusterAdmissionRules", "us-east1.prod", "{clusters: {us-east1.prod: {project: acme, platform: GKE}}}", false)]
    [InlineData("clusterAdmissionRules", "us-east1.prod", "{clusters: {us-east1.prod: {project: other, platform: GKE}}}", true)]
    [InlineData("clusterAdmissionRules", "us-east1.prod", "{clusters: {us-east1.prod: {project: acme, platform: CLOUD_RUN}}}", true)]
    [InlineData("clusterAdmissionRules", "us-east1.prod", "{clusters: {us-east1.test: {project: acme, platform: CLOUD_RUN}}}", false)]
    [InlineData("clusterAdmissionRules", "us-east1.prod", "{default: {project: other, platform: GKE}}", true)]
    [InlineData("kubernetesNamespaceAdmissionRules", "shop", "{clusters: {us-east1.run: {project: acme, platform: CLOUD_RUN}}}", false)]
    [InlineData("kubernetesNamespaceAdmissionRules", "shop", "{clusters: {us-east1.run: {project: acme, platform: CLOUD_RUN}}, default: {project: other, platform: GKE}}", true)]
    [InlineData("kubernetesNamespaceAdmissionRules", "shop", "{clusters: {us-east1.run: {project: acme, platform: CLOUD_RUN}}, default: {project: acme, platform: GKE}}", false)]
    public void Rule_no_cluster_leads_to_is_a_warning(string map, string key, string clusters, bool isFound) => Assert.Equal(
        isFound ? ["PS030 policy.yaml:7:3"] : [],
        new Documents().With("policy.yaml", $"{Documents.Policy}\n{map}:\n  {key}: {Allow}").With("clusters.yaml", clusters).Places());

    [Theory]
    [InlineData(2)]
    [InlineData(300)]
    public void Each_of_many_rules_is_found_at_its_place(int rules) => Assert.Equal(
        Enumerable.Range(0, rules).Select(index => $"PS032 policy.yaml:{index + 7}:41"),
        new Documents().With("policy.yaml", $"{Documents.Policy}\nclusterAdmissionRules:\n{string.Concat(Enumerable.Range(0, rules).Select(index => $"  a.{index:d3}: {{evaluationMode: ALWAYS_ALLOW, enforcementMode: DRYRUN_AUDIT_LOG_ONLY}}\n"))}").Places());

    [Fact]
    public void Findings_stand_in_the_order_of_files_and_lines()
    {
        var findings = new Documents().WithAllowlist("nginx", "gcr.io/a**", "gcr.io/a/b").With("options.yaml", "x: 1\ny: 2").Lint();

        Assert.Equal(findings.OrderBy(finding => finding.File, StringComparer.Ordinal).ThenBy(finding => finding.Mark.Line).ThenBy(finding => finding.Mark.Column), findings);
        Assert.Equal(["options.yaml", "options.yaml", "policy.yaml", "policy.yaml", "policy.yaml", "policy.yaml"], findings.Select(finding => finding.File));
    }

    [Fact]
    public void Every_rule_has_its_own_code_and_a_summary()
    {
        Assert.Equal(LintRule.All.Count, LintRule.All.Select(rule => rule.Code).Distinct().Count());
        Assert.Equal(LintRule.All.Select(rule => rule.Code).Order(StringComparer.Ordinal), LintRule.All.Select(rule => rule.Code));
        Assert.All(LintRule.All, rule => Assert.Matches(@"^[A-Z].*\.$", rule.Summary));
        Assert.Equal(typeof(LintRule).GetFields().Length, LintRule.All.Count);
    }

    /// <summary>The corpus of decisions holds every fault of documents there is: none may throw, each must have a place and a remedy.</summary>
    [Fact]
    public void Every_case_folder_can_be_linted()
    {
        foreach (var name in CaseFolder.Names)
        {
            var files = CaseFolder.Load(name).Documents().Select(file => (file.Key, new ReadOnlyMemory<byte>(file.Value))).ToArray();
            Assert.All(PolicyLinter.Lint(files, Documents.Time), finding =>
            {
                Assert.True(finding.Mark is { Line: > 0, Column: > 0 }, $"{name} {finding}");
                Assert.NotEmpty(finding.Message);
                Assert.NotEmpty(finding.Remedy);
                Assert.Contains(finding.Rule, LintRule.All);
                Assert.True(finding.Rule.Severity is ProblemSeverity.Error or ProblemSeverity.Warning);
            });
        }
    }
}
