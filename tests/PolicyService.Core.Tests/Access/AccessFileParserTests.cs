using System.Text;
using PolicyService.Core.Access;
using PolicyService.Core.Documents;

namespace PolicyService.Core.Tests.Access;

public sealed class AccessFileParserTests
{
    public static TheoryData<string, string, string> Refused => new()
    {
        { "list", "- a\n", "1:1 the access file is a list" },
        { "unknown field", "binding: []\n", "1:1 unknown field `binding`" },
        { "key twice", "bindings: []\nbindings: []\n", "2:1 the key `bindings` stands twice" },
        { "no role", "bindings: [{members: [group:a], resources: [projects/p]}]\n", "1:12 `role` is missing" },
        { "no role name", "bindings: [{role: admin, members: [group:a], resources: [projects/p]}]\n", "1:19 `role`: `admin` is not usable" },
        { "no members", "bindings: [{role: roles/x.y, resources: [projects/p]}]\n", "1:12 `members` is missing" },
        { "empty members", "bindings: [{role: roles/x.y, members: [], resources: [projects/p]}]\n", "1:12 `members` is missing" },
        { "no resources", "bindings: [{role: roles/x.y, members: [group:a]}]\n", "1:12 `resources` is missing" },
        { "member a number of a list", "bindings: [{role: roles/x.y, members: [[a]], resources: [projects/p]}]\n", "1:40 `members` is a list" },
        { "user without address", "bindings: [{role: roles/x.y, members: [\"user:a\"], resources: [projects/p]}]\n", "1:40 `members`: `user:a` is not usable" },
        { "member of the service", "bindings: [{role: roles/x.y, members: [\"principal://policyservice/all\"], resources: [projects/p]}]\n", "1:40 `members`: `principal://policyservice/all` is not usable" },
        { "project of no name", "bindings: [{role: roles/x.y, members: [\"principal://policyservice/projects/*\"], resources: [projects/p]}]\n", "1:40 `members`: `principal://policyservice/projects/*` is not usable" },
        { "project called *", "bindings: [{role: roles/x.y, members: [group:a], resources: [projects/*]}]\n", "1:62 `resources`: `projects/*` is not usable" },
        { "half a resource", "bindings: [{role: roles/x.y, members: [group:a], resources: [projects/p/attestors]}]\n", "1:62 `resources`: `projects/p/attestors` is not usable" },
        { "resource beyond its project", "bindings: [{role: roles/x.y, members: [group:a], resources: [projects/p/../q]}]\n", "1:62 `resources`: `projects/p/../q` is not usable" },
        { "evaluator without clusters", "evaluators: [{members: [group:a]}]\n", "1:14 `clusters` is missing" },
        { "cluster pattern", "evaluators: [{members: [group:a], clusters: [us-east1.*]}]\n", "1:46 `clusters`: `us-east1.*` is not usable" },
        { "unknown right", "evaluators: [{members: [group:a], clusters: [a.b], may: [ANYTHING]}]\n", "1:58 `may`: `ANYTHING` is not usable" },
        { "right in lower case", "evaluators: [{members: [group:a], clusters: [a.b], may: [preview]}]\n", "1:58 `may`: `preview` is not usable" },
        { "a project asks", "evaluators: [{members: [\"principal://policyservice/projects/p\"], clusters: [a.b]}]\n", "1:15 a project's policy is among the members, and no caller is ever that" },
        { "issuer without audience", "issuers: [{issuer: \"https://a.example\"}]\n", "1:11 `audience` is missing" },
        { "issuer in the clear", "issuers: [{issuer: \"http://a.example\", audience: x}]\n", "1:20 `issuer`: `http://a.example` is not usable" },
        { "issuer spiffe", "issuers: [{issuer: \"https://spiffe/prod.example.com\", audience: x}]\n", "1:20 `issuer`: `https://spiffe/prod.example.com` is not usable" },
        { "issuer SPIFFE", "issuers: [{issuer: \"https://SPIFFE\", audience: x}]\n", "1:20 `issuer`: `https://SPIFFE` is not usable" },
        { "issuer x509", "issuers: [{issuer: \"https://x509\", audience: x}]\n", "1:20 `issuer`: `https://x509` is not usable" },
        { "issuer policyservice", "issuers: [{issuer: \"https://policyservice:443/projects\", audience: x}]\n", "1:20 `issuer`: `https://policyservice:443/projects` is not usable" },
        { "issuer with a person", "issuers: [{issuer: \"https://a@b.example\", audience: x}]\n", "1:20 `issuer`: `https://a@b.example` is not usable" },
        { "issuer with a query", "issuers: [{issuer: \"https://b.example?x\", audience: x}]\n", "1:20 `issuer`: `https://b.example?x` is not usable" },
        { "issuer twice", "issuers: [{issuer: \"https://a.example\", audience: x}, {issuer: \"https://a.example\", audience: y}]\n", "1:1 the issuer `a.example` stands twice" },
        { "domain pattern", "issuers: [{issuer: \"https://a.example\", audience: x, emailDomains: [\"*.example\"]}]\n", "1:69 `emailDomains`: `*.example` is not usable" },
        { "no number", "limits: {default: {burst: many}}\n", "1:27 `burst`: `many` is not usable" },
        { "zero", "limits: {default: {burst: 0}}\n", "1:27 `burst`: `0` is not usable" },
        { "limits without callers", "limits: {callers: [{burst: 3}]}\n", "1:20 `members` is missing" },
    };

    [Theory, MemberData(nameof(Refused))]
    public void Parse_refuses_at_the_place(string name, string text, string problem)
    {
        var (file, problems) = Parse(text);

        Assert.Equal(problem, Assert.Single(problems.Problems, found => found.Severity is ProblemSeverity.Error) is var one ? $"{one.Mark.Line}:{one.Mark.Column} {one.Message}" : "");
        Assert.All(problems.Problems, found => Assert.NotEmpty(found.Remedy));
        Assert.True(file is null, name);
    }

    [Fact]
    public void Parse_says_everything_at_once()
    {
        var (file, problems) = Parse("bindings: [{role: r, members: [\"user:x\"], resources: [p]}]\nevaluators: [{may: [X]}]\nissuers: [{}]\nmore: 1\n");

        Assert.Null(file);
        Assert.Equal(9, problems.Problems.Count);
    }

    [Fact]
    public void Parse_reads_the_example_of_the_page()
    {
        var (file, problems) = Parse("""
            bindings:
              - role: roles/binaryauthorization.policyAdmin
                members: [user:Alice@Example.com]
                resources: [projects/acme]
              - role: roles/binaryauthorization.attestorsVerifier
                members: [principal://policyservice/projects/shop]
                resources: [projects/acme/attestors/build]
            evaluators:
              - members: [principal://spiffe/prod.example.com/ns/policyservice/sa/adapter]
                clusters: [us-east1.prod]
                projects: [acme]
                may: [BREAK_GLASS, INLINE_ATTESTATIONS, WORKLOAD, PREVIEW]
            issuers:
              - issuer: https://oidc.example.com/cluster-1
                audience: policyservice
                keysFile: /etc/policyservice/cluster-1.jwks
                emailDomains: [example.com]
                groups: true
            limits:
              default: {requestsPerSecond: 200, burst: 400, concurrentRequests: 64, streams: 16}
              callers:
                - members: [principal://spiffe/prod.example.com/ns/policyservice/sa/adapter]
                  requestsPerSecond: 2000
            """);

        Assert.Empty(problems.Problems);
        Assert.NotNull(file);
        Assert.Equal("user:alice@example.com", file.Bindings[0].Members[0].ToString());
        Assert.Equal(EvaluatorRights.BreakGlass | EvaluatorRights.InlineAttestations | EvaluatorRights.Workload | EvaluatorRights.Preview, file.Evaluators[0].Rights);
        Assert.Equal("oidc.example.com/cluster-1", file.Issuers[0].Authority);
        Assert.Equal(new CallerLimits(2000, 400, 64, 16), file.LimitedCallers[0].Limits);
    }

    [Theory]
    [InlineData("role", "bindings: [{role: roles/owner, members: [group:a], resources: [projects/p]}]\n", "the role `roles/owner` is not known here, so it grants nothing")]
    [InlineData("allUsers", "bindings: [{role: roles/containeranalysis.viewer, members: [allUsers], resources: [projects/p]}]\n", "the member `allUsers` is of no kind that is known here, so it is granted nothing")]
    [InlineData("domain", "bindings: [{role: roles/containeranalysis.viewer, members: [\"domain:a.example\"], resources: [projects/p]}]\n", "the member `domain:a.example` is of no kind that is known here, so it is granted nothing")]
    [InlineData("set", "bindings: [{role: roles/containeranalysis.viewer, members: [\"principalSet://a/b\"], resources: [projects/p]}]\n", "the member `principalSet://a/b` is of no kind that is known here, so it is granted nothing")]
    public void Parse_warns_of_what_grants_nothing(string name, string text, string message)
    {
        var (file, problems) = Parse(text);

        Assert.Equal((ProblemSeverity.Warning, message), (Assert.Single(problems.Problems).Severity, problems.Problems[0].Message));
        Assert.True(file is not null, name);
    }

    [Fact]
    public void Parse_refuses_grants_beyond_the_limit()
    {
        var resources = string.Join(", ", Enumerable.Range(0, 1000).Select(index => $"projects/p{index}"));
        string File(int members) => $"bindings: [{{role: roles/x.y, members: [{string.Join(", ", Enumerable.Range(0, members).Select(index => $"\"group:{index}\""))}], resources: [{resources}]}}]\n";

        Assert.NotNull(Parse(File(Limits.AccessGrants / 1000)).File);
        Assert.Contains("100001", Parse(File(100) + "evaluators: [{members: [group:a], clusters: [\"*\"]}]\n").Problems.Problems[^1].Message, StringComparison.Ordinal);
    }

    internal static (AccessFile? File, ProblemList Problems) Parse(string text)
    {
        var problems = new ProblemList("access.yaml");
        return (AccessFileParser.Parse(Encoding.UTF8.GetBytes(text), problems), problems);
    }
}
