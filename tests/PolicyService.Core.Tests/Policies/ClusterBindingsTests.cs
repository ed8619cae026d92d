using PolicyService.Core.Policies;
using PolicyService.Core.Tests.Documents;

namespace PolicyService.Core.Tests.Policies;

public sealed class ClusterBindingsTests
{
    private const string File = "clusters.yaml";
    private const string Gke = "projects/a/platforms/gke/policies/p";
    private const string CloudRun = "projects/a/platforms/cloudRun/policies/p";

    public static TheoryData<string, string, int, int, string> Refused => new()
    {
        { "list", "- a\n", 1, 1, "the clusters document is a list" },
        { "unknown field", "cluster: {}\n", 1, 1, "unknown field `cluster`" },
        { "clusters a list", "clusters: []\n", 1, 11, "`clusters` is a list" },
        { "cluster name", "clusters:\n  prod: {project: a, platform: GKE}\n", 2, 3, "`prod` is no cluster" },
        { "cluster a string", "clusters:\n  a.b: GKE\n", 2, 8, "the cluster is `GKE`" },
        { "cluster twice", "clusters:\n  a.b: {project: a, platform: GKE}\n  a.b: {project: b, platform: GKE}\n", 3, 3, "the key `a.b` stands twice" },
        { "no project", "clusters:\n  a.b: {platform: GKE}\n", 2, 8, "`project` is missing" },
        { "bad project", "clusters:\n  a.b: {project: a/b, platform: GKE}\n", 2, 18, "`project`: `a/b` is not usable" },
        { "no platform", "clusters:\n  a.b: {project: a}\n", 2, 8, "`platform` is missing" },
        { "unknown platform", "clusters:\n  a.b: {project: a, platform: gke}\n", 2, 31, "`platform`: `gke` is not usable" },
        { "unknown field of a cluster", "clusters:\n  a.b: {project: a, platform: GKE, mode: x}\n", 2, 36, "unknown field `mode`" },
        { "policy without name", "clusters:\n  a.b: {project: a, platform: GKE, platformPolicies: [{mode: ENFORCE}]}\n", 2, 55, "`name` is missing" },
        { "policy name", "clusters:\n  a.b: {project: a, platform: GKE, platformPolicies: [{name: p}]}\n", 2, 62, "`name`: `p` is not usable" },
        { "binding mode", $"clusters:\n  a.b: {{project: a, platform: GKE, platformPolicies: [{{name: {Gke}, mode: ON}}]}}\n", 2, 105, "`mode`: `ON` is not usable" },
        { "binding with more", $"clusters:\n  a.b: {{project: a, platform: GKE, platformPolicies: [{{name: {Gke}, x: y}}]}}\n", 2, 99, "unknown field `x`" },
        { "Cloud Run policy on GKE", $"clusters:\n  a.b: {{project: a, platform: GKE, platformPolicies: [{{name: {CloudRun}}}]}}\n", 2, 56, "a policy for cloudRun is bound to a cluster of another platform" },
        { "Cloud Run policy on premises", $"default: {{project: a, platform: ON_PREM, platformPolicies: [{{name: {CloudRun}}}]}}\n", 1, 62, "a policy for cloudRun is bound to a cluster of another platform" },
        { "GKE policy on Cloud Run", $"default: {{project: a, platform: CLOUD_RUN, platformPolicies: [{{name: {Gke}}}]}}\n", 1, 64, "a policy for gke is bound to a cluster of another platform" },
        { "default without project", "default: {platform: GKE}\n", 1, 10, "`project` is missing" },
    };

    [Theory, MemberData(nameof(Refused))]
    [Trait("attack", "95")]
    public void Parse_refuses_at_the_place(string name, string text, int line, int column, string message) =>
        Reading.Refused(File, text, line, column, message, name);

    [Fact]
    public void Parse_reads_the_example_of_the_specification()
    {
        var bindings = Reading.Accepted<ClusterBindings>(File, $$"""
            clusters:
              us-east1.prod: {project: acme, platform: GKE, platformPolicies: [{name: {{Gke}}, mode: ENFORCE}]}
              dc1.edge:      {project: shop, platform: ON_PREM}
              europe-west1.run: {project: acme, platform: CLOUD_RUN, platformPolicies: [{name: {{CloudRun}}}]}
            default: {project: acme, platform: ON_PREM, platformPolicies: []}
            """);

        Assert.Equal(("acme", Platform.Gke), (bindings.Clusters["us-east1.prod"].Project, bindings.Clusters["us-east1.prod"].Platform));
        Assert.Equal(BindingMode.Enforce, bindings.Clusters["us-east1.prod"].PlatformPolicies.Single().Mode);
        Assert.Equal(BindingMode.Monitor, bindings.Clusters["europe-west1.run"].PlatformPolicies.Single().Mode);
        Assert.Equal(["acme"], bindings.EnforcingProjects);
        Assert.Equal(("acme", Platform.OnPrem), (bindings.Default!.Project, bindings.Default.Platform));
    }

    [Fact]
    public void Parse_reports_all_problems_at_once() => Assert.Equal(
        [
            "2:3 `prod` is no cluster", "2:19 `project`: `a/b` is not usable", "2:34 `platform`: `AWS` is not usable",
            "3:8 `project` is missing", "3:93 `mode`: `ON` is not usable", "4:1 unknown field `colour`",
        ],
        Reading.Problems(File, $$"""
            clusters:
              prod: {project: a/b, platform: AWS}
              a.b: {platform: GKE, platformPolicies: [{name: {{Gke}}, mode: ON}]}
            colour: red
            """));
}
