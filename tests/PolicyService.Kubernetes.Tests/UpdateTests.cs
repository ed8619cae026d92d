using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using PolicyService.Kubernetes.Workloads;
using PolicyService.Server.Tests;

namespace PolicyService.Kubernetes.Tests;

/// <summary>What an update leaves to be judged: everything that it adds, and nothing that was there (KUBERNETES.md point 6).</summary>
public sealed class UpdateTests(StandardAdapter standard) : IClassFixture<StandardAdapter>
{
    private static readonly JsonObject Old = AdmissionReviews.Pod(AdmissionReviews.Containers(("main", Ask.Unattested), ("side", Ask.Unattested)));

    private ApiServerStandIn Cluster => standard.Enforced.ApiServer;

    /// <summary>Changes that add no image.</summary>
    public static TheoryData<string> Harmless => ["label", "finalizer", "reorder", "drop a container", "status", "deletion"];

    /// <summary>Changes that add one.</summary>
    public static TheoryData<string> Adding => ["another image", "another name", "a container more", "the same twice", "moved to initContainers", "an ephemeral container", "an image volume"];

    [Theory, MemberData(nameof(Harmless)), Trait("attack", "111")]
    public async Task Update_that_adds_no_image_is_admitted_and_asks_nothing(string change)
    {
        var pod = change switch
        {
            "label" => Old.Labelled("x", "y"),
            "finalizer" => Old.With("metadata.deletionTimestamp", "2026-11-23T04:06:35Z").With("metadata.finalizers", new JsonArray()),
            "reorder" => AdmissionReviews.Pod(AdmissionReviews.Containers(("side", Ask.Unattested), ("main", Ask.Unattested))),
            "drop a container" => AdmissionReviews.Pod(AdmissionReviews.Containers(("side", Ask.Unattested))),
            "deletion" => Old.With("metadata.deletionTimestamp", "2026-11-23T04:06:35Z"),
            _ => Old.With("status.phase", "Running"),
        };

        var view = await Cluster.AdmitAsync("/validate", AdmissionReviews.Update(pod, Old, change == "status" ? "status" : "").ToJsonString());

        Assert.True(view.IsAdmitted, view.Message);
        Assert.Empty(view.Audit);
    }

    [Theory, MemberData(nameof(Adding)), Trait("attack", "112"), Trait("attack", "111")]
    public async Task Added_image_is_judged_even_under_deletion_or_on_a_subresource(string change)
    {
        var changed = change switch
        {
            "another image" => AdmissionReviews.Pod(AdmissionReviews.Containers(("main", Ask.Unattested + "b"), ("side", Ask.Unattested))),
            "another name" => AdmissionReviews.Pod(AdmissionReviews.Containers(("renamed", Ask.Unattested), ("side", Ask.Unattested))),
            "a container more" => ValidateTests.With(Old, "containers", "more", Ask.Unattested),
            "the same twice" => ValidateTests.With(Old, "containers", "main", Ask.Unattested),
            "moved to initContainers" => ValidateTests.With(AdmissionReviews.Pod(AdmissionReviews.Containers(("side", Ask.Unattested))), "initContainers", "main", Ask.Unattested),
            "an ephemeral container" => ValidateTests.With(Old, "ephemeralContainers", "debug", Ask.Unattested),
            _ => ValidateTests.With(Old, "volumes", "data", Ask.Unattested),
        };

        foreach (var subResource in new[] { "", "status", "ephemeralcontainers", "resize" })
        {
            Assert.Equal(403, (await Cluster.AdmitAsync("/validate", AdmissionReviews.Update(changed, Old, subResource).ToJsonString())).Status);
        }

        var dying = changed.With("metadata.deletionTimestamp", "2026-11-23T04:06:35Z").With("metadata.finalizers", new JsonArray("example.com/hold"));
        Assert.Equal(403, (await Cluster.AdmitAsync("/validate", AdmissionReviews.Update(dying, Old).ToJsonString())).Status);
    }

    [Fact, Trait("attack", "112")]
    public async Task Update_of_a_template_is_compared_alike()
    {
        var old = AdmissionReviews.Owner("Deployment", "spec.template", Ask.Unattested);
        var scaled = old.With("spec.replicas", 3);
        var moved = AdmissionReviews.Owner("Deployment", "spec.template", Ask.Unattested.Replace("api", "web", StringComparison.Ordinal));

        Assert.True((await standard.Templates.ApiServer.AdmitAsync("/validate", AdmissionReviews.Update(scaled, old, group: "apps").ToJsonString())).IsAdmitted);
        Assert.Equal(403, (await standard.Templates.ApiServer.AdmitAsync("/validate", AdmissionReviews.Update(moved, old, group: "apps").ToJsonString())).Status);
        Assert.Equal(403, (await standard.Templates.ApiServer.AdmitAsync("/validate", AdmissionReviews.Update(moved, old, "status", "apps").ToJsonString())).Status);
    }

    [Fact]
    public async Task Update_without_a_readable_old_object_judges_everything()
    {
        Assert.Equal(403, (await Cluster.AdmitAsync("/validate", AdmissionReviews.Update(Old, null).ToJsonString())).Status);
        Assert.Equal(403, (await Cluster.AdmitAsync("/validate", AdmissionReviews.Update(Old, Old.With("spec.containers", "none")).ToJsonString())).Status);
    }

    [Fact]
    public async Task Creation_ignores_an_old_object() =>
        Assert.Equal(403, (await Cluster.AdmitAsync("/validate", AdmissionReviews.Review(Old, Old, "CREATE").ToJsonString())).Status);

    [Fact, Trait("attack", "111")]
    public async Task Old_pod_whose_image_no_node_can_pull_still_loses_its_finalizer()
    {
        var old = AdmissionReviews.Pod("reg.example/" + new string('a', 2000));

        Assert.True((await Cluster.AdmitAsync("/validate", AdmissionReviews.Update(old.Labelled("x", "y"), old).ToJsonString())).IsAdmitted);
        Assert.Equal(400, (await Cluster.AdmitAsync("/validate", AdmissionReviews.Create(old).ToJsonString())).Status);
    }

    /// <summary>Old images in another order, fewer of them: nothing is left. One that is new in any respect: it is left.</summary>
    [Fact]
    public void Order_never_matters_and_an_addition_always_does()
    {
        var field = Gen.OneOf(Gen.Const("containers"), Gen.Const("initContainers"), Gen.Const("ephemeralContainers"), Gen.Const("volumes"));
        var image = Gen.Select(Gen.OneOf(Gen.Const(""), Gen.Const("spec.template")), field, Gen.OneOf(Gen.Const("a"), Gen.Const("b"), Gen.Const("c")), Gen.OneOf(Gen.Const("x:1"), Gen.Const("x:2"), Gen.Const("y@z")), (template, place, name, text) => new ContainerImage(template, place, name, text));
        Gen.Select(image.List[0, 12], Gen.Int[0, 1_000_000], Gen.Int[0, 12], image).Sample((old, seed, kept, added) =>
        {
            var shuffled = old.OrderBy(item => HashCode.Combine(seed, item)).Take(kept).ToList();
            Assert.Empty(ImageChanges.Added(shuffled, old));
            var more = shuffled.Append(added).ToList();
            var isNew = more.Count(item => item == added) > old.Count(item => item == added);
            Assert.Equal(isNew, ImageChanges.Added(more, old).Contains(added));
        });
    }

    /// <summary>The same of whole documents: what is read of a pod is every image that anybody put into it.</summary>
    [Fact]
    public void Every_image_that_is_put_into_a_pod_is_found()
    {
        var entry = Gen.Select(Gen.OneOf(Gen.Const("containers"), Gen.Const("initContainers"), Gen.Const("ephemeralContainers"), Gen.Const("volumes")), Gen.String[1, 8], Gen.String[1, 20], (field, name, image) => (Field: field, Name: name, Image: image));
        entry.Array[1, 20].Sample(entries =>
        {
            // Half of a surrogate pair is no text, and no API server sends it.
            var usable = entries.Where(item => IsText(item.Name) && IsText(item.Image)).ToArray();
            var pod = usable.Aggregate(AdmissionReviews.Pod("first"), (made, item) => ValidateTests.With(made, item.Field, item.Name, item.Image));
            var request = Reviews.AdmissionReviewReader.Read(JsonSerializer.SerializeToUtf8Bytes(AdmissionReviews.Create(pod)));

            var found = new WorkloadReader(new WorkloadKinds([])).Read(request).Pods.Single().Images;

            Assert.Equal(usable.Select(item => new ContainerImage("", item.Field, item.Name, item.Image)).Append(new ContainerImage("", "containers", "c0", "first")).OrderBy(Key, StringComparer.Ordinal), found.OrderBy(Key, StringComparer.Ordinal));
        });

        static bool IsText(string text) => text.EnumerateRunes().All(rune => rune.Value != 0xFFFD);
        static string Key(ContainerImage image) => $"{image.Field}\0{image.Name}\0{image.Image}";
    }
}
