using System.Text;
using Grpc.Core;
using PolicyService.Api.V1;
using PolicyService.Kubernetes.Decisions;
using PolicyService.Kubernetes.Findings;

namespace PolicyService.Kubernetes.Tests.Decisions;

/// <summary>What is recorded of decisions without the service, and for whom there is room.</summary>
public sealed class FallbackRecordTests
{
    private static readonly AdmissionQuestion BreakGlass = Bench.Question with { IsBreakGlass = true };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact, Trait("attack", "101")]
    public async Task Half_of_the_journal_is_for_what_is_admitted_by_break_glass()
    {
        var half = FindingJournal.MaxLines / 2;
        await using var bench = await Bench.StartAsync(Bench.DryRun);
        bench.Service.Fail(StatusCode.Unavailable);
        Assert.Null(await bench.Journal.AddAsync(Enumerable.Repeat(new Finding { Id = "x" }, half), 1, Cancellation));

        // A dry run admits all the same, and is counted where it is not recorded.
        Assert.Equal(AdmissionBasis.Posture, (await DecideAsync(bench, Bench.Question)).Basis);
        Assert.Equal((half, 1.0), (bench.Journal.Lines, bench.Metrics.Dropped.Value));
        Assert.Equal(AdmissionBasis.BreakGlass, (await DecideAsync(bench, BreakGlass)).Basis);
        Assert.Equal((half + 1, 1.0), (bench.Journal.Lines, bench.Metrics.Dropped.Value));
    }

    [Fact]
    public async Task Finding_is_cut_to_what_the_service_takes()
    {
        await using var bench = await Bench.StartAsync();
        bench.Service.Fail(StatusCode.Unavailable);
        var text = string.Concat(Enumerable.Repeat("ä\U0001F600", 2000));

        var decision = await DecideAsync(bench, new AdmissionQuestion([text], text, text, new AdmissionSubject(text, text, text, text)));
        Assert.Equal(Admission.Refused, decision.Admission);
        await DecideAsync(bench, new AdmissionQuestion([Bench.Image], text, text, new AdmissionSubject(text, text, text, text)) { IsBreakGlass = true });
        await DecideAsync(bench, BreakGlass with { Images = [""] });

        var findings = await bench.FindingsAsync();
        var cut = findings[0];
        Assert.All(new[] { cut.ObjectName, cut.User }, value => Assert.InRange(Encoding.UTF8.GetByteCount(value), 1018, 1024));
        Assert.All(new[] { cut.Namespace, cut.ServiceAccount, cut.ObjectKind, cut.Operation }, value => Assert.InRange(Encoding.UTF8.GetByteCount(value), 250, 256));
        Assert.DoesNotContain('\uFFFD', cut.ObjectName);
        Assert.Equal("?", findings[^1].Image);
    }

    [Theory]
    [InlineData("r.example/a@sha256:ABCD", true)]
    [InlineData("r.example/a@sha256:abcd", true)]
    [InlineData("r.example/a@sha256:abce", false)]
    public async Task Revoked_digest_is_known_however_it_is_written(string image, bool isRevoked)
    {
        await using var bench = await Bench.StartAsync(new ClusterPosture(Bench.DryRun) { RevokedDigests = { "", "sha256:abcd" } });
        bench.Service.Fail(StatusCode.Unavailable);

        Assert.Equal(isRevoked, (await DecideAsync(bench, Bench.Question with { Images = [image] })).Admission is Admission.Refused);
    }

    /// <summary>Lets the pauses between attempts pass.</summary>
    private static async Task<ImageDecision> DecideAsync(Bench bench, AdmissionQuestion question)
    {
        var deciding = bench.DecideAsync(question);
        await Eventually.Holds("it is decided", () =>
        {
            bench.Time.Advance(TimeSpan.FromMilliseconds(10));
            return deciding.IsCompleted;
        });
        return await deciding;
    }
}
