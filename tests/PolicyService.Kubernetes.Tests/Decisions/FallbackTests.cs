using Grpc.Core;
using PolicyService.Api.V1;
using PolicyService.Kubernetes.Decisions;
using PolicyService.Kubernetes.Postures;
using FailMode = PolicyService.Kubernetes.Decisions.FailMode;

namespace PolicyService.Kubernetes.Tests.Decisions;

/// <summary>What is done without a decision of the service: each admission has its reason, and its record.</summary>
public sealed class FallbackTests
{
    private static readonly AdmissionQuestion Open = Bench.Question with { FailMode = FailMode.Open };
    private static readonly AdmissionQuestion BreakGlass = Bench.Question with { IsBreakGlass = true };

    /// <summary>How a call ends, and whether that means that the service is away while its stream is silent, and while it is not.</summary>
    public static TheoryData<StatusCode, bool, bool> Ends => new()
    {
        { StatusCode.Unavailable, true, true },
        { StatusCode.DeadlineExceeded, true, false },
        { StatusCode.Internal, false, false },
        { StatusCode.ResourceExhausted, false, false },
        { StatusCode.PermissionDenied, false, false },
        { StatusCode.Unauthenticated, false, false },
        { StatusCode.InvalidArgument, false, false },
        { StatusCode.Unimplemented, false, false },
        { StatusCode.Cancelled, false, false },
        { StatusCode.Unknown, false, false },
    };

    [Theory, MemberData(nameof(Ends)), Trait("attack", "116")]
    public async Task Fail_open_admits_only_where_the_service_is_away(StatusCode code, bool whileSilent, bool whileHeard)
    {
        foreach (var isHeard in new[] { false, true })
        {
            await using var bench = await Bench.StartAsync(isHeard ? Bench.Posture(Enforcement.Enforced) : null);
            bench.Service.Fail(code);

            var decision = await AdvancingAsync(bench, Open);

            Assert.Equal(isHeard ? whileHeard : whileSilent, decision.Admission is Admission.AdmittedWithWarning);
            Assert.Equal(decision.Admission is Admission.Refused ? AdmissionBasis.None : AdmissionBasis.FailMode, decision.Basis);
            var finding = Assert.Single(await bench.FindingsAsync());
            Assert.Equal(decision.Admission is Admission.Refused ? FindingKind.Refused : FindingKind.FailedOpen, finding.Kind);
            Assert.Equal((Bench.Image, "shop", "app", "Pod", "web", "CREATE", "alice"), (finding.Image, finding.Namespace, finding.ServiceAccount, finding.ObjectKind, finding.ObjectName, finding.Operation, finding.User));
            Assert.False((await AdvancingAsync(bench, Bench.Question)).Admission is not Admission.Refused, "closed");
        }
    }

    [Fact, Trait("attack", "115")]
    public async Task Silence_is_what_follows_a_stream_that_ends()
    {
        await using var bench = await Bench.StartAsync(Bench.Posture(Enforcement.Enforced));
        bench.Service.Fail(StatusCode.DeadlineExceeded);
        bench.Time.Advance(ServiceWatch.Silence + TimeSpan.FromSeconds(1));

        Assert.Equal(AdmissionBasis.FailMode, (await bench.DecideAsync(Open)).Basis);
    }

    [Fact]
    public async Task Connection_that_never_comes_is_a_service_that_is_away()
    {
        await using var bench = await Bench.StartAsync();
        bench.Service.Fail(StatusCode.Internal, new HttpRequestException("x", new TaskCanceledException("x", new TimeoutException())));

        Assert.Equal(AdmissionBasis.FailMode, (await AdvancingAsync(bench, Open)).Basis);
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [Trait("attack", "99")]
    public async Task Break_glass_counts_unless_the_service_would_not_honour_it(bool? honours, bool isAdmitted)
    {
        await using var bench = await Bench.StartAsync(honours is null ? null : new ClusterPosture(Bench.Posture(Enforcement.Enforced)) { HonoursBreakGlass = honours.Value });
        bench.Service.Fail(StatusCode.Unavailable);

        var decision = await AdvancingAsync(bench, BreakGlass);

        Assert.Equal(isAdmitted ? AdmissionBasis.BreakGlass : AdmissionBasis.None, decision.Basis);
        Assert.Equal(isAdmitted, decision.Admission is Admission.AdmittedWithWarning);
        Assert.Equal(isAdmitted ? FindingKind.BreakGlass : FindingKind.Refused, Assert.Single(await bench.FindingsAsync()).Kind);
    }

    [Theory]
    [InlineData(StatusCode.Internal)]
    [InlineData(StatusCode.PermissionDenied)]
    [InlineData(StatusCode.ResourceExhausted)]
    public async Task Break_glass_is_the_services_to_judge_while_it_is_there(StatusCode code)
    {
        await using var bench = await Bench.StartAsync();
        bench.Service.Fail(code);

        Assert.Equal(Admission.Refused, (await bench.DecideAsync(BreakGlass)).Admission);
    }

    [Fact, Trait("attack", "101")]
    public async Task Every_image_has_its_finding()
    {
        await using var bench = await Bench.StartAsync();
        bench.Service.Fail(StatusCode.Unavailable);

        var decisions = bench.Decisions.DecideAsync(BreakGlass with { Images = ["a:1", "b:1", "c:1"] }, TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        await AdvanceAsync(bench, decisions);

        Assert.All(await decisions, decision => Assert.Equal(AdmissionBasis.BreakGlass, decision.Basis));
        var findings = await bench.FindingsAsync();
        Assert.Equal(["a:1", "b:1", "c:1"], findings.Select(finding => finding.Image));
        Assert.Equal(3, findings.Select(finding => finding.Id).Distinct().Count());
    }

    [Theory]
    [InlineData("no directory")]
    [InlineData("not writable")]
    [Trait("attack", "100")]
    public async Task Nothing_is_admitted_that_cannot_be_recorded(string how)
    {
        await using var bench = await Bench.StartAsync(change: settings => how == "no directory" ? settings with { StateDirectory = null } : settings with { StateDirectory = Path.Combine(settings.StateDirectory!, "gone") });
        bench.Service.Fail(StatusCode.Unavailable);

        foreach (var question in new[] { Open, BreakGlass })
        {
            var decision = await AdvancingAsync(bench, question);
            Assert.Equal((Admission.Refused, AdmissionBasis.None), (decision.Admission, decision.Basis));
            Assert.Contains("journal", decision.Explanation, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Dry_run_needs_no_record()
    {
        await using var bench = await Bench.StartAsync(Bench.DryRun, settings => settings with { StateDirectory = null });
        bench.Service.Fail(StatusCode.Unavailable);

        Assert.Equal(AdmissionBasis.Posture, (await AdvancingAsync(bench, BreakGlass)).Basis);
        Assert.Equal(AdmissionBasis.Posture, (await AdvancingAsync(bench, Bench.Question)).Basis);
    }

    [Fact]
    public async Task Preview_leaves_no_finding()
    {
        await using var bench = await Bench.StartAsync();
        bench.Service.Fail(StatusCode.Unavailable);

        foreach (var question in new[] { Open, BreakGlass, Bench.Question })
        {
            await AdvancingAsync(bench, question with { IsPreview = true });
        }

        Assert.Empty(await bench.FindingsAsync());
    }

    [Fact, Trait("attack", "104")]
    public async Task Dry_run_admits_while_the_service_is_away_and_says_so()
    {
        await using var bench = await Bench.StartAsync(Bench.DryRun);
        bench.Service.Fail(StatusCode.Unavailable);
        bench.Time.Advance(TimeSpan.FromHours(23));

        var decision = await AdvancingAsync(bench, Bench.Question);

        Assert.Equal((Admission.AdmittedWithWarning, AdmissionBasis.Posture), (decision.Admission, decision.Basis));
        Assert.Contains("nothing was enforced", decision.Explanation, StringComparison.Ordinal);
        Assert.Equal(FindingKind.Posture, Assert.Single(await bench.FindingsAsync()).Kind);
        bench.Time.Advance(TimeSpan.FromHours(1.01));
        Assert.Equal(Admission.Refused, (await AdvancingAsync(bench, Bench.Question)).Admission);
    }

    [Fact]
    public async Task Revoked_digest_is_refused_without_the_service_too()
    {
        await using var bench = await Bench.StartAsync(new ClusterPosture(Bench.DryRun) { RevokedDigests = { Bench.Image[(Bench.Image.IndexOf('@', StringComparison.Ordinal) + 1)..] } });
        bench.Service.Fail(StatusCode.Unavailable);

        Assert.Equal(Admission.Refused, (await AdvancingAsync(bench, Bench.Question)).Admission);
        Assert.Equal(Admission.Refused, (await AdvancingAsync(bench, Open)).Admission);
        Assert.Equal(AdmissionBasis.Posture, (await AdvancingAsync(bench, Bench.Question with { Images = ["r.example/b:1"] })).Basis);
        // The service too lets a marker override it.
        Assert.Equal(AdmissionBasis.BreakGlass, (await AdvancingAsync(bench, BreakGlass)).Basis);
    }

    [Theory]
    [InlineData(Enforcement.Enforced)]
    [InlineData(Enforcement.Unspecified)]
    [InlineData((Enforcement)77)]
    public async Task Every_other_posture_is_enforced(Enforcement enforcement)
    {
        await using var bench = await Bench.StartAsync(Bench.Posture(enforcement));
        bench.Service.Fail(StatusCode.Unavailable);

        Assert.Equal(Admission.Refused, (await AdvancingAsync(bench, Bench.Question)).Admission);
    }

    [Theory]
    [InlineData(StatusCode.Internal, true)]
    [InlineData(StatusCode.DeadlineExceeded, true)]
    [InlineData(StatusCode.PermissionDenied, false)]
    [InlineData(StatusCode.Unauthenticated, false)]
    public async Task Dry_run_that_is_heard_now_admits_what_fails_now(StatusCode code, bool isAdmitted)
    {
        await using var bench = await Bench.StartAsync(Bench.DryRun);
        bench.Service.Fail(code);
        Assert.Equal(isAdmitted, (await bench.DecideAsync()).Admission is Admission.AdmittedWithWarning);

        // Whoever can make one decision fail must not have an old posture used.
        bench.Time.Advance(ServiceWatch.Silence + TimeSpan.FromSeconds(1));
        bench.Service.Fail(StatusCode.Internal);
        Assert.Equal(Admission.Refused, (await bench.DecideAsync()).Admission);
    }

    [Theory]
    [InlineData(StatusCode.InvalidArgument, true)]
    [InlineData(StatusCode.Unavailable, true)]
    [InlineData(StatusCode.PermissionDenied, false)]
    public async Task Error_of_one_image_follows_the_posture_and_never_the_fail_mode(StatusCode code, bool inDryRun)
    {
        foreach (var (posture, isAdmitted) in new[] { (Bench.DryRun, inDryRun), (Bench.Posture(Enforcement.Enforced), false) })
        {
            await using var bench = await Bench.StartAsync(posture);
            bench.Service.Answer = batch => ScriptedService.Errors(batch, code);

            var decision = await bench.DecideAsync(Open with { IsBreakGlass = true });

            Assert.Equal(isAdmitted ? (Admission.AdmittedWithWarning, AdmissionBasis.Posture) : (Admission.Refused, AdmissionBasis.None), (decision.Admission, decision.Basis));
        }
    }

    [Fact]
    public async Task Refusals_are_recorded_once_a_second()
    {
        await using var bench = await Bench.StartAsync();
        bench.Service.Fail(StatusCode.Internal);
        for (var index = 0; index < 10; index++)
        {
            await bench.DecideAsync();
        }

        bench.Time.Advance(TimeSpan.FromSeconds(1));
        await bench.DecideAsync();

        Assert.Equal(2, bench.Journal.Lines);
        Assert.Equal(9, bench.Metrics.Dropped.Value);
    }

    [Fact]
    public async Task Posture_outlives_a_restart_and_is_nobody_elses()
    {
        await using var bench = await Bench.StartAsync(Bench.DryRun);
        await Eventually.Holds("it is on disk", () => File.Exists(Path.Combine(bench.Folder, "posture.json")));

        Assert.True(bench.NewWatch().Posture!.IsDryRunAt(bench.Time.GetUtcNow()));
        Assert.Null(bench.NewWatch(bench.Settings with { Cluster = "dc1.other" }).Posture);
        Assert.Null(bench.NewWatch(bench.Settings with { Project = "other" }).Posture);
        Assert.Null(bench.NewWatch(bench.Settings with { Service = new Uri("http://127.0.0.1:2") }).Posture);
        // A clock that was set back does not make it younger.
        Assert.False(bench.NewWatch().Posture!.IsDryRunAt(bench.Time.GetUtcNow().AddMinutes(-6)));
        var whole = await File.ReadAllTextAsync(Path.Combine(bench.Folder, "posture.json"), TestContext.Current.CancellationToken);
        for (var length = 0; length < whole.Length; length += 7)
        {
            await File.WriteAllTextAsync(Path.Combine(bench.Folder, "posture.json"), whole[..length], TestContext.Current.CancellationToken);
            Assert.Null(bench.NewWatch().Posture);
        }
    }

    [Fact]
    public async Task Posture_of_another_cluster_is_not_heard()
    {
        await using var bench = await Bench.StartAsync(Bench.Posture(Enforcement.Enforced));
        bench.Service.Watch.Say(new ClusterPosture(Bench.DryRun) { Cluster = "dc1.other" });
        await bench.HearAsync(new ClusterPosture(Bench.Posture(Enforcement.Enforced)) { Project = "later" });

        Assert.Equal((Enforcement.Enforced, "later"), (bench.Watch.Posture!.Message.Enforcement, bench.Watch.Posture.Message.Project));
    }

    private static async Task<ImageDecision> AdvancingAsync(Bench bench, AdmissionQuestion question)
    {
        var deciding = bench.DecideAsync(question);
        await AdvanceAsync(bench, deciding);
        return await deciding;
    }

    /// <summary>Lets the pauses between attempts pass.</summary>
    private static Task<TimeSpan> AdvanceAsync(Bench bench, Task deciding) => Eventually.Holds("it is decided", () =>
    {
        bench.Time.Advance(TimeSpan.FromMilliseconds(10));
        return deciding.IsCompleted;
    });
}
