using System.Text;
using k8s.Models;

namespace PolicyService.Cli.Tests.Deploy;

/// <summary>The webhook's configuration: everything that starts containers is covered, and nothing that we ourselves need.</summary>
public sealed class WebhookManifestTests
{
    private const string NameLabel = "kubernetes.io/metadata.name";

    private static readonly string[] Exempt = ["kube-system", "policyservice-system"];

    public static TheoryData<string> Overlays => [.. Overlay.Names];

    [Theory, MemberData(nameof(Overlays)), Trait("attack", "114")]
    public async Task Webhooks_say_everything_and_leave_nobody_a_way_out(string name)
    {
        Assert.All(await WebhooksOf(name), webhook =>
        {
            Assert.Equal(["v1"], webhook.AdmissionReviewVersions);
            Assert.Equal("NoneOnDryRun", webhook.SideEffects);
            Assert.Equal("Equivalent", webhook.MatchPolicy);
            // Whoever writes an object writes its labels: an objectSelector would be a way around.
            Assert.Null(webhook.ObjectSelector);
            Assert.NotEmpty(webhook.ClientConfig.CaBundle);
            Assert.Null(webhook.ClientConfig.Url);
            Assert.All(webhook.NamespaceSelector.MatchExpressions, expression => Assert.Equal(NameLabel, expression.Key));
            Assert.Null(webhook.NamespaceSelector.MatchLabels);
            Assert.All(webhook.Rules, rule => Assert.Equal(("Namespaced", "CREATE UPDATE", "v1"), (rule.Scope, string.Join(' ', rule.Operations), string.Join(' ', rule.ApiVersions))));
        });
    }

    [Theory, MemberData(nameof(Overlays)), Trait("attack", "115")]
    public async Task Webhooks_wait_longer_than_an_evaluation_and_less_than_the_api_server(string name) =>
        // 5 s for the service's default deadline, twice with the adapter's margin; 30 s is the most there may be.
        Assert.All(await WebhooksOf(name), webhook => Assert.Equal(10, webhook.TimeoutSeconds));

    [Theory, MemberData(nameof(Overlays)), Trait("attack", "109"), Trait("attack", "110")]
    public async Task Pods_fail_closed_and_templates_never_hold_anybody_up(string name)
    {
        var webhooks = (await WebhooksOf(name)).ToDictionary(webhook => webhook.Name);

        Assert.Equal(["closed.policyservice.dev", "open.policyservice.dev", "templates.policyservice.dev"], webhooks.Keys.Order());
        string[] pods = ["pods", "pods/ephemeralcontainers"];
        string[] templates = ["apps/daemonsets", "apps/deployments", "apps/replicasets", "apps/statefulsets", "batch/cronjobs", "batch/jobs", "replicationcontrollers"];
        Assert.Equal(("Fail", "/validate"), Of(webhooks["closed.policyservice.dev"]));
        Assert.Equal(pods, ResourcesOf(webhooks["closed.policyservice.dev"]));
        Assert.Equal(("Ignore", "/validate"), Of(webhooks["templates.policyservice.dev"]));
        Assert.Equal(templates, ResourcesOf(webhooks["templates.policyservice.dev"]));
        Assert.Equal(("Ignore", "/validate/fail-open"), Of(webhooks["open.policyservice.dev"]));
        Assert.Equal([.. templates[..6], .. pods, templates[6]], ResourcesOf(webhooks["open.policyservice.dev"]));

        static (string, string) Of(V1ValidatingWebhook webhook) => (webhook.FailurePolicy, webhook.ClientConfig.Service.Path);
    }

    [Theory, MemberData(nameof(Overlays)), Trait("attack", "38"), Trait("attack", "116")]
    public async Task Exempt_namespaces_are_ours_and_what_we_need_and_the_list_of_digests_watches_exactly_them(string name)
    {
        var objects = await Overlay.Of(name);
        var webhooks = (await WebhooksOf(name)).ToDictionary(webhook => webhook.Name, webhook => Assert.Single(webhook.NamespaceSelector.MatchExpressions));

        Assert.All(["closed.policyservice.dev", "templates.policyservice.dev"], webhook => Assert.Equal(("NotIn", "kube-system policyservice-system"), (webhooks[webhook].OperatorProperty, string.Join(' ', webhooks[webhook].Values.Order()))));
        // Nothing: a namespace's name has no dot.
        Assert.Equal("In none.invalid", $"{webhooks["open.policyservice.dev"].OperatorProperty} {string.Join(' ', webhooks["open.policyservice.dev"].Values)}");
        var bindings = objects.All<V1ValidatingAdmissionPolicyBinding>().ToList();
        var watched = bindings.SelectMany(binding => Assert.Single(binding.Spec.MatchResources.NamespaceSelector.MatchExpressions) is { Key: NameLabel, OperatorProperty: "In" } expression ? expression.Values : []);
        Assert.Equal(Exempt, watched.Order());
        Assert.All(bindings, binding =>
        {
            Assert.Equal(Assert.Single(objects.All<V1ValidatingAdmissionPolicy>()).Metadata.Name, binding.Spec.PolicyName);
            Assert.Equal("Deny", binding.Spec.ParamRef.ParameterNotFoundAction);
            Assert.Equal("policyservice-system", binding.Spec.ParamRef.NamespaceProperty);
            Assert.NotNull(objects.One<V1ConfigMap>(binding.Spec.ParamRef.Name));
            var actions = string.Join(' ', binding.Spec.ValidationActions);
            Assert.Equal(binding.Metadata.Name.EndsWith("kube-system", StringComparison.Ordinal) ? "Warn Audit" : "Deny", actions);
        });
        Assert.Equal("Fail", Assert.Single(objects.All<V1ValidatingAdmissionPolicy>()).Spec.FailurePolicy);
        Assert.Equal(["pods", "pods/ephemeralcontainers"], Assert.Single(objects.All<V1ValidatingAdmissionPolicy>().Single().Spec.MatchConstraints.ResourceRules).Resources);
    }

    [Theory, MemberData(nameof(Overlays))]
    public async Task Webhooks_lead_to_the_adapter_and_trust_its_certificate(string name)
    {
        var objects = await Overlay.Of(name);
        using var served = System.Security.Cryptography.X509Certificates.X509Certificate2.CreateFromPem(Encoding.UTF8.GetString(objects.One<V1Secret>("policyservice-adapter-tls").Data["tls.crt"]));

        Assert.All(await WebhooksOf(name), webhook =>
        {
            var service = webhook.ClientConfig.Service;
            Assert.Equal("policyservice-system", service.NamespaceProperty);
            Assert.Contains(objects.One<V1Service>(service.Name).Spec.Ports, port => port.Port == service.Port);
            Assert.True(served.MatchesHostname($"{service.Name}.{service.NamespaceProperty}.svc"));
            using var chain = new System.Security.Cryptography.X509Certificates.X509Chain();
            chain.ChainPolicy.TrustMode = System.Security.Cryptography.X509Certificates.X509ChainTrustMode.CustomRootTrust;
            chain.ChainPolicy.RevocationMode = System.Security.Cryptography.X509Certificates.X509RevocationMode.NoCheck;
            chain.ChainPolicy.CustomTrustStore.ImportFromPem(Encoding.UTF8.GetString(webhook.ClientConfig.CaBundle));
            Assert.True(chain.Build(served));
        });
    }

    public static TheoryData<string, bool, string> Conditions => new()
    {
        { "a new pod", true, """{"request": {"operation": "CREATE"}, "object": {"spec": {"a": 1}}, "oldObject": null}""" },
        { "a new image", true, """{"request": {"operation": "UPDATE"}, "object": {"spec": {"a": 1}}, "oldObject": {"spec": {"a": 2}}}""" },
        { "an ephemeral container", true, """{"request": {"operation": "UPDATE", "subResource": "ephemeralcontainers"}, "object": {"spec": {"a": [1, 2]}}, "oldObject": {"spec": {"a": [1]}}}""" },
        { "an image under deletion", true, """{"request": {"operation": "UPDATE"}, "object": {"metadata": {"deletionTimestamp": "x"}, "spec": {"a": 1}}, "oldObject": {"spec": {"a": 2}}}""" },
        { "something without a spec", true, """{"request": {"operation": "UPDATE"}, "object": {"template": 1}, "oldObject": {"template": 2}}""" },
        { "a label", false, """{"request": {"operation": "UPDATE", "subResource": ""}, "object": {"metadata": {"labels": {"x": "y"}}, "spec": {"a": {"b": ["c"]}}}, "oldObject": {"metadata": {}, "spec": {"a": {"b": ["c"]}}}}""" },
        { "a status", false, """{"request": {"operation": "UPDATE", "subResource": "status"}, "object": {"spec": {"a": 1}}, "oldObject": {"spec": {"a": 2}}}""" },
        { "a deletion", false, """{"request": {"operation": "DELETE"}, "object": null, "oldObject": {"spec": {"a": 2}}}""" },
    };

    [Theory, MemberData(nameof(Conditions)), Trait("attack", "111"), Trait("attack", "112")]
    public async Task Conditions_pass_on_what_can_start_a_container(string name, bool called, string bindings)
    {
        var overlay = await WebhooksOf("on-prem");
        foreach (var webhook in overlay)
        {
            var all = string.Join(" && ", webhook.MatchConditions.Select(condition => $"({condition.Expression})"));
            Assert.Equal($$"""{"value":{{(called ? "true" : "false")}}}""", await Cel.Evaluate(all, bindings));
        }

        Assert.NotEmpty(name);
    }

    private static async Task<IList<V1ValidatingWebhook>> WebhooksOf(string overlay) => Assert.Single((await Overlay.Of(overlay)).All<V1ValidatingWebhookConfiguration>()).Webhooks;

    private static string[] ResourcesOf(V1ValidatingWebhook webhook) =>
        [.. webhook.Rules.SelectMany(rule => rule.Resources.Select(resource => rule.ApiGroups.Single() is { Length: > 0 } group ? $"{group}/{resource}" : resource)).Order(StringComparer.Ordinal)];
}
