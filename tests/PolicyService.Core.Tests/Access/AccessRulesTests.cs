using System.Text;
using PolicyService.Core.Access;
using PolicyService.Core.Documents;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Tests.Access;

public sealed class AccessRulesTests
{
    private const string Alice = "user:alice@example.com";

    public static TheoryData<string, string, string, string, bool> Questions => new()
    {
        { "the project", "projects/acme", Alice, "projects/acme", true },
        { "below the project", "projects/acme", Alice, "projects/acme/attestors/build", true },
        { "a project whose name begins so", "projects/acme", Alice, "projects/acme-evil/attestors/build", false },
        { "a project whose name this one begins with", "projects/acme-evil", Alice, "projects/acme/attestors/build", false },
        { "another project", "projects/acme", Alice, "projects/shop/attestors/build", false },
        { "the project above a resource", "projects/acme/attestors/build", Alice, "projects/acme", false },
        { "this attestor", "projects/acme/attestors/build", Alice, "projects/acme/attestors/build", true },
        { "one whose name begins so", "projects/acme/attestors/build", Alice, "projects/acme/attestors/build2", false },
        { "the same name elsewhere", "projects/acme/attestors/build", Alice, "projects/shop/attestors/build", false },
        { "every project", "\"*\"", Alice, "projects/shop/attestors/build", true },
        { "every project is also the service", "\"*\"", Alice, "service", true },
        { "a request for a project called *", "projects/acme", Alice, "projects/*/attestors/build", false },
        { "a request for *", "projects/acme", Alice, "*", false },
        { "a path upwards", "projects/acme", Alice, "projects/shop/../acme/attestors/build", false },
        { "nobody", "projects/acme", "", "projects/acme", false },
        { "somebody else", "projects/acme", "user:bob@example.com", "projects/acme", false },
        { "another domain", "projects/acme", "user:alice@example.com.evil.example", "projects/acme", false },
        { "another kind", "projects/acme", "serviceAccount:alice@example.com", "projects/acme", false },
        { "the bare address", "projects/acme", "alice@example.com", "projects/acme", false },
    };

    [Theory, MemberData(nameof(Questions))]
    public void Allows_where_the_binding_reaches(string name, string resource, string member, string asked, bool allowed)
    {
        var rules = Rules($"bindings: [{{role: {Roles.AttestorsViewer}, members: [\"user:Alice@EXAMPLE.com\"], resources: [{resource}]}}, {{role: {Roles.Monitor}, members: [\"user:Alice@EXAMPLE.com\"], resources: [{resource}]}}]\n");
        var permission = asked == "service" ? Permissions.MetricsGet : Permissions.AttestorsGet;

        Assert.True(allowed == rules.Allows(member.Length == 0 ? [] : [member], permission, asked), name);
        Assert.False(rules.Allows([member], Permissions.AttestorsUpdate, asked), name);
    }

    [Theory]
    [InlineData("group:eng", "group:eng", true)]
    [InlineData("group:eng", "group:Eng", false)]
    [InlineData("group:eng", "group:engineers", false)]
    [InlineData("serviceAccount:CI@p.iam.gserviceaccount.com", "serviceAccount:ci@p.iam.gserviceaccount.com", true)]
    [InlineData("principal://oidc.example.com/subject/a", "principal://oidc.example.com/subject/a", true)]
    [InlineData("principal://oidc.example.com/subject/a", "principal://OIDC.example.com/subject/a", false)]
    [InlineData("principal://oidc.example.com/subject/a", "principal://evil.example.com/subject/a", false)]
    [InlineData("user:kim@example.com", "user:\u212Aim@example.com", false)]
    [InlineData("allAuthenticatedUsers", "principal://anybody/x", true)]
    [InlineData("allUsers", "principal://anybody/x", false)]
    [InlineData("allUsers", "allUsers", false)]
    [InlineData("domain:example.com", "domain:example.com", false)]
    [InlineData("principalSet://a/b", "principalSet://a/b", false)]
    [InlineData("principal://policyservice/projects/shop", "principal://policyservice/projects/shop", false)]
    public void Allows_whom_the_binding_names(string granted, string caller, bool allowed)
    {
        var rules = Rules($"bindings: [{{role: {Roles.AttestorsViewer}, members: [\"{granted}\"], resources: [projects/p]}}]\n");

        Assert.Equal(allowed, rules.Allows([caller], Permissions.AttestorsGet, "projects/p/attestors/a"));
        Assert.Equal(allowed, rules.Allows(["group:other", caller], Permissions.AttestorsGet, "projects/p/attestors/a"));
    }

    [Fact]
    public void Unknown_role_grants_nothing()
    {
        var rules = Rules("bindings: [{role: roles/owner, members: [group:a], resources: [\"*\"]}]\n");

        Assert.DoesNotContain(Permissions.All, permission => rules.Allows(["group:a"], permission, "projects/p"));
    }

    [Fact]
    public void No_role_lets_anybody_ask_for_decisions() => Assert.Null(Roles.With(Permissions.PolicyEvaluate));

    [Theory]
    [InlineData("role and member", "{role: roles/binaryauthorization.attestorsViewer, members: ['group:a']}", true)]
    [InlineData("a condition", "{role: roles/binaryauthorization.attestorsViewer, members: ['group:a'], condition: {expression: 'true'}}", false)]
    [InlineData("no condition", "{role: roles/binaryauthorization.attestorsViewer, members: ['group:a'], condition: null}", true)]
    [InlineData("unknown role", "{role: roles/viewer, members: ['group:a']}", false)]
    [InlineData("malformed member", "{role: roles/binaryauthorization.attestorsViewer, members: ['user:a', 'group:']}", false)]
    [InlineData("another member", "{role: roles/binaryauthorization.attestorsViewer, members: ['group:b']}", false)]
    public void Iam_policy_grants_on_its_resource_alone(string name, string binding, bool allowed)
    {
        var rules = AccessRules.Nothing.With(new Dictionary<string, CompiledIamPolicy> { ["projects/p/attestors/a"] = Policy(binding) });

        Assert.True(allowed == rules.Allows(["group:a"], Permissions.AttestorsGet, "projects/p/attestors/a"), name);
        Assert.False(rules.Allows(["group:a"], Permissions.AttestorsGet, "projects/p/attestors/a2"));
        Assert.False(rules.Allows(["group:a"], Permissions.AttestorsGet, "projects/p/attestors/b"));
        Assert.False(rules.Allows(["group:a"], Permissions.AttestorsGet, "projects/p"));
        Assert.False(rules.Allows(["group:a"], Permissions.AttestorsGet, "projects/p/attestors/a/more"));
    }

    [Fact]
    public void Policy_of_a_project_uses_attestors_of_its_own_and_those_granted()
    {
        Assert.True(AttestorName.TryParse("projects/acme/attestors/build", out var build));
        const string Grant = "bindings: [{role: roles/binaryauthorization.attestorsVerifier, members: [\"principal://policyservice/projects/shop\"], resources: [projects/acme/attestors/build]}]\n";

        Assert.True(AccessRules.Nothing.MayUseAttestor("acme", build));
        Assert.False(AccessRules.Nothing.MayUseAttestor("shop", build));
        Assert.True(Rules(Grant).MayUseAttestor("shop", build));
        Assert.False(Rules(Grant).MayUseAttestor("shop2", build));
        Assert.False(Rules(Grant.Replace("attestorsVerifier", "attestorsViewer", StringComparison.Ordinal)).MayUseAttestor("shop", build));
        Assert.False(Rules(Grant.Replace("principal://policyservice/projects/shop", Member.AllAuthenticatedUsers, StringComparison.Ordinal)).MayUseAttestor("shop", build));
    }

    [Fact, Trait("attack", "33")]
    public void Evaluator_asks_about_its_clusters_only()
    {
        var rules = Rules("""
            evaluators:
            - {members: [group:lax], clusters: [a.lax], projects: [acme], may: [PREVIEW]}
            - {members: [group:lax], clusters: [a.lax], projects: [shop], may: [BREAK_GLASS]}
            - {members: [group:strict], clusters: [a.strict]}
            - {members: [group:all], clusters: ["*"], projects: ["*"], may: [WORKLOAD]}
            """);

        Assert.False(rules.Evaluator(["group:lax"], "a.strict", "").MayAsk);
        Assert.False(rules.Evaluator(["group:strict"], "a.lax", "").MayAsk);
        Assert.False(rules.Evaluator([], "a.lax", "").MayAsk);
        Assert.True(rules.Evaluator(["group:all"], "b.any", "acme") is { MayAsk: true, MayNameProject: true, Rights: EvaluatorRights.Workload });
        // The rights of an entry reach no further than it does.
        Assert.Equal((true, EvaluatorRights.Preview), (rules.Evaluator(["group:lax"], "a.lax", "acme").MayNameProject, rules.Evaluator(["group:lax"], "a.lax", "acme").Rights));
        Assert.Equal(EvaluatorRights.Preview | EvaluatorRights.BreakGlass, rules.Evaluator(["group:lax"], "a.lax", "").Rights);
        Assert.True(rules.Evaluator(["group:lax"], "a.lax", "other") is { MayAsk: true, MayNameProject: false, Rights: EvaluatorRights.None });
        Assert.True(rules.Evaluator(["group:strict"], "a.strict", "acme") is { MayAsk: true, MayNameProject: false });
        // To leave out the project gives no more than to name it.
        Assert.Equal(EvaluatorRights.Preview, rules.Evaluator(["group:lax"], "a.lax", "acme", isImplied: true).Rights);
        Assert.True(rules.Evaluator(["group:lax"], "a.lax", "other", isImplied: true) is { MayAsk: true, MayNameProject: false, Rights: EvaluatorRights.None });
        Assert.True(rules.Evaluator(["group:strict"], "a.strict", "acme", isImplied: true) is { MayAsk: true, MayNameProject: true });
    }

    /// <summary>What Google's pages of roles give those of Artifact Analysis, as far as something here asks for it.</summary>
    [Theory]
    [InlineData("admin", "notes.attachOccurrence notes.create notes.delete notes.get notes.list notes.update occurrences.create occurrences.delete occurrences.get occurrences.list occurrences.update")]
    [InlineData("editor", "notes.attachOccurrence notes.create notes.delete notes.get notes.list notes.listOccurrences notes.update occurrences.create occurrences.delete occurrences.get occurrences.list occurrences.update")]
    [InlineData("viewer", "notes.get notes.list occurrences.get occurrences.list")]
    [InlineData("notes.attacher", "notes.attachOccurrence notes.get")]
    [InlineData("notes.editor", "notes.attachOccurrence notes.create notes.delete notes.get notes.list notes.update")]
    [InlineData("notes.viewer", "notes.get notes.list")]
    [InlineData("notes.occurrences.viewer", "notes.get notes.listOccurrences")]
    [InlineData("occurrences.editor", "occurrences.create occurrences.delete occurrences.get occurrences.list occurrences.update")]
    [InlineData("occurrences.viewer", "occurrences.get occurrences.list")]
    public void Role_of_Artifact_Analysis_has_what_Google_gives_it(string role, string permissions) => Assert.Equal(
        permissions.Split(' ').Select(permission => $"containeranalysis.{permission}"),
        Roles.Find($"roles/containeranalysis.{role}")!.Permissions.Order(StringComparer.Ordinal));

    /// <summary>The same of Binary Authorization; but no role has <c>policy.evaluatePolicy</c>.</summary>
    [Theory]
    [InlineData("policyViewer", "continuousValidationConfig.get platformPolicies.get platformPolicies.list policy.get")]
    [InlineData("policyEvaluator", "platformPolicies.evaluatePolicy platformPolicies.get platformPolicies.list policy.get")]
    [InlineData("policyEditor", "continuousValidationConfig.get continuousValidationConfig.update platformPolicies.create platformPolicies.delete platformPolicies.evaluatePolicy platformPolicies.get platformPolicies.list platformPolicies.replace policy.get policy.update")]
    [InlineData("policyAdmin", "continuousValidationConfig.get continuousValidationConfig.update platformPolicies.create platformPolicies.delete platformPolicies.evaluatePolicy platformPolicies.get platformPolicies.list platformPolicies.replace policy.get policy.getIamPolicy policy.setIamPolicy policy.update")]
    [InlineData("attestorsViewer", "attestors.get attestors.list")]
    [InlineData("attestorsVerifier", "attestors.get attestors.list attestors.verifyImageAttested")]
    [InlineData("attestorsEditor", "attestors.create attestors.delete attestors.get attestors.list attestors.update attestors.verifyImageAttested")]
    [InlineData("attestorsAdmin", "attestors.create attestors.delete attestors.get attestors.getIamPolicy attestors.list attestors.setIamPolicy attestors.update attestors.verifyImageAttested")]
    public void Role_of_Binary_Authorization_has_what_Google_gives_it(string role, string permissions) => Assert.Equal(
        permissions.Split(' ').Select(permission => $"binaryauthorization.{permission}"),
        Roles.Find($"roles/binaryauthorization.{role}")!.Permissions.Order(StringComparer.Ordinal));

    [Fact]
    public void Addresses_are_compared_in_lower_case_of_ASCII_alone()
    {
        Assert.Equal("user:kim@example.com", Member.OfUser("Kim@EXAMPLE.com"));
        // The Kelvin sign has a k for its lower case.
        Assert.Equal("user:\u212Aim@example.com", Member.OfUser("\u212Aim@example.com"));
        Assert.Equal("serviceAccount:ci@p.iam.gserviceaccount.com", Member.OfServiceAccount("CI@p.iam.gserviceaccount.com"));
    }

    [Theory]
    [InlineData("a/b", "principal://i.example/subject/a%2Fb")]
    [InlineData("a%2Fb", "principal://i.example/subject/a%252Fb")]
    public void Subject_never_looks_like_another(string subject, string member) => Assert.Equal(member, Member.OfSubject("i.example/subject", subject));

    private static AccessRules Rules(string file)
    {
        var (parsed, problems) = AccessFileParserTests.Parse(file);
        Assert.False(problems.HasErrors, string.Join('\n', problems.Problems));
        return AccessRules.Build(parsed!, new Dictionary<string, CompiledIamPolicy>());
    }

    private static CompiledIamPolicy Policy(string binding)
    {
        var problems = new ProblemList("iam.yaml");
        var policy = IamPolicyParser.Parse(Encoding.UTF8.GetBytes($"bindings: [{binding}]\n"), problems);
        Assert.False(problems.HasErrors, string.Join('\n', problems.Problems));
        return CompiledIamPolicy.Compile(policy!);
    }
}
