using System.Diagnostics;
using PolicyService.Cli.Tests.Running;

namespace PolicyService.Cli.Tests.Verbs;

/// <summary>
/// The payload beside that of <c>gcloud container binauthz create-signature-payload</c>, where gcloud is on the PATH; else beside the
/// bytes it was seen to print. The name of each test says which of the two happened.
/// </summary>
public sealed class GcloudPayloadTests : IDisposable
{
    private static readonly string? Gcloud =
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Combine(folder, "gcloud")).FirstOrDefault(File.Exists);

    private static readonly string[] Images =
    [
        $"registry.example.com/shop/web@sha256:{Samples.Hex}",
        $"gcr.io/a-project/web@sha256:{Samples.Hex}",
        $"europe-west1-docker.pkg.dev/p/repo/deep/er/web.app_x@sha256:{Samples.Hex}",
    ];

    private readonly Folder _folder = new();

    public static TheoryData<string, string> Compared => new(Images.Select(image => (Gcloud is null ? "with the bytes gcloud was seen to print" : "with gcloud", image)));

    public void Dispose() => _folder.Dispose();

    [Theory, MemberData(nameof(Compared))]
    public async Task Payload_is_the_same_as(string with, string image)
    {
        var ours = await Policyctl.RunHereAsync("payload", image);

        Assert.Equal((0, ""), (ours.ExitCode, ours.Error));
        Assert.NotEmpty(with);
        Assert.Equal(Gcloud is null ? Seen(image) : await PrintedAsync(Gcloud, image), ours.Text);
    }

    private async Task<string> PrintedAsync(string gcloud, string image)
    {
        var start = new ProcessStartInfo(gcloud, ["container", "binauthz", "create-signature-payload", $"--artifact-url={image}"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // Nothing of the person's own settings, and nothing goes out.
        start.Environment["CLOUDSDK_CONFIG"] = _folder.Path;
        start.Environment["CLOUDSDK_AUTH_DISABLE_CREDENTIALS"] = "1";
        start.Environment["CLOUDSDK_CORE_DISABLE_USAGE_REPORTING"] = "1";
        start.Environment["CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK"] = "1";
        start.Environment["CLOUDSDK_CORE_DISABLE_PROMPTS"] = "1";
        var run = await Policyctl.RunAsync(start);
        Assert.True(run.ExitCode == 0, run.Error);
        return run.Text;
    }

    private static string Seen(string image)
    {
        var parts = image.Split('@');
        return "{\n  \"critical\": {\n    \"identity\": {\n      \"docker-reference\": \"" + parts[0]
            + "\"\n    },\n    \"image\": {\n      \"docker-manifest-digest\": \"" + parts[1]
            + "\"\n    },\n    \"type\": \"Google cloud binauthz container signature\"\n  }\n}\n";
    }
}
