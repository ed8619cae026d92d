using PolicyService.Api.Clients;
using PolicyService.Api.V1;
using PolicyService.Cli.Tests.Running;

namespace PolicyService.Cli.Tests.Clients;

public sealed class DecisionGuardTests
{
    private static readonly EvaluateRequest Asked = new() { ImageDigest = Samples.Image, Cluster = Samples.Cluster };

    public static TheoryData<string, string, string, Verdict> Unusable => new()
    {
        { "no image", "", Samples.Cluster, Verdict.Allow },
        { "another image", Samples.Image[..^1] + "0", Samples.Cluster, Verdict.Allow },
        { "the image in other case", Samples.Image.ToUpperInvariant(), Samples.Cluster, Verdict.Allow },
        { "no cluster", Samples.Image, "", Verdict.Allow },
        { "another cluster", Samples.Image, "europe-west1.staging", Verdict.Allow },
        { "no verdict", Samples.Image, Samples.Cluster, Verdict.Unspecified },
        { "a verdict of the future", Samples.Image, Samples.Cluster, (Verdict)4 },
        { "a negative verdict", Samples.Image, Samples.Cluster, (Verdict)(-1) },
    };

    [Theory, MemberData(nameof(Unusable))]
    public void Accept_denies_in_place_of(string name, string image, string cluster, Verdict verdict)
    {
        var answer = new EvaluateResponse { Verdict = verdict, Conformance = Conformance.Conformant, ImageDigest = image, Cluster = cluster, DecisionId = "x" };

        var accepted = DecisionGuard.Accept(Asked, answer);

        AssertRefusal(accepted, name);
    }

    [Fact]
    public void Accept_denies_in_place_of_nothing() => AssertRefusal(DecisionGuard.Accept(Asked, null), "nothing");

    [Theory]
    [InlineData(Verdict.Allow)]
    [InlineData(Verdict.Deny)]
    [InlineData(Verdict.Dryrun)]
    public void Accept_leaves_an_answer_alone(Verdict verdict)
    {
        var answer = new EvaluateResponse { Verdict = verdict, ImageDigest = Samples.Image, Cluster = Samples.Cluster };

        Assert.Same(answer, DecisionGuard.Accept(Asked, answer));
    }

    private static void AssertRefusal(EvaluateResponse accepted, string name)
    {
        Assert.True(accepted.Verdict is Verdict.Deny, name);
        Assert.Equal(Conformance.Error, accepted.Conformance);
        Assert.Equal((Samples.Image, Samples.Cluster), (accepted.ImageDigest, accepted.Cluster));
        Assert.Equal("", accepted.DecisionId);
        Assert.Equal(DecisionGuard.UnusableAnswer, Assert.Single(accepted.Reasons).Detail);
    }
}
