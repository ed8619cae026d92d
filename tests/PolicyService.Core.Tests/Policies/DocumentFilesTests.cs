using PolicyService.Core.Documents;
using PolicyService.Core.Policies;
using PolicyService.Core.Tests.Documents;

namespace PolicyService.Core.Tests.Policies;

public sealed class DocumentFilesTests
{
    private const string Rule = "{evaluationMode: ALWAYS_DENY, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG}";
    private const string Unnamed = $"defaultAdmissionRule: {Rule}\n";
    private const string Acme = $"name: projects/acme/policy\n{Unnamed}";
    private const string Attestor = "name: projects/acme/attestors/a\nuserOwnedGrafeasNote: {noteReference: projects/acme/notes/a}\n";
    private const string Platform = "name: projects/acme/platforms/gke/policies/p\ngkePolicy: {}\n";

    [Theory]
    [InlineData("policy.yaml", DocumentKind.Policy, "")]
    [InlineData("policy.yml", DocumentKind.Policy, "")]
    [InlineData("policy.json", DocumentKind.Policy, "")]
    [InlineData("options.yaml", DocumentKind.Options, "")]
    [InlineData("clusters.yaml", DocumentKind.Clusters, "")]
    [InlineData("system-policy.yaml", DocumentKind.SystemPolicy, "")]
    [InlineData("attestors/a.yaml", DocumentKind.Attestor, "")]
    [InlineData("attestations/a.json", DocumentKind.Attestations, "")]
    [InlineData("platform-policies/p.yaml", DocumentKind.PlatformPolicy, "")]
    [InlineData("projects/acme/policy.yaml", DocumentKind.Policy, "acme")]
    [InlineData("projects/acme/attestors/a.yaml", DocumentKind.Attestor, "acme")]
    [InlineData("projects/example.com:acme/options.yaml", DocumentKind.Options, "example.com:acme")]
    [InlineData("projects/acme/clusters.yaml", DocumentKind.Unknown, "acme")]
    [InlineData("projects/acme/system-policy.yaml", DocumentKind.Unknown, "acme")]
    [InlineData("projects/acme", DocumentKind.Unknown, "acme")]
    [InlineData("projects/.git/policy.yaml", DocumentKind.Unknown, ".git")]
    [InlineData("projects/acme/projects/shop/policy.yaml", DocumentKind.Unknown, "acme")]
    [InlineData("policy.yaml.bak", DocumentKind.Unknown, "")]
    [InlineData("policy", DocumentKind.Unknown, "")]
    [InlineData("Policy.yaml", DocumentKind.Unknown, "")]
    [InlineData("attestors/deep/a.yaml", DocumentKind.Unknown, "")]
    [InlineData("attestor/a.yaml", DocumentKind.Unknown, "")]
    [InlineData("", DocumentKind.Unknown, "")]
    public void Place_says_what_a_file_is(string path, DocumentKind kind, string folder) => Assert.Equal(new DocumentPlace(kind, folder), DocumentPlace.Of(path));

    [Fact]
    public void Parse_warns_of_a_file_at_no_place()
    {
        var problem = Assert.Single(Reading.Of("notes.yaml", "a: b\n").Problems);

        Assert.Equal(ProblemSeverity.Warning, problem.Severity);
        Assert.NotEmpty(problem.Remedy);
    }

    [Theory]
    [InlineData("projects/shop/policy.yaml", Acme)]
    [InlineData("projects/shop/attestors/a.yaml", Attestor)]
    [InlineData("projects/shop/platform-policies/p.yaml", Platform)]
    public void Parse_refuses_what_speaks_for_another_project(string path, string text) =>
        Reading.Refused(path, text, 1, 1, "the document belongs to project `acme`");

    [Theory]
    [InlineData("projects/acme/policy.yaml", Acme)]
    [InlineData("projects/shop/policy.yaml", Unnamed)]
    [InlineData("projects/acme/attestors/a.yaml", Attestor)]
    [InlineData("projects/acme/platform-policies/p.yaml", Platform)]
    [InlineData("attestors/a.yaml", Attestor)]
    public void Parse_takes_what_stands_in_its_own_folder(string path, string text) => Reading.Accepted<object>(path, text);

    [Theory]
    [InlineData("attestors/a.yaml", "attestors/b.yaml", Attestor)]
    [InlineData("attestors/a.yaml", "projects/acme/attestors/a.yaml", Attestor)]
    [InlineData("platform-policies/a.yaml", "platform-policies/b.yaml", Platform)]
    [InlineData("policy.yaml", "policy.yml", Acme)]
    [InlineData("options.yaml", "options.yml", "failMode: OPEN\n")]
    [InlineData("clusters.yaml", "clusters.yml", "clusters: {}\n")]
    [InlineData("system-policy.yaml", "system-policy.yml", "{}\n")]
    [Trait("attack", "95")]
    public void Assemble_counts_neither_of_two_files_for_one_thing(string first, string second, string text)
    {
        var (set, problems) = Assemble((first, text), (second, text));

        Assert.Equal([first, second], problems.Select(problem => problem.File));
        Assert.All(problems, problem => Assert.Contains("none of them counts", problem.Message, StringComparison.Ordinal));
        Assert.All(problems, problem => Assert.NotEmpty(problem.Remedy));
        Assert.True(set is { SystemPolicy: null, Clusters: null });
        Assert.All(set.Projects, project => Assert.True(project is { Policy: null, Attestors: [], PlatformPolicies: [] }));
    }

    [Fact]
    public void Assemble_tells_a_refused_file_from_none()
    {
        var (refused, _) = Assemble(("policy.yaml", Acme), ("options.yaml", "colour: red\n"), ("clusters.yaml", "colour: red\n"));
        var (none, _) = Assemble(("policy.yaml", Acme));
        var (twice, _) = Assemble(("policy.yaml", Acme), ("options.yaml", "{}\n"), ("options.json", "{}"));

        Assert.True(refused is { ClustersRefused: true, Projects: [{ OptionsRefused: true }] });
        Assert.True(none is { ClustersRefused: false, Projects: [{ OptionsRefused: false }] });
        Assert.True(twice.Projects[0].OptionsRefused);
    }

    [Fact]
    public void Assemble_lets_the_root_count_and_says_so()
    {
        var (set, problems) = Assemble(("policy.yaml", Acme), ("projects/acme/policy.yaml", Acme), ("projects/acme/attestors/a.yaml", Attestor));

        Assert.Contains("the root counts", Assert.Single(problems).Message, StringComparison.Ordinal);
        Assert.Empty(Assert.Single(set.Projects).Attestors);
    }

    [Fact]
    public void Assemble_names_projects_by_folder_by_policy_or_default()
    {
        Assert.Equal(["acme", "shop"], Assemble(("policy.yaml", Acme), ("projects/shop/policy.yaml", Unnamed)).Set.Projects.Select(project => project.Id));
        Assert.Equal(["default"], Assemble(("policy.yaml", Unnamed)).Set.Projects.Select(project => project.Id));
        Assert.Equal(["default"], Assemble(("attestors/a.yaml", Attestor)).Set.Projects.Select(project => project.Id));
    }

    [Fact]
    public void Assemble_of_nothing_is_nothing() => Assert.Empty(Assemble().Set.Projects);

    private static (DocumentSet Set, List<DocumentProblem> Problems) Assemble(params (string Path, string Text)[] files)
    {
        var problems = new List<DocumentProblem>();
        return (DocumentFiles.Assemble([.. files.Select(file => Reading.Of(file.Path, file.Text))], problems), problems);
    }
}
