using System.Net;
using System.Text.Json.Nodes;
using PolicyService.Server.Tests;

namespace PolicyService.Kubernetes.Tests;

/// <summary>Objects of another shape than the API's: refused, not read as far as it goes.</summary>
public sealed class PodShapeTests(StandardAdapter standard) : IClassFixture<StandardAdapter>
{
    private const string Reference = "gcr.io/acme/api";

    /// <summary>What is wrong with the pod, and what the message has.</summary>
    public static TheoryData<string, JsonObject, string> BadPods => new()
    {
        { "no containers", AdmissionReviews.Pod(), "names no container" },
        { "no spec", new JsonObject { ["kind"] = "Pod", ["metadata"] = new JsonObject() }, "names no container" },
        { "spec that is a list", AdmissionReviews.Pod(Reference).With("spec", new JsonArray()), "`object.spec` is a list, not an object" },
        { "containers that are an object", AdmissionReviews.Pod(Reference).With("spec.containers", new JsonObject()), "`object.spec.containers` is an object, not a list" },
        { "container that is a text", AdmissionReviews.Pod(new JsonArray("x")), "`object.spec.containers[0]` is a text, not an object" },
        { "container that is null", AdmissionReviews.Pod(new JsonArray((JsonNode?)null)), "`object.spec.containers[0]` is null, not an object" },
        { "no image", AdmissionReviews.Pod(new JsonArray(new JsonObject { ["name"] = "c" })), "has no image" },
        { "empty image", AdmissionReviews.Pod(new JsonArray(AdmissionReviews.Container("c", ""))), "has no image" },
        { "image that is a number", AdmissionReviews.Pod(new JsonArray(new JsonObject { ["name"] = "c", ["image"] = 1 })), "`object.spec.containers[0].image` is a number, not a text" },
        { "no name", AdmissionReviews.Pod(new JsonArray(new JsonObject { ["image"] = Reference })), "has no `name`" },
        { "image volume without reference", AdmissionReviews.Pod(Reference).With("spec.volumes", new JsonArray(new JsonObject { ["name"] = "v", ["image"] = new JsonObject() })), "has no image" },
        { "long image", AdmissionReviews.Pod(new string('a', 1025)), "at most 1024 bytes" },
        { "metadata that is a text", AdmissionReviews.Pod(Reference).With("metadata", "x"), "`object.metadata` is a text, not an object" },
        { "labels that are a list", AdmissionReviews.Pod(Reference).With("metadata.labels", new JsonArray()), "`object.metadata.labels` is a list" },
        { "label that is true", AdmissionReviews.Pod(Reference).With("metadata.labels", new JsonObject { ["a"] = true }), "`object.metadata.labels.a` is true or false" },
        { "another kind", AdmissionReviews.Pod(Reference).With("kind", "Deployment"), "`object.kind` is `Deployment`" },
    };

    /// <summary>Fields that differ only in case from one that is judged.</summary>
    public static TheoryData<string, JsonObject> LookAlikes => new()
    {
        { "Spec", Attested().With("Spec", new JsonObject()) },
        { "Metadata", Attested().With("Metadata", new JsonObject()) },
        { "Containers", Attested().With("spec.Containers", new JsonArray()) },
        { "ſ for s", Attested().With("spec.containerſ", new JsonArray()) },
        { "initcontainers", Attested().With("spec.initcontainers", new JsonArray()) },
        { "EPHEMERALCONTAINERS", Attested().With("spec.EPHEMERALCONTAINERS", new JsonArray()) },
        { "Volumes", Attested().With("spec.Volumes", new JsonArray()) },
        { "ServiceAccountName", Attested().With("spec.ServiceAccountName", "x") },
        { "Namespace", Attested().With("metadata.Namespace", "x") },
        { "Labels", Attested().With("metadata.Labels", new JsonObject()) },
        { "Annotations", Attested().With("metadata.Annotations", new JsonObject()) },
        { "Image", AdmissionReviews.Pod(new JsonArray(new JsonObject { ["name"] = "c", ["image"] = Ask.Attested, ["Image"] = "x" })) },
        { "Reference", Attested().With("spec.volumes", new JsonArray(new JsonObject { ["name"] = "v", ["image"] = new JsonObject { ["reference"] = Ask.Attested, ["Reference"] = "x" } })) },
    };

    private ApiServerStandIn Cluster => standard.Enforced.ApiServer;

    [Theory, MemberData(nameof(BadPods))]
    public async Task Pod_of_another_shape_is_refused(string name, JsonObject pod, string message)
    {
        using var response = await Cluster.PostAsync("/validate", AdmissionReviews.Create(pod, kind: "Pod").ToJsonString());

        await BadInputTests.AssertRefusalAsync(response, HttpStatusCode.OK, AdmissionReviews.Uid, 400, message, name);
    }

    [Theory, MemberData(nameof(LookAlikes))]
    public async Task Look_alike_of_a_judged_field_is_refused(string name, JsonObject pod)
    {
        using var response = await Cluster.PostAsync("/validate", AdmissionReviews.Create(pod).ToJsonString());

        await BadInputTests.AssertRefusalAsync(response, HttpStatusCode.OK, AdmissionReviews.Uid, 400, "differs only in case", name);
    }

    [Fact]
    public async Task Look_alike_on_the_way_to_a_template_is_refused()
    {
        var owner = AdmissionReviews.Owner("Rollout", "spec.template", Ask.Attested);
        foreach (var path in new[] { "Spec", "spec.Template", "spec.template.Spec", "spec.template.spec.Containers" })
        {
            Assert.Equal(400, (await standard.Templates.ApiServer.AdmitAsync("/validate", AdmissionReviews.Create(owner.With(path, new JsonObject()), "argoproj.io").ToJsonString())).Status);
        }
    }

    [Fact]
    public async Task Keys_of_labels_and_foreign_fields_are_free()
    {
        var pod = Attested().Labelled("Spec", "x").Annotated("Image", "y").With("spec.hostname", "z");

        Assert.True((await Cluster.AdmitAsync("/validate", AdmissionReviews.Create(pod).ToJsonString())).IsAdmitted);
    }

    private static JsonObject Attested() => AdmissionReviews.Pod(Ask.Attested);
}
