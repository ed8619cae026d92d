using k8s.Models;
using PolicyService.Cli.Tests.Running;

namespace PolicyService.Cli.Tests.Doctor;

/// <summary><c>policyctl doctor kubernetes</c> against a stand-in of the API server: our own manifests are healthy, and each thing that may be wrong is found.</summary>
public sealed class DoctorTests
{
    private const string Admission = "/apis/admissionregistration.k8s.io/v1/";

    [Fact]
    public async Task What_we_deploy_is_healthy_but_for_what_was_chosen()
    {
        await using var server = await Patient.HealthyAsync();

        var (run, findings) = await server.ExamineAsync();

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal(["NOTE LIST_NOT_ENFORCED Namespace kube-system", "NOTE NOT_VISIBLE API server"], findings.Select(finding => $"{finding.Severity} {finding.Code} {finding.Where}"));
    }

    [Fact]
    public async Task Report_for_people_counts()
    {
        await using var server = await Patient.HealthyAsync();

        var run = await Policyctl.RunAsync("doctor", "kubernetes", "--kubeconfig", await server.StartAsync());

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.EndsWith("\n0 errors, 0 warnings, 2 notes\n", run.Text, StringComparison.Ordinal);
        Assert.Contains("    remedy: ", run.Text, StringComparison.Ordinal);
    }

    /// <summary>Why, what is done to the cluster, and the finding.</summary>
    public static TheoryData<string, string> Wrongs =>
    [
        new("no webhook", "ERROR WEBHOOK_MISSING"),
        new("no service", "ERROR SERVICE_MISSING"),
        new("another port", "ERROR SERVICE_PORT"),
        new("another path", "ERROR WEBHOOK_PATH"),
        new("failing open", "ERROR FAILURE_POLICY"),
        new("an object selector", "ERROR OBJECT_SELECTOR"),
        new("a label to opt in", "ERROR LABEL_SELECTOR"),
        new("a label to opt out", "ERROR LABEL_SELECTOR"),
        new("a short timeout", "WARNING TIMEOUT"),
        new("side effects", "ERROR SIDE_EFFECTS"),
        new("exact matching", "ERROR MATCH_POLICY"),
        new("an old review", "ERROR REVIEW_VERSION"),
        new("a condition of somebody's", "WARNING MATCH_CONDITION"),
        new("a condition that has only the name of ours", "WARNING MATCH_CONDITION"),
        new("no rule for new pods", "ERROR NAMESPACE_UNCOVERED"),
        new("no rule for changed pods", "ERROR NAMESPACE_UNCOVERED"),
        new("no rule for ephemeral containers", "ERROR NAMESPACE_UNCOVERED"),
        new("a rule for cluster scoped objects alone", "ERROR NAMESPACE_UNCOVERED"),
        new("a namespace left out", "ERROR NAMESPACE_UNCOVERED"),
        new("a namespace that fails open", "NOTE FAILS_OPEN"),
        new("no list in our namespace", "ERROR LIST_MISSING"),
        new("no list in kube-system", "ERROR LIST_MISSING"),
        new("a list that only warns in our namespace", "ERROR LIST_NOT_ENFORCED"),
        new("a list that may be missing", "ERROR LIST_MISSING"),
        new("a list policy that fails open", "ERROR LIST_MISSING"),
        new("a list without ephemeral containers", "ERROR LIST_MISSING"),
        new("judging ourselves", "ERROR JUDGES_ITSELF"),
        new("judging DNS", "ERROR JUDGES_A_DEPENDENCY"),
        new("a webhook of others in a circle", "ERROR LOOP"),
        new("a webhook of others that we need", "WARNING NEEDED_BY_US"),
        new("no caBundle", "ERROR CA_BUNDLE"),
        new("a clock ahead", "WARNING CLOCK_SKEW"),
        new("a clock behind", "WARNING CLOCK_SKEW"),
        new("policies that may not be read", "WARNING NOT_READABLE"),
        new("a list without end", "ERROR LIST_CUT"),
    ];

    [Theory, MemberData(nameof(Wrongs)), Trait("attack", "114"), Trait("attack", "115"), Trait("attack", "116")]
    public async Task Finds(string wrong, string expected)
    {
        await using var server = await Patient.HealthyAsync();
        Do(server, wrong);

        var (run, findings) = await server.ExamineAsync();

        Assert.Contains(expected, findings.Select(finding => $"{finding.Severity} {finding.Code}"));
        Assert.Equal(findings.Any(finding => finding.Severity == "ERROR") ? 1 : 0, run.ExitCode);
        Assert.Equal(findings.OrderBy(finding => finding.Severity switch { "ERROR" => 0, "WARNING" => 1, _ => 2 }), findings);
    }

    [Fact, Trait("attack", "114")]
    public async Task Uncovered_namespace_is_named_with_the_selector_and_the_pods()
    {
        await using var server = await Patient.HealthyAsync();
        Do(server, "a namespace left out");

        var (_, findings) = await server.ExamineAsync();

        var finding = Assert.Single(findings, finding => finding.Severity == "ERROR");
        Assert.Equal("Namespace shop", finding.Where);
        Assert.Contains("`kubernetes.io/metadata.name NotIn (policyservice-system, kube-system, shop)`", finding.What, StringComparison.Ordinal);
        Assert.EndsWith("; 1 pods are there: web-1", finding.What, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dependencies_that_are_named_count_too()
    {
        await using var server = await Patient.HealthyAsync();

        var (_, findings) = await server.ExamineAsync("--needs", "kube-system", "shop");

        Assert.Contains(("ERROR", "JUDGES_A_DEPENDENCY"), findings.Select(finding => (finding.Severity, finding.Code)));
    }

    [Fact]
    public async Task Pages_are_read_to_the_end()
    {
        await using var server = await Patient.HealthyAsync();
        server.Objects.AddRange(Enumerable.Range(0, 9).Select(number => Patient.NamespaceOf($"team-{number}")));
        server.Closed().NamespaceSelector.MatchExpressions[0].Values.Add("team-8");

        var (_, findings) = await server.ExamineAsync();

        Assert.Contains("Namespace team-8", findings.Select(finding => finding.Where));
    }

    [Fact, Trait("attack", "107")]
    public async Task Names_of_the_cluster_are_one_printable_line()
    {
        await using var server = await Patient.HealthyAsync();
        server.Objects.Add(Patient.NamespaceOf("evil\u001b[31m\nERROR forged"));
        server.Closed().NamespaceSelector.MatchExpressions[0].Values.Add("evil\u001b[31m\nERROR forged");

        var run = await Policyctl.RunHereAsync("doctor", "kubernetes", "--kubeconfig", await server.StartAsync());

        Assert.Equal(1, run.ExitCode);
        Assert.DoesNotContain("\u001b", run.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("\nERROR forged", run.Text, StringComparison.Ordinal);
        Assert.Contains("NAMESPACE_UNCOVERED Namespace evil", run.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/api/v1/namespaces", 403)]
    [InlineData("/api/v1/pods", 401)]
    [InlineData(Admission + "validatingwebhookconfigurations", 403)]
    [InlineData(Admission + "mutatingwebhookconfigurations", 500)]
    [InlineData(Admission + "validatingadmissionpolicies", 503)]
    public async Task Refusal_of_what_matters_is_no_clean_report(string path, int status)
    {
        await using var server = await Patient.HealthyAsync();
        server.Refusals[path] = status;

        var run = await Policyctl.RunHereAsync("doctor", "kubernetes", "--kubeconfig", await server.StartAsync());

        Assert.Equal((3, 0), (run.ExitCode, run.Output.Length));
        Assert.Contains($"{status}", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cluster_that_does_not_answer_is_3_and_a_kubeconfig_that_is_none_is_2()
    {
        using var folder = new Folder();
        var nowhere = folder.Write("config", """
            {apiVersion: v1, kind: Config, clusters: [{name: a, cluster: {server: "http://127.0.0.1:1"}}], users: [], contexts: [{name: a, context: {cluster: a}}], current-context: a}
            """);

        Assert.Equal(3, (await Policyctl.RunHereAsync("doctor", "kubernetes", "--kubeconfig", nowhere)).ExitCode);
        foreach (var (file, more) in new[] { (folder["none"], ""), (folder.Write("text", "a: [b"), ""), (folder.Write("empty", ""), ""), (nowhere, "--context=other") })
        {
            var run = await Policyctl.RunHereAsync(["doctor", "kubernetes", "--kubeconfig", file, .. more.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
            Assert.True(run.ExitCode == 2 && run.ErrorLines.Length == 1, $"{file}: {run.ExitCode} {run.Error}");
        }
    }

    private static void Do(ApiServer server, string wrong)
    {
        var closed = server.Closed();
        var rule = closed.Rules.Single();
        var selector = closed.NamespaceSelector.MatchExpressions[0];
        var own = server.Objects.OfType<V1ValidatingAdmissionPolicyBinding>().Single(binding => binding.Metadata.Name == "policyservice-allowed-images");
        var policy = server.One<V1ValidatingAdmissionPolicy>();
        Action change = wrong switch
        {
            "no webhook" => () => server.Objects.RemoveAll(found => found is V1ValidatingWebhookConfiguration),
            "no service" => () => server.Objects.RemoveAll(found => found is V1Service),
            "another port" => () => closed.ClientConfig.Service.Port = 9443,
            "another path" => () => closed.ClientConfig.Service.Path = "/validated",
            "failing open" => () => closed.FailurePolicy = "Ignore",
            "an object selector" => () => closed.ObjectSelector = new V1LabelSelector { MatchExpressions = [new V1LabelSelectorRequirement { Key = "skip", OperatorProperty = "DoesNotExist" }] },
            "a label to opt in" => () => closed.NamespaceSelector.MatchLabels = new Dictionary<string, string> { ["judged"] = "true" },
            "a label to opt out" => () => closed.NamespaceSelector.MatchExpressions.Add(new V1LabelSelectorRequirement { Key = "skip", OperatorProperty = "DoesNotExist" }),
            "a short timeout" => () => closed.TimeoutSeconds = 5,
            "side effects" => () => closed.SideEffects = "Some",
            "exact matching" => () => closed.MatchPolicy = "Exact",
            "an old review" => () => closed.AdmissionReviewVersions = ["v1beta1"],
            "a condition of somebody's" => () => closed.MatchConditions.Add(new V1MatchCondition { Name = "not-me", Expression = "request.userInfo.username != 'me'" }),
            "a condition that has only the name of ours" => () => closed.MatchConditions[0].Expression = "request.userInfo.username != 'me'",
            "no rule for new pods" => () => rule.Operations = ["UPDATE"],
            "no rule for changed pods" => () => rule.Operations = ["CREATE"],
            "no rule for ephemeral containers" => () => rule.Resources = ["pods", "pods/status"],
            "a rule for cluster scoped objects alone" => () => rule.Scope = "Cluster",
            "a namespace left out" => () => selector.Values.Add("shop"),
            "a namespace that fails open" => () =>
            {
                selector.Values.Add("shop");
                server.Webhook("open").NamespaceSelector.MatchExpressions[0].Values = ["shop"];
            }
            ,
            "no list in our namespace" => () => server.Objects.Remove(own),
            "no list in kube-system" => () => server.Objects.RemoveAll(found => found is V1ValidatingAdmissionPolicyBinding && !ReferenceEquals(found, own)),
            "a list that only warns in our namespace" => () => own.Spec.ValidationActions = ["Warn"],
            "a list that may be missing" => () => own.Spec.ParamRef.ParameterNotFoundAction = "Allow",
            "a list policy that fails open" => () => policy.Spec.FailurePolicy = "Ignore",
            "a list without ephemeral containers" => () => policy.Spec.MatchConstraints.ResourceRules[0].Resources = ["pods"],
            "judging ourselves" => () => selector.Values.Remove("policyservice-system"),
            "judging DNS" => () => selector.Values.Remove("kube-system"),
            "a webhook of others in a circle" => () => AddOther(server, "shop"),
            "a webhook of others that we need" => () => AddOther(server, "kube-system"),
            "no caBundle" => () => closed.ClientConfig.CaBundle = null,
            "a clock ahead" => () => server.Ahead = TimeSpan.FromMinutes(3),
            "a clock behind" => () => server.Ahead = TimeSpan.FromMinutes(-3),
            "policies that may not be read" => () => server.Refusals[Admission + "validatingadmissionpolicies"] = 403,
            "a list without end" => () => server.Endless = Admission + "mutatingwebhookconfigurations",
            _ => throw new ArgumentException(wrong, nameof(wrong)),
        };
        change();
    }

    /// <summary>A mutating webhook for all pods, as service meshes have one, with its backend in a namespace.</summary>
    private static void AddOther(ApiServer server, string backend) => server.Objects.Add(new V1MutatingWebhookConfiguration
    {
        ApiVersion = "admissionregistration.k8s.io/v1",
        Kind = "MutatingWebhookConfiguration",
        Metadata = new V1ObjectMeta { Name = "mesh" },
        Webhooks =
        [
            new V1MutatingWebhook
            {
                Name = "inject.mesh.example.com",
                ClientConfig = new Admissionregistrationv1WebhookClientConfig { Service = new Admissionregistrationv1ServiceReference { Name = "mesh", NamespaceProperty = backend } },
                Rules = [new V1RuleWithOperations { ApiGroups = ["*"], ApiVersions = ["*"], Operations = ["*"], Resources = ["*/*"] }],
                SideEffects = "None",
                AdmissionReviewVersions = ["v1"],
            },
        ],
    });
}
