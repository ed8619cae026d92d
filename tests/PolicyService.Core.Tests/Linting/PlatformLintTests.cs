namespace PolicyService.Core.Tests.Linting;

public sealed class PlatformLintTests
{
    private const string Name = "name: projects/acme/platforms/gke/policies/base\n";
    private const string Sound = "{displayName: set, checks: [{displayName: d, trustedDirectoryCheck: {trustedDirPatterns: [gcr.io/acme]}}]}";

    [Theory]
    [InlineData("gkePolicy: {checkSets: [" + Sound + "]}")]
    [InlineData("gkePolicy: {imageAllowlist: {allowPattern: [gcr.io/acme/*]}, checkSets: [" + Sound + "]}")]
    [InlineData("gkePolicy: {checkSets: [{checks: [{alwaysDeny: true}]}]}")]
    [InlineData("gkePolicy: {checkSets: [{scope: {kubernetesNamespace: a}, checks: [{alwaysDeny: true}]}, {scope: {kubernetesNamespace: b}, checks: [{alwaysDeny: true}]}, " + Sound + "]}")]
    [InlineData("gkePolicy: {checkSets: [{checks: [{trustedDirectoryCheck: {trustedDirPatterns: [docker.io/library, docker.io/library/**, '*-docker.pkg.dev/p/r', '*.gcr.io/p/*', gcr.io, docker.io/acme/*]}}]}]}")]
    public void Platform_policy_is_left_alone(string body) => Assert.Empty(Places(Name + body));

    [Theory]
    [InlineData("gkePolicy: {checkSets: []}", "PS040 2:1")]
    [InlineData("gkePolicy: {}", "PS040 2:1")]
    [InlineData("gkePolicy: {checkSets: [{displayName: empty}]}", "PS040 2:25")]
    [InlineData("gkePolicy: {checkSets: [{checks: [{vulnerabilityCheck: {}}]}]}", "PS041 2:35")]
    [InlineData("gkePolicy: {checkSets: [{scope: {kubernetesNamespace: a}, checks: [{alwaysDeny: true}]}, {scope: {kubernetesNamespace: a}, checks: [{alwaysDeny: true}]}, " + Sound + "]}", "PS043 2:90")]
    [InlineData("gkePolicy: {imageAllowlist: {allowPattern: [gcr.io/acme**]}, checkSets: [" + Sound + "]}", "PS020 2:45")]
    [InlineData("gkePolicy: {checkSets: [{imageAllowlist: {allowPattern: [gcr.io/acme**]}, checks: [{alwaysDeny: true}]}]}", "PS020 2:58")]
    [InlineData("gkePolicy: {checkSets: [{checks: [{alwaysDeny: true, imageAllowlist: {allowPattern: [gcr.io/acme**]}}]}]}", "PS020 2:86")]
    [InlineData("gkePolicy: {checkSets: [{checks: [{trustedDirectoryCheck: {trustedDirPatterns: [docker.io]}}]}]}", "PS022 2:81")]
    [InlineData("gkePolicy: {checkSets: [{checks: [{trustedDirectoryCheck: {trustedDirPatterns: [index.docker.io/library]}}]}]}", "PS022 2:81")]
    [InlineData("gkePolicy: {checkSets: [{checks: [{trustedDirectoryCheck: {trustedDirPatterns: [GCR.io/acme/**]}}]}]}", "PS022 2:81")]
    public void Platform_policy_has_a_finding(string body, string place)
    {
        var (code, at) = (place.Split(' ')[0], place.Split(' ')[1]);

        Assert.Equal([$"{code} platform-policies/base.yaml:{at}"], Places(Name + body));
    }

    [Fact]
    public void Patterns_of_a_cloud_run_policy_are_linted() => Assert.Equal(["PS020 platform-policies/base.yaml:2:52"], Places("""
        name: projects/acme/platforms/cloudRun/policies/base
        cloudRunPolicy: {allowlistPatterns: [{namePattern: gcr.io/acme**}], rule: {evaluationMode: ALWAYS_DENY, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG}}
        """));

    [Theory]
    [InlineData("clusters:\n  a.b: {project: acme, platform: GKE, platformPolicies: [{name: projects/acme/platforms/gke/policies/other, mode: ENFORCE}]}", "PS042 clusters.yaml:2:58")]
    [InlineData("default: {project: acme, platform: GKE, platformPolicies: [{name: projects/acme/platforms/gke/policies/other, mode: ENFORCE}]}", "PS042 clusters.yaml:1:60")]
    [InlineData("default: {project: acme, platform: GKE, platformPolicies: [{name: projects/acme/platforms/gke/policies/base, mode: MONITOR}]}", null)]
    public void Binding_to_nothing_is_an_error(string clusters, string? finding) => Assert.Equal(
        finding is null ? [] : [finding],
        new Documents().With("platform-policies/base.yaml", $"{Name}gkePolicy: {{checkSets: [{Sound}]}}").With("clusters.yaml", clusters).Places());

    [Theory]
    [InlineData("clusters:\n  a.b: {project: acme, platform: GKE, platformPolicies: [{name: POLICY, mode: DRYRUN}, {name: POLICY}]}", "PS044 clusters.yaml:2:123")]
    [InlineData("clusters:\n  a.b: {project: acme, platform: GKE, platformPolicies: [{name: POLICY, mode: null}]}", "PS044 clusters.yaml:2:58")]
    [InlineData("default: {project: acme, platform: GKE, platformPolicies: [{name: POLICY}]}", "PS044 clusters.yaml:1:60")]
    [InlineData("default: {project: acme, platform: GKE, platformPolicies: [{name: POLICY, mode: MONITOR}]}", null)]
    [InlineData("default: {project: acme, platform: GKE}", null)]
    public void Binding_without_a_mode_only_monitors(string clusters, string? finding) => Assert.Equal(
        finding is null ? [] : [finding],
        new Documents().With("platform-policies/base.yaml", $"{Name}gkePolicy: {{checkSets: [{Sound}]}}")
            .With("clusters.yaml", clusters.Replace("POLICY", "projects/acme/platforms/gke/policies/base", StringComparison.Ordinal)).Places());

    [Theory]
    [InlineData("ALWAYS_ALLOW", "PS032")]
    [InlineData("ALWAYS_DENY", "PS033")]
    public void Dry_run_of_the_rule_of_a_cloud_run_policy_is_a_warning(string mode, string code) => Assert.Equal(
        [$"{code} platform-policies/base.yaml:2:25"],
        Places($"name: projects/acme/platforms/cloudRun/policies/base\ncloudRunPolicy: {{rule: {{enforcementMode: DRYRUN_AUDIT_LOG_ONLY, evaluationMode: {mode}}}}}"));

    private static string[] Places(string platformPolicy) => new Documents().With("platform-policies/base.yaml", platformPolicy).Places();
}
