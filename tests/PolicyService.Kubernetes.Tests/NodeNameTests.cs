using System.Text.Json.Nodes;
using PolicyService.Server.Tests;

namespace PolicyService.Kubernetes.Tests;

/// <summary>Images are judged as nodes read them.</summary>
public sealed class NodeNameTests(StandardAdapter standard) : IClassFixture<StandardAdapter>
{
    /// <summary>To a node a tag of the repository `sha256`, and nothing says that it is the image which was attested.</summary>
    private static string Bare => Ask.Attested[(Ask.Attested.IndexOf('@', StringComparison.Ordinal) + 1)..];

    private ApiServerStandIn Cluster => standard.Enforced.ApiServer;

    [Fact, Trait("attack", "9")]
    public async Task Digest_without_a_name_does_not_pass_by_the_evidence_of_that_digest()
    {
        Assert.True((await Cluster.AdmitAsync("/validate", AdmissionReviews.Create(AdmissionReviews.Pod(Ask.Attested)).ToJsonString())).IsAdmitted);

        var pod = await Cluster.AdmitAsync("/validate", AdmissionReviews.Create(AdmissionReviews.Pod(Bare, Ask.Attested)).ToJsonString());
        var images = new JsonObject
        {
            ["kind"] = "ImageReview",
            ["apiVersion"] = "imagepolicy.k8s.io/v1alpha1",
            ["spec"] = new JsonObject { ["containers"] = new JsonArray(new JsonObject { ["image"] = Bare }), ["namespace"] = "shop" },
        };

        Assert.Equal(403, pod.Status);
        Assert.Contains(Bare, pod.Message, StringComparison.Ordinal);
        Assert.False((await Cluster.ReviewImagesAsync(images.ToJsonString())).IsAdmitted);
    }
}
