using Grpc.Core;
using PolicyService.Api.V1;
using PolicyService.Kubernetes.Decisions;

namespace PolicyService.Kubernetes.Tests.Decisions;

/// <summary>What the service is asked, and what its answers mean.</summary>
public sealed class DecisionServiceTests
{
    /// <summary>Answers that answer nothing.</summary>
    public static TheoryData<string> Unusable => ["none", "too few", "too many", "other image", "other cluster", "no verdict", "unknown verdict", "empty"];

    [Theory]
    [InlineData(Verdict.Allow, Admission.Admitted)]
    [InlineData(Verdict.Dryrun, Admission.AdmittedWithWarning)]
    [InlineData(Verdict.Deny, Admission.Refused)]
    public async Task Verdict_decides(Verdict verdict, Admission admission)
    {
        await using var bench = await Bench.StartAsync();
        bench.Service.Answer = batch => ScriptedService.Results(batch, request => ScriptedService.Response(request, verdict));

        var decision = await bench.DecideAsync(Bench.Question with { FailMode = PolicyService.Kubernetes.Decisions.FailMode.Open });

        Assert.Equal((admission, AdmissionBasis.Service), (decision.Admission, decision.Basis));
        Assert.Equal(admission is Admission.Admitted ? "" : $"Image {Bench.Image} is judged? by the test.\n  sign it", decision.Explanation);
        Assert.Empty(await bench.FindingsAsync());
    }

    [Theory, MemberData(nameof(Unusable))]
    public async Task Unusable_answer_refuses_whatever_the_posture(string how)
    {
        await using var bench = await Bench.StartAsync(Bench.DryRun);
        bench.Service.Answer = batch =>
        {
            var answer = ScriptedService.Results(batch, request => ScriptedService.Response(request, Verdict.Allow));
            _ = how switch
            {
                "none" => answer = new EvaluateBatchResponse(),
                "too few" => answer = new EvaluateBatchResponse { Results = { answer.Results[0] } },
                "too many" => answer = new EvaluateBatchResponse { Results = { answer.Results[0], answer.Results[1], answer.Results[1] } },
                "other image" => Each(answer, response => response.ImageDigest += "x"),
                "other cluster" => Each(answer, response => response.Cluster = "dc1.other"),
                "no verdict" => Each(answer, response => response.Verdict = Verdict.Unspecified),
                "unknown verdict" => Each(answer, response => response.Verdict = (Verdict)77),
                _ => answer = new EvaluateBatchResponse { Results = { new EvaluateBatchResult(), new EvaluateBatchResult() } },
            };
            return answer;
        };

        var decisions = await bench.Decisions.DecideAsync(Bench.Question with { Images = ["a:1", "b:1"], IsBreakGlass = true }, TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);

        Assert.Equal(["a:1", "b:1"], decisions.Select(decision => decision.Image));
        Assert.All(decisions, decision => Assert.Equal(Admission.Refused, decision.Admission));
    }

    [Fact]
    public async Task Each_image_is_asked_about_once_with_the_workload_on_each_and_metadata_on_the_first()
    {
        await using var bench = await Bench.StartAsync(change: settings => settings with { TrustDomain = "cluster.local", Project = "acme" });

        await bench.Decisions.DecideAsync(
            Bench.Question with
            {
                Images = ["a:1", "b:1"],
                IsBreakGlass = true,
                IsPreview = true,
                Labels = new Dictionary<string, string> { ["app"] = "web" },
                Annotations = new Dictionary<string, string> { ["note"] = "x", ["kubectl.kubernetes.io/last-applied-configuration"] = "{}" },
            },
            TimeSpan.FromSeconds(10),
            TestContext.Current.CancellationToken);

        var requests = Assert.Single(bench.Service.Asked).Request.Requests;
        Assert.Equal(["a:1", "b:1"], requests.Select(request => request.ImageDigest));
        Assert.All(requests, request => Assert.Equal(
            (Bench.Cluster, "acme", "shop", "app", "spiffe://cluster.local/ns/shop/sa/app", true, true),
            (request.Cluster, request.Project, request.Namespace, request.ServiceAccount, request.IstioIdentity, request.BreakGlass is not null, request.Preview)));
        Assert.Equal(("web", "x"), (Assert.Single(requests[0].Labels).Value, Assert.Single(requests[0].Annotations).Value));
        Assert.Equal((0, 0), (requests[1].Labels.Count, requests[1].Annotations.Count));
    }

    [Theory]
    [InlineData("", "app")]
    [InlineData("shop", "")]
    public async Task Half_an_identity_is_none(string space, string account)
    {
        await using var bench = await Bench.StartAsync(change: settings => settings with { TrustDomain = "cluster.local" });

        await bench.DecideAsync(Bench.Question with { Namespace = space, ServiceAccount = account });

        Assert.Equal("", Assert.Single(bench.Service.Asked).Request.Requests[0].IstioIdentity);
    }

    [Fact]
    public async Task Metadata_that_is_too_much_stays_behind_annotations_first()
    {
        await using var bench = await Bench.StartAsync();
        var much = new Dictionary<string, string> { ["note"] = new('x', 100_000) };

        await bench.DecideAsync(Bench.Question with { Labels = much, Annotations = much });

        var request = Assert.Single(bench.Service.Asked).Request.Requests[0];
        Assert.Equal((1, 0), (request.Labels.Count, request.Annotations.Count));
    }

    [Fact]
    public async Task Image_that_is_too_long_is_none_and_spoils_no_other()
    {
        await using var bench = await Bench.StartAsync();

        var decisions = await bench.Decisions.DecideAsync(Bench.Question with { Images = ["a:1", new string('x', 5_000_000), "b:1"] }, TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);

        Assert.Equal([Admission.Admitted, Admission.Refused, Admission.Admitted], decisions.Select(decision => decision.Admission));
        Assert.Equal(["a:1", "b:1"], Assert.Single(bench.Service.Asked).Request.Requests.Select(request => request.ImageDigest));
        Assert.Equal("b:1", decisions[2].Image);
    }

    [Theory]
    [InlineData(10, 9)]
    [InlineData(1, 0.9)]
    [InlineData(0.5, 0.4)]
    [Trait("attack", "115")]
    public async Task Deadline_leaves_a_margin(double patience, double asked)
    {
        await using var bench = await Bench.StartAsync();

        await bench.Decisions.DecideAsync(Bench.Question, TimeSpan.FromSeconds(patience), TestContext.Current.CancellationToken);

        Assert.Equal(bench.Time.GetUtcNow().AddSeconds(asked).UtcDateTime, Assert.Single(bench.Service.Asked).Deadline);
    }

    [Fact]
    public async Task Service_that_comes_back_is_asked_again()
    {
        await using var bench = await Bench.StartAsync();
        var count = 0;
        bench.Service.Answer = batch => Interlocked.Increment(ref count) < 4 ? throw new RpcException(new Status(StatusCode.Unavailable, "")) : ScriptedService.Results(batch, request => ScriptedService.Response(request, Verdict.Allow));

        var deciding = bench.DecideAsync();
        await Eventually.Holds("it is decided", () =>
        {
            bench.Time.Advance(TimeSpan.FromMilliseconds(10));
            return deciding.IsCompleted;
        });

        Assert.Equal(Admission.Admitted, (await deciding).Admission);
        Assert.Equal(3, bench.Metrics.Retries.Value);
        Assert.Single(bench.Service.Asked.Select(asked => asked.Deadline).Distinct());
    }

    public static TheoryData<string, StatusCode, Exception?, int> Failures => new()
    {
        { "nobody is there", StatusCode.Unavailable, null, 4 },
        { "a replica stops and closes its connections", StatusCode.Internal, new HttpRequestException("x", new HttpProtocolException(0, "x", null)), 4 },
        { "the connection breaks", StatusCode.Internal, new HttpRequestException("x", new IOException("x", new System.Net.Sockets.SocketException())), 4 },
        { "a certificate that is not trusted", StatusCode.Internal, new HttpRequestException("x", new System.Security.Authentication.AuthenticationException("x", new IOException("x"))), 1 },
        { "the service failed within", StatusCode.Internal, null, 1 },
        { "an answer that is none", StatusCode.Internal, new InvalidDataException("x"), 1 },
        { "too much", StatusCode.ResourceExhausted, new IOException("x"), 1 },
        { "no access", StatusCode.PermissionDenied, null, 1 },
        { "late", StatusCode.DeadlineExceeded, new IOException("x"), 1 },
    };

    [Theory, MemberData(nameof(Failures))]
    public async Task Nothing_but_a_service_that_cannot_be_reached_is_asked_again(string name, StatusCode code, Exception? cause, int times)
    {
        await using var bench = await Bench.StartAsync();
        bench.Service.Fail(code, cause);

        var deciding = bench.DecideAsync();
        await Eventually.Holds("it is decided", () =>
        {
            bench.Time.Advance(TimeSpan.FromMilliseconds(10));
            return deciding.IsCompleted;
        });

        Assert.Equal((name, times, Admission.Refused), (name, bench.Service.Asked.Count, (await deciding).Admission));
    }

    [Fact, Trait("attack", "115")]
    public async Task Service_that_stays_away_is_asked_four_times()
    {
        await using var bench = await Bench.StartAsync();
        bench.Service.Fail(StatusCode.Unavailable);

        var deciding = bench.DecideAsync();
        await Eventually.Holds("it is decided", () =>
        {
            bench.Time.Advance(TimeSpan.FromMilliseconds(10));
            return deciding.IsCompleted;
        });

        Assert.Equal(Admission.Refused, (await deciding).Admission);
        Assert.Equal((4, 3), (bench.Service.Asked.Count, bench.Metrics.Retries.Value));
    }

    [Fact, Trait("attack", "115")]
    public async Task Service_is_not_asked_again_where_no_time_is_left()
    {
        await using var bench = await Bench.StartAsync();
        bench.Service.Fail(StatusCode.Unavailable);

        // 50 ms are left to ask, as long as the first pause.
        await bench.Decisions.DecideAsync(Bench.Question, TimeSpan.FromMilliseconds(150), TestContext.Current.CancellationToken);

        Assert.Single(bench.Service.Asked);
    }

    private static EvaluateBatchResponse Each(EvaluateBatchResponse answer, Action<EvaluateResponse> change)
    {
        foreach (var result in answer.Results)
        {
            change(result.Response);
        }

        return answer;
    }
}
