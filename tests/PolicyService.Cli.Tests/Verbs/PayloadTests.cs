using PolicyService.Cli.Tests.Running;

namespace PolicyService.Cli.Tests.Verbs;

public sealed class PayloadTests
{
    private const string Payload =
        "{\n"
        + "  \"critical\": {\n"
        + "    \"identity\": {\n"
        + "      \"docker-reference\": \"registry.example.com/shop/web\"\n"
        + "    },\n"
        + "    \"image\": {\n"
        + "      \"docker-manifest-digest\": \"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"\n"
        + "    },\n"
        + "    \"type\": \"Google cloud binauthz container signature\"\n"
        + "  }\n"
        + "}\n";

    public static TheoryData<string, string, string> Refused => new()
    {
        { "no digest", "registry.example.com/shop/web", "registry.example.com/shop/web@sha256:" },
        { "only a tag", "registry.example.com/shop/web:v1", "registry.example.com/shop/web@sha256:" },
        { "another algorithm", $"registry.example.com/shop/web@sha512:{Samples.Hex}{Samples.Hex}", "no sha256 digest" },
        { "a bare digest", $"sha256:{Samples.Hex}", "name the repository" },
        { "upper-case digits", $"registry.example.com/shop/web@sha256:{Samples.Hex.ToUpperInvariant()}", "not an image" },
        { "a short digest", $"registry.example.com/shop/web@sha256:{Samples.Hex[1..]}", "not an image" },
        { "an escape sequence", "\u001b[2Jx", "\\u001b[2Jx" },
        { "empty", "", "not an image" },
    };

    [Theory]
    [InlineData($"registry.example.com/shop/web@sha256:{Samples.Hex}")]
    [InlineData($"registry.example.com/shop/web:v1@sha256:{Samples.Hex}")]
    [InlineData($"https://registry.example.com/shop/web@sha256:{Samples.Hex}")]
    public async Task Payload_prints_exactly_the_bytes_to_sign(string image)
    {
        var run = await Policyctl.RunAsync("payload", image);

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal(Payload, run.Text);
        Assert.Equal(Payload.Length, run.Output.Length);
    }

    [Theory, MemberData(nameof(Refused))]
    public async Task Payload_refuses(string name, string image, string because)
    {
        var run = await Policyctl.RunAsync("payload", image);

        Assert.True(run.ExitCode == 2, name);
        Assert.Empty(run.Output);
        Assert.Contains(because, Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }
}
