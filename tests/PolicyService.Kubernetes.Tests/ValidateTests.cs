using System.Text.Json.Nodes;
using PolicyService.Server.Tests;

namespace PolicyService.Kubernetes.Tests;

/// <summary>Which objects are judged, and what becomes of them: a real service, a real adapter, TLS between the cluster and it.</summary>
public sealed class ValidateTests(StandardAdapter standard) : IClassFixture<StandardAdapter>
{
    private const string BreakGlass = "image-policy.k8s.io/break-glass";
    private const string OldBreakGlass = "alpha.image-policy.k8s.io/break-glass";

    private ApiServerStandIn Cluster => standard.Enforced.ApiServer;

    /// <summary>Kind, group, and where its template is.</summary>
    public static TheoryData<string, string, string> Templates => new()
    {
        { "Deployment", "apps", "spec.template" },
        { "Deployment", "extensions", "spec.template" },
        { "ReplicaSet", "apps", "spec.template" },
        { "StatefulSet", "apps", "spec.template" },
        { "DaemonSet", "apps", "spec.template" },
        { "Job", "batch", "spec.template" },
        { "CronJob", "batch", "spec.jobTemplate.spec.template" },
        { "ReplicationController", "", "spec.template" },
        { "PodTemplate", "", "template" },
    };

    /// <summary>Where a pod can name an image.</summary>
    public static TheoryData<string> ImageFields => ["containers", "initContainers", "ephemeralContainers", "volumes"];

    /// <summary>Values of a marker that mean nothing, and why.</summary>
    public static TheoryData<string> OtherValues => ["false", "", "TRUE", "True", "1", "yes", " true", "true "];

    [Fact]
    public async Task Pod_with_an_attested_image_is_admitted()
    {
        var view = await Cluster.AdmitAsync("/validate", Text(AdmissionReviews.Create(AdmissionReviews.Pod(Ask.Attested))));

        Assert.True(view.IsAdmitted, view.Message);
        Assert.Equal(("ALLOW", 0), (view.Verdict, view.Warnings.Count));
        Assert.Equal(["decision-ids", "verdict"], view.Audit.Keys.Select(key => key.Split('/')[1]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Denial_names_every_failing_image_with_its_remedy()
    {
        var other = Ask.Unattested.Replace("acme/api", "acme/web", StringComparison.Ordinal);

        var view = await Cluster.AdmitAsync("/validate", Text(AdmissionReviews.Create(AdmissionReviews.Pod(Ask.Unattested, Ask.Attested, other, Ask.Unattested))));

        Assert.Equal((403, "DENY"), (view.Status, view.Verdict));
        Assert.StartsWith($"admission webhook \"{ApiServerStandIn.Webhook}\" denied the request: Image {Ask.Unattested} denied by ", view.Message, StringComparison.Ordinal);
        Assert.Contains($"Image {other} denied by ", view.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Ask.Attested, view.Message, StringComparison.Ordinal);
        // Each distinct image once.
        Assert.Equal(3, view.Audit[$"{ApiServerStandIn.Webhook}/decision-ids"].Split(',').Length);
    }

    [Fact, Trait("attack", "104")]
    public async Task Dry_run_admits_with_the_reasons_of_a_denial()
    {
        var review = Text(AdmissionReviews.Create(AdmissionReviews.Pod(Ask.Unattested)));

        var denied = await Cluster.AdmitAsync("/validate", review);
        var view = await standard.DryRun.ApiServer.AdmitAsync("/validate", review);

        Assert.True(view.IsAdmitted, view.Message);
        Assert.Equal(("DRYRUN", "true"), (view.Verdict, view.Audit[$"{ApiServerStandIn.Webhook}/dry-run"]));
        Assert.All(view.Warnings, warning => Assert.StartsWith("dry run: Image gcr.io/acme/api@sha256:bbbb", warning, StringComparison.Ordinal));
        Assert.NotEmpty(view.Warnings);
        Assert.Equal(Reason(denied), Reason(view).Replace(Ask.DryRun, "", StringComparison.Ordinal).Replace("cluster admission rule for ", "default admission rule", StringComparison.Ordinal));

        static string Reason(UserView view) => view.Audit[$"{ApiServerStandIn.Webhook}/violations"];
    }

    [Theory, MemberData(nameof(ImageFields)), Trait("attack", "109")]
    public async Task Image_is_judged_wherever_a_pod_names_it(string field)
    {
        var pod = With(AdmissionReviews.Pod(Ask.Attested), field, "more", Ask.Unattested);

        Assert.Equal(403, (await Cluster.AdmitAsync("/validate", Text(AdmissionReviews.Create(pod)))).Status);
        Assert.True((await Cluster.AdmitAsync("/validate", Text(AdmissionReviews.Create(With(AdmissionReviews.Pod(Ask.Attested), field, "more", Ask.Attested))))).IsAdmitted);
    }

    [Theory, MemberData(nameof(Templates)), Trait("attack", "110")]
    public async Task Template_is_warned_about_or_refused_as_configured(string kind, string group, string path)
    {
        var bad = Text(AdmissionReviews.Create(AdmissionReviews.Owner(kind, path, Ask.Unattested), group));
        var good = Text(AdmissionReviews.Create(AdmissionReviews.Owner(kind, path, Ask.Attested), group));

        var warned = await Cluster.AdmitAsync("/validate", bad);
        var refused = await standard.Templates.ApiServer.AdmitAsync("/validate", bad);

        Assert.True(warned.IsAdmitted, warned.Message);
        Assert.Contains(warned.Warnings, warning => warning.StartsWith($"pods of this {kind} would be refused: Image ", StringComparison.Ordinal));
        Assert.Equal(("DRYRUN", 403, "DENY"), (warned.Verdict, refused.Status, refused.Verdict));
        Assert.Empty((await Cluster.AdmitAsync("/validate", good)).Warnings);
        Assert.True((await standard.Templates.ApiServer.AdmitAsync("/validate", good)).IsAdmitted);
    }

    [Theory, Trait("attack", "110")]
    [InlineData("Rollout", "argoproj.io", "spec.template")]
    [InlineData("JobSet", "jobset.x-k8s.io", "spec.replicatedJobs[*].template.spec.template")]
    public async Task Configured_kind_is_judged_and_another_is_refused(string kind, string group, string path)
    {
        var review = Text(AdmissionReviews.Create(AdmissionReviews.Owner(kind, path, Ask.Unattested), group));

        Assert.StartsWith("403 ", (await standard.Templates.ApiServer.AdmitAsync("/validate", review)).Status + " ", StringComparison.Ordinal);
        var unknown = await Cluster.AdmitAsync("/validate", review);
        Assert.Equal(403, unknown.Status);
        Assert.Contains($"kind `{kind}.{group}` is not known", unknown.Message, StringComparison.Ordinal);
        Assert.Contains("--Templates:Kinds", unknown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pods_of_one_object_are_asked_about_each_as_its_service_account()
    {
        var set = AdmissionReviews.Owner("JobSet", "spec.replicatedJobs[*].template.spec.template", Ask.Attested);
        var jobs = set["spec"]!["replicatedJobs"]!.AsArray();
        var second = jobs[0]!.DeepClone();
        second["template"]!["spec"]!["template"]!["spec"]!["serviceAccountName"] = "runner";
        jobs.Add(second);

        var view = await standard.Templates.ApiServer.AdmitAsync("/validate", Text(AdmissionReviews.Create(set, "jobset.x-k8s.io")));

        var ids = view.Audit[$"{ApiServerStandIn.Webhook}/decision-ids"].Split(',');
        var accounts = await Task.WhenAll(ids.Select(async id => (await standard.Server.Records.Of(id)).GetRawText()));
        Assert.Equal(2, ids.Length);
        Assert.Single(accounts, record => record.Contains("\"runner\"", StringComparison.Ordinal));
        Assert.Single(accounts, record => record.Contains("\"default\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Templates_may_be_left_alone()
    {
        await using var adapter = await TestAdapter.StartAsync(standard.Server.GrpcUrl, settings => settings with { Templates = TemplateMode.Off });

        var view = await adapter.ApiServer.AdmitAsync("/validate", Text(AdmissionReviews.Create(AdmissionReviews.Owner("Deployment", "spec.template", Ask.Unattested), "apps")));

        Assert.True(view.IsAdmitted && view.Warnings.Count == 0 && view.Audit.Count == 0);
        Assert.Equal(403, (await adapter.ApiServer.AdmitAsync("/validate", Text(AdmissionReviews.Create(AdmissionReviews.Pod(Ask.Unattested))))).Status);
    }

    [Theory]
    [InlineData("Scale", "autoscaling")]
    [InlineData("Binding", "")]
    [InlineData("Eviction", "policy")]
    public async Task Kind_that_cannot_hold_images_is_admitted_and_its_namesake_is_not(string kind, string group)
    {
        var obj = new JsonObject { ["kind"] = kind, ["metadata"] = new JsonObject() };

        Assert.True((await Cluster.AdmitAsync("/validate", Text(AdmissionReviews.Create(obj, group)))).IsAdmitted);
        Assert.Equal(403, (await Cluster.AdmitAsync("/validate", Text(AdmissionReviews.Create(obj, "example.com")))).Status);
    }

    [Theory]
    [InlineData("DELETE")]
    [InlineData("CONNECT")]
    public async Task Deletion_and_connection_are_none_of_its_business(string operation)
    {
        var pod = AdmissionReviews.Pod(Ask.Unattested);

        Assert.True((await Cluster.AdmitAsync("/validate", Text(AdmissionReviews.Review(operation == "DELETE" ? null : pod, pod, operation)))).IsAdmitted);
    }

    [Theory, Trait("attack", "99"), Trait("attack", "103")]
    [InlineData(BreakGlass, true), InlineData(BreakGlass, false), InlineData(OldBreakGlass, false)]
    // Kubernetes has no place for a reason: the marker needs none.
    public async Task Marker_admits_and_everybody_is_told(string key, bool isLabel)
    {
        var pod = AdmissionReviews.Pod(Ask.Unattested);
        var marked = isLabel ? pod.Labelled(key, "true") : pod.Annotated(key, "true");

        var view = await Cluster.AdmitAsync("/validate", Text(AdmissionReviews.Create(marked)));

        Assert.True(view.IsAdmitted, view.Message);
        Assert.Equal(("BREAK_GLASS", "true"), (view.Verdict, view.Audit[$"{ApiServerStandIn.Webhook}/break-glass"]));
        Assert.Contains(view.Warnings, warning => warning.StartsWith("admitted by break-glass: ", StringComparison.Ordinal));
    }

    [Theory, MemberData(nameof(OtherValues)), Trait("attack", "99")]
    public async Task Marker_with_another_value_means_nothing(string value)
    {
        Assert.Equal(403, (await Cluster.AdmitAsync("/validate", Text(AdmissionReviews.Create(AdmissionReviews.Pod(Ask.Unattested).Annotated(BreakGlass, value))))).Status);
        Assert.Equal(403, (await Cluster.AdmitAsync("/validate", Text(AdmissionReviews.Create(AdmissionReviews.Pod(Ask.Unattested).Labelled(BreakGlass, value))))).Status);
    }

    [Fact, Trait("attack", "99")]
    public async Task Marker_that_stands_twice_is_refused()
    {
        var review = Text(AdmissionReviews.Create(AdmissionReviews.Pod(Ask.Unattested).Annotated(BreakGlass, "true")));

        var view = await Cluster.AdmitAsync("/validate", review.Replace($"\"{BreakGlass}\":\"true\"", $"\"{BreakGlass}\":\"true\",\"{BreakGlass}\":\"true\"", StringComparison.Ordinal));

        Assert.Equal(400, view.Status);
    }

    [Fact, Trait("attack", "100"), Trait("attack", "101")]
    public async Task Marker_is_recorded_with_each_image_as_it_was_judged()
    {
        var view = await Cluster.AdmitAsync("/validate", Text(AdmissionReviews.Create(AdmissionReviews.Pod(Ask.Attested, Ask.Unattested).Annotated(BreakGlass, "true"))));

        Assert.True(view.IsAdmitted, view.Message);
        var ids = view.Audit[$"{ApiServerStandIn.Webhook}/decision-ids"].Split(',');
        var records = await Task.WhenAll(ids.Select(id => standard.Server.Records.Of(id)));
        Assert.Equal(2, records.Length);
        Assert.All(records, record => Assert.Contains("\"breakGlass\"", record.GetRawText(), StringComparison.Ordinal));
        Assert.Single(records, record => record.GetRawText().Contains("\"DENY\"", StringComparison.Ordinal));
    }

    [Fact, Trait("attack", "102"), Trait("attack", "113")]
    public async Task Marker_of_an_owner_covers_neither_its_pods_nor_a_template_that_is_only_warned_about()
    {
        var owner = AdmissionReviews.Owner("Deployment", "spec.template", Ask.Unattested).Annotated(BreakGlass, "true");
        var pod = AdmissionReviews.Pod(Ask.Unattested).With("metadata.ownerReferences", new JsonArray(new JsonObject { ["kind"] = "ReplicaSet", ["name"] = "web", ["controller"] = true }));

        Assert.True((await standard.Templates.ApiServer.AdmitAsync("/validate", Text(AdmissionReviews.Create(owner, "apps")))).IsAdmitted);
        Assert.Equal("DRYRUN", (await Cluster.AdmitAsync("/validate", Text(AdmissionReviews.Create(owner, "apps")))).Verdict);
        Assert.Equal(403, (await Cluster.AdmitAsync("/validate", Text(AdmissionReviews.Create(pod)))).Status);
    }

    [Fact, Trait("attack", "102")]
    public async Task Marker_inside_a_template_is_its_pods_affair()
    {
        var owner = AdmissionReviews.Owner("Deployment", "spec.template", Ask.Unattested);
        owner["spec"]!["template"]!["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [BreakGlass] = "true" } };

        Assert.Equal(403, (await standard.Templates.ApiServer.AdmitAsync("/validate", Text(AdmissionReviews.Create(owner, "apps")))).Status);
    }

    [Fact, Trait("attack", "108")]
    public async Task Forged_result_changes_nothing()
    {
        var pod = AdmissionReviews.Pod(Ask.Unattested).Annotated("policyservice.dev/tags", "{\"containers/c0\":\"ok\"}").Annotated("policyservice.dev/verdict", "ALLOW").Annotated("verdict", "ALLOW");

        Assert.Equal(403, (await Cluster.AdmitAsync("/validate", Text(AdmissionReviews.Create(pod)))).Status);
    }

    [Fact, Trait("attack", "38")]
    public async Task Object_that_names_another_namespace_is_refused()
    {
        var view = await Cluster.AdmitAsync("/validate", Text(AdmissionReviews.Create(AdmissionReviews.Pod(Ask.Attested).With("metadata.namespace", "kube-system"))));

        Assert.Equal(400, view.Status);
        Assert.Contains("`object.metadata.namespace` is `kube-system`, and the review is about namespace `t2`", view.Message, StringComparison.Ordinal);
    }

    [Theory, Trait("attack", "8"), Trait("attack", "9"), Trait("attack", "10"), Trait("attack", "11"), Trait("attack", "12")]
    [InlineData("validate"), InlineData("imagereview")]
    public async Task Digest_is_asked_about_as_it_is_and_vouches_for_no_other(string path)
    {
        // Whatever an index and its manifests have to do with each other is the service's affair: here each digest stands for itself.
        string[] images = [Ask.Attested, Ask.Unattested];

        var view = path == "validate"
            ? await Cluster.AdmitAsync("/validate", Text(AdmissionReviews.Create(AdmissionReviews.Pod(images))))
            : await Cluster.ReviewImagesAsync(AdmissionReviews.ImageReview(null, images));

        Assert.Equal(403, view.Status);
        var records = await Task.WhenAll(view.Audit[$"{ApiServerStandIn.Webhook}/decision-ids"].Split(',').Select(id => standard.Server.Records.Of(id)));
        Assert.All(images, image => Assert.Single(records, record => record.GetRawText().Contains(image, StringComparison.Ordinal)));
    }

    internal static JsonObject With(JsonObject pod, string field, string name, string image)
    {
        var changed = pod.DeepClone().AsObject();
        var list = (changed["spec"]![field] ??= new JsonArray()).AsArray();
        list.Add(field == "volumes" ? new JsonObject { ["name"] = name, ["image"] = new JsonObject { ["reference"] = image } } : AdmissionReviews.Container(name, image));
        return changed;
    }

    private static string Text(JsonObject review) => review.ToJsonString();

    public static TheoryData<string, string[]> Unaskable => new()
    {
        { "501 different images", [.. Enumerable.Range(0, 501).Select(index => $"gcr.io/allowed/nginx:{index}")] },
        { "has more than 1024 bytes", ["gcr.io/allowed/" + new string('x', 1100)] },
    };

    [Theory, MemberData(nameof(Unaskable)), Trait("attack", "116")]
    public async Task Template_that_is_only_warned_of_is_never_held_up(string problem, string[] images)
    {
        var review = AdmissionReviews.Create(AdmissionReviews.Owner("Deployment", "spec.template", images), "apps").ToJsonString();

        var warned = await standard.Enforced.ApiServer.AdmitAsync("/validate", review);
        var enforced = await standard.Templates.ApiServer.AdmitAsync("/validate", review);

        Assert.Equal((true, false), (warned.IsAdmitted, enforced.IsAdmitted));
        Assert.Contains(problem, enforced.Message, StringComparison.Ordinal);
        Assert.Contains("would be refused", Assert.Single(warned.Warnings), StringComparison.Ordinal);
    }
}
