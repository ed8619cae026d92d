using System.Net;
using System.Text.Json;
using PolicyService.Server.Tests;

namespace PolicyService.Kubernetes.Tests;

/// <summary>The backend of the ImagePolicyWebhook plugin.</summary>
public sealed class ImageReviewTests(StandardAdapter standard) : IClassFixture<StandardAdapter>
{
    private ApiServerStandIn Cluster => standard.Enforced.ApiServer;

    /// <summary>What is wrong, the review, and what its reason has.</summary>
    public static TheoryData<string, string, string> Malformed
    {
        get
        {
            var good = AdmissionReviews.ImageReview(null, Ask.Attested);
            return new()
            {
                { "no body", "", "has no body" },
                { "no JSON", "{", "is not the JSON that is read" },
                { "another version", good.Replace("v1alpha1", "v1", StringComparison.Ordinal), "only ImageReview of imagepolicy.k8s.io/v1alpha1 is read" },
                { "another kind", good.Replace("ImageReview", "AdmissionReview", StringComparison.Ordinal), "only ImageReview" },
                { "no spec", """{"apiVersion": "imagepolicy.k8s.io/v1alpha1", "kind": "ImageReview"}""", "has no `spec`" },
                { "no containers", AdmissionReviews.ImageReview(null), "names no image" },
                { "empty image", AdmissionReviews.ImageReview(null, ""), "has no `image`" },
                { "look-alike", good.Replace("\"containers\"", "\"Containers\"", StringComparison.Ordinal), "differs only in case" },
                { "containers twice", good.Replace("\"namespace\"", "\"containers\":[],\"namespace\"", StringComparison.Ordinal), "no name twice" },
                { "containers that are a text", good.Replace("\"containers\":[", "\"containers\":\"\",\"x\":[", StringComparison.Ordinal), "is a text, not a list" },
                { "too many images", AdmissionReviews.ImageReview(null, [.. Enumerable.Range(0, 501).Select(index => $"gcr.io/allowed/nginx:{index}")]), "501 different images" },
                { "too long", good.PadRight(9_000_000), "more than 8388608 bytes" },
            };
        }
    }

    [Fact]
    public async Task Images_are_judged_together()
    {
        var admitted = await Cluster.ReviewImagesAsync(AdmissionReviews.ImageReview(null, Ask.Attested, Ask.Allowlisted, Ask.Attested));
        var refused = await Cluster.ReviewImagesAsync(AdmissionReviews.ImageReview(null, Ask.Attested, Ask.Unattested));

        Assert.Equal((200, "ALLOW"), (admitted.Status, admitted.Verdict));
        Assert.Equal((403, "DENY"), (refused.Status, refused.Verdict));
        Assert.StartsWith($"pods is forbidden: image policy webhook backend denied one or more images: Image {Ask.Unattested} denied by ", refused.Message, StringComparison.Ordinal);
        Assert.Equal("DRYRUN", (await standard.DryRun.ApiServer.ReviewImagesAsync(AdmissionReviews.ImageReview(null, Ask.Unattested))).Verdict);
    }

    [Theory, Trait("attack", "99")]
    [InlineData("alpha.image-policy.k8s.io/break-glass", true)]
    [InlineData("image-policy.k8s.io/break-glass", true)]
    [InlineData("break-glass.image-policy.k8s.io/reason", false)]
    public async Task Only_the_marker_is_one(string annotation, bool isMarker)
    {
        var view = await Cluster.ReviewImagesAsync(AdmissionReviews.ImageReview(annotation, Ask.Unattested));

        Assert.Equal(isMarker, view.IsAdmitted);
        Assert.Equal(isMarker ? "BREAK_GLASS" : "DENY", view.Verdict);
    }

    [Theory, MemberData(nameof(Malformed))]
    public async Task Bad_review_is_a_refusal_that_no_defaultAllow_turns_round(string name, string review, string reason)
    {
        using var response = await Cluster.PostAsync("/imagereview?timeout=30s", review);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        Assert.True(response.StatusCode is HttpStatusCode.OK, name);
        var answer = JsonDocument.Parse(text).RootElement;
        Assert.Equal(("imagepolicy.k8s.io/v1alpha1", "ImageReview"), (answer.GetProperty("apiVersion").GetString(), answer.GetProperty("kind").GetString()));
        Assert.False(answer.GetProperty("status").GetProperty("allowed").GetBoolean());
        Assert.Contains(reason, answer.GetProperty("status").GetProperty("reason").GetString(), StringComparison.Ordinal);
        var view = await Cluster.ReviewImagesAsync(review, defaultAllow: true);
        Assert.Equal((403, 1), (view.Status, Cluster.Sent));
    }
}
