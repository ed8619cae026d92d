using System.Text;
using PolicyService.Core.Access;
using PolicyService.Core.Documents;

namespace PolicyService.Core.Tests.Access;

/// <summary>Each finding with a grant that brings it about, and one that does not.</summary>
public sealed class SeparationReportTests
{
    private const string Alice = "user:alice@example.com";

    /// <summary>What changes the requirement, on its own and below the project.</summary>
    public static TheoryData<string, string> Changing => new()
    {
        { "policyEditor", "projects/acme" }, { "policyAdmin", "projects/acme/policy" }, { "attestorsEditor", "projects/acme" }, { "attestorsAdmin", "projects/acme/attestors/build" }, { "policyAdmin", "*" },
    };

    [Theory, MemberData(nameof(Changing))]
    public void Who_changes_and_signs_in_one_project_is_found(string role, string resource)
    {
        var finding = Assert.Single(Of($"""
            bindings:
            - {Binding($"binaryauthorization.{role}", Alice, resource)}
            - {Binding("containeranalysis.notes.attacher", Alice, "projects/acme/notes/build")}
            - {Binding("containeranalysis.occurrences.editor", Alice, "projects/builds")}
            """), finding => finding.Kind is SeparationKind.ChangesAndSigns);

        Assert.Equal((Alice, "acme"), (finding.Member, finding.Project));
        Assert.Equal(3, finding.Grants.Count);
        Assert.Contains("bindings[0]", finding.Grants[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("binaryauthorization.policyViewer", "projects/acme", "containeranalysis.notes.attacher", "projects/acme")]
    [InlineData("binaryauthorization.policyEditor", "projects/acme", "containeranalysis.notes.attacher", "projects/acme-evil")]
    [InlineData("binaryauthorization.policyEditor", "projects/acme", "containeranalysis.notes.viewer", "projects/acme")]
    [InlineData("containeranalysis.admin", "projects/acme", "containeranalysis.notes.attacher", "projects/acme")]
    public void Who_does_one_of_the_two_is_not(string first, string on, string second, string there) => Assert.DoesNotContain(
        Of($"""
            bindings:
            - {Binding(first, Alice, on)}
            - {Binding(second, Alice, there)}
            - {Binding("containeranalysis.occurrences.editor", Alice, "projects/acme")}
            """),
        finding => finding.Kind is SeparationKind.ChangesAndSigns);

    [Fact]
    public void Attaching_without_creating_occurrences_is_no_signature() => Assert.DoesNotContain(
        Of($"bindings: [{Binding("binaryauthorization.policyEditor", Alice, "projects/acme")}, {Binding("containeranalysis.notes.attacher", Alice, "projects/acme")}]"),
        finding => finding.Kind is SeparationKind.ChangesAndSigns);

    [Fact]
    public void Inline_attestations_are_signatures_too()
    {
        var file = $$"""
            bindings: [{{Binding("binaryauthorization.policyEditor", Alice, "projects/acme")}}]
            evaluators: [{members: ["{{Alice}}"], clusters: [dc1.one], may: [INLINE_ATTESTATIONS]}]
            """;

        // Without the clusters nobody knows whose dc1.one is not.
        Assert.Single(Of(file));
        var finding = Assert.Single(Of(file, clusters: new() { ["dc1.one"] = "acme" }));
        Assert.Equal((SeparationKind.ChangesAndSigns, "acme"), (finding.Kind, finding.Project));
        Assert.Contains("evaluators[0]", finding.Grants[^1], StringComparison.Ordinal);
        Assert.Empty(Of(file, clusters: new() { ["dc1.one"] = "shop" }));
        Assert.Single(Of(file, clusters: new() { ["*"] = "acme" }));
    }

    [Theory]
    [InlineData("acme", "", 1)]
    [InlineData("acme", "shop", 0)]
    [InlineData("shop", "", 0)]
    public void Cluster_that_nothing_lists_is_decided_by_the_only_project(string project, string other, int findings) => Assert.Equal(findings, Of(
        $$"""
            bindings: [{{Binding("binaryauthorization.policyEditor", Alice, "projects/acme")}}]
            evaluators: [{members: ["{{Alice}}"], clusters: ["dc1.one"], may: [INLINE_ATTESTATIONS]}]
            """,
        projects: new[] { project, other }.Where(id => id.Length > 0).ToDictionary(id => id, _ => ProjectLinks.None)).Count);

    /// <summary>Who changes the requirement of one project and signs what it takes from another.</summary>
    [Theory]
    [InlineData("policyEditor", "projects/shop", "projects/notes", "notes", 1)]
    [InlineData("policyEditor", "projects/shop", "projects/notes", "others", 0)]
    [InlineData("policyEditor", "projects/other", "projects/notes", "notes", 0)]
    [InlineData("attestorsEditor", "projects/acme", "projects/shop", "notes", 1)]
    [InlineData("attestorsViewer", "projects/acme", "projects/shop", "notes", 0)]
    [InlineData("policyEditor", "projects/acme", "projects/shop", "notes", 0)]
    public void Attestors_and_notes_of_other_projects_count_where_a_policy_needs_them(string role, string on, string attaching, string notes, int findings) => Assert.Equal(findings, Of(
        $"""
            bindings:
            - {Binding($"binaryauthorization.{role}", Alice, on)}
            - {Binding("containeranalysis.notes.attacher", Alice, attaching)}
            - {Binding("containeranalysis.occurrences.editor", Alice, "projects/builds")}
            """,
        projects: new() { ["shop"] = new ProjectLinks(new HashSet<string> { "acme" }, new HashSet<string> { notes }) }).Count(finding => finding.Kind is SeparationKind.ChangesAndSigns));

    [Fact]
    public void What_everybody_has_counts_for_each()
    {
        var findings = Of($"""
            bindings:
            - {Binding("binaryauthorization.policyEditor", Alice, "projects/acme")}
            - {Binding("containeranalysis.editor", "allAuthenticatedUsers", "projects/acme")}
            """);

        Assert.Equal(Alice, Assert.Single(findings, finding => finding.Kind is SeparationKind.ChangesAndSigns).Member);
        Assert.Equal("allAuthenticatedUsers", Assert.Single(findings, finding => finding.Kind is SeparationKind.Wide).Member);
    }

    [Fact]
    public void IAM_policies_count_like_the_file()
    {
        var findings = Of(
            $"bindings: [{Binding("containeranalysis.editor", Alice, "projects/acme")}]",
            policies: new() { ["projects/acme/policy"] = Policy("roles/binaryauthorization.policyEditor", Alice) });

        Assert.Contains("IAM policy of projects/acme/policy", Assert.Single(findings).Grants[0], StringComparison.Ordinal);
        Assert.Equal(SeparationKind.ChangesAndSigns, findings[0].Kind);
    }

    [Fact]
    public void Grants_on_everything_and_to_everybody_are_wide()
    {
        var findings = Of($$"""
            bindings: [{{Binding("binaryauthorization.policyViewer", Alice, "*")}}, {{Binding("binaryauthorization.policyViewer", "allAuthenticatedUsers", "projects/acme")}}]
            evaluators:
            - {members: ["user:bob@example.com"], clusters: ["*"], may: [BREAK_GLASS]}
            - {members: ["user:bob@example.com"], clusters: [dc1.one], may: [BREAK_GLASS]}
            - {members: [allAuthenticatedUsers], clusters: [dc1.one]}
            """);

        Assert.Equal(
            ["allAuthenticatedUsers", "allAuthenticatedUsers", Alice, "user:bob@example.com"],
            findings.Where(finding => finding.Kind is SeparationKind.Wide).Select(finding => finding.Member));
        Assert.Contains(findings, finding => finding.Text.Contains("break the glass of every cluster", StringComparison.Ordinal));
    }

    [Fact]
    public void Grants_that_grant_nothing_are_told_with_the_reason()
    {
        var conditional = Policy("roles/binaryauthorization.policyViewer", Alice, isConditional: true);
        var findings = Of(
            $$"""
            bindings: [{{Binding("owner", Alice, "projects/acme")}}, {{Binding("binaryauthorization.policyViewer", "allUsers", "projects/acme")}}]
            evaluators: [{members: ["{{Alice}}"], clusters: [dc1.one, dc1.gone]}]
            """,
            new() { ["projects/acme/policy"] = conditional },
            new() { ["dc1.one"] = "acme" });

        Assert.All(findings, finding => Assert.Equal(SeparationKind.GrantsNothing, finding.Kind));
        Assert.Equal(4, findings.Count);
        foreach (var reason in new[] { "roles/owner is not known", "has a condition", "kind of member", "dc1.gone" })
        {
            Assert.Contains(findings, finding => finding.Text.Contains(reason, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_grant_that_another_one_includes_is_redundant_and_of_two_alike_one()
    {
        var findings = Of($"""
            bindings:
            - {Binding("binaryauthorization.policyViewer", Alice, "projects/acme")}
            - {Binding("binaryauthorization.policyAdmin", Alice, "projects/acme")}
            - {Binding("binaryauthorization.policyAdmin", Alice, "projects/acme")}
            - {Binding("binaryauthorization.policyViewer", Alice, "projects/shop")}
            """);

        Assert.Equal(2, findings.Count(finding => finding.Kind is SeparationKind.Redundant));
        Assert.DoesNotContain(findings, finding => finding.Project == "shop");
    }

    [Fact]
    public void Unused_is_what_no_record_tells_of()
    {
        var file = $$"""
            bindings: [{{Binding("binaryauthorization.policyViewer", Alice, "projects/acme")}}, {{Binding("binaryauthorization.attestorsViewer", Alice, "projects/acme")}}]
            evaluators: [{members: ["{{Alice}}"], clusters: [dc1.one, dc1.two]}]
            """;
        var findings = Of(file, uses: [new AccessUse(Alice, "roles/binaryauthorization.policyViewer", "projects/acme"), new AccessUse(Alice, "evaluators[0]", "dc1.one")]);

        Assert.Equal(["did not ask about dc1.two", "did not use roles/binaryauthorization.attestorsViewer on projects/acme"], findings.Select(finding => finding.Text).Order(StringComparer.Ordinal));
        Assert.Empty(Of(file));
    }

    [Fact]
    public void A_projects_own_membership_is_no_callers_power() => Assert.Empty(
        Of($"bindings: [{Binding("binaryauthorization.attestorsVerifier", "principal://policyservice/projects/shop", "projects/acme/attestors/build")}]", uses: []));

    private static string Binding(string role, string member, string resource) => $$"""{role: roles/{{role}}, members: ["{{member}}"], resources: ["{{resource}}"]}""";

    private static IamPolicy Policy(string role, string member, bool isConditional = false) => new(null, [new IamBinding(role, [member], isConditional)]);

    private static IReadOnlyList<SeparationFinding> Of(
        string file, Dictionary<string, IamPolicy>? policies = null, Dictionary<string, string>? clusters = null, HashSet<AccessUse>? uses = null,
        Dictionary<string, ProjectLinks>? projects = null)
    {
        var problems = new ProblemList("access.yaml");
        var access = AccessFileParser.Parse(Encoding.UTF8.GetBytes(file), problems);
        Assert.True(access is not null, string.Join('\n', problems.Problems));
        return SeparationReport.Of(new SeparationInput(access, policies ?? [], clusters, uses) { Projects = projects });
    }
}
