namespace PolicyService.Kubernetes.Tests.Running;

/// <summary>What the path of a webhook says about a service that is away.</summary>
public sealed class FailModeTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("policyservice-test-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact, Trait("attack", "116")]
    public async Task Only_one_path_fails_open_and_an_image_review_never_does()
    {
        await using var adapter = await TestAdapter.StartAsync("http://127.0.0.1:1", settings => settings with { StateDirectory = _directory.FullName });
        var review = AdmissionReviews.Create(AdmissionReviews.Pod(PolicyService.Server.Tests.Ask.Attested)).ToJsonString();

        var closed = await adapter.ApiServer.AdmitAsync("/validate", review);
        var open = await adapter.ApiServer.AdmitAsync("/validate/fail-open", review);
        var images = await adapter.ApiServer.ReviewImagesAsync(AdmissionReviews.ImageReview(null, PolicyService.Server.Tests.Ask.Attested), defaultAllow: true);

        Assert.Equal((403, "DENY"), (closed.Status, closed.Verdict));
        Assert.Equal((200, "FAILED_OPEN"), (open.Status, open.Verdict));
        Assert.Contains("this webhook fails open", Assert.Single(open.Warnings), StringComparison.Ordinal);
        Assert.Equal((403, "DENY", 1), (images.Status, images.Verdict, adapter.ApiServer.Sent));
    }
}
