using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Api.V1;
using PolicyService.Server.Decisions;

namespace PolicyService.Server.Tests.Endpoints;

public sealed class DeadlineTests
{
    private static readonly DateTimeOffset Now = new(2026, 5, 1, 0, 0, 0, TimeSpan.Zero);

    public static TheoryData<string, double?, double, double> Margins => new()
    {
        // what the caller asks, what it gets, what the evaluation gets of it; milliseconds
        { "none: 5 s", null, 5_000, 4_500 },
        { "1 s", 1_000, 1_000, 900 },
        { "just below the cap", 29_999, 29_999, 26_999.1 },
        { "the cap", 30_000, 30_000, 27_000 },
        { "just above the cap", 30_001, 30_000, 27_000 },
        { "a day", 86_400_000, 30_000, 27_000 },
        { "10 % are more than 20 ms", 201, 201, 180.9 },
        { "10 % are 20 ms", 200, 200, 180 },
        { "10 % are less than 20 ms", 199, 199, 179 },
        { "the margin and 1 ms", 21, 21, 1 },
        { "the margin", 20, 20, 0 },
        { "less than the margin", 19, 19, 0 },
        { "now", 0, 0, 0 },
        { "past", -1_000, -1_000, 0 },
    };

    [Theory, MemberData(nameof(Margins))]
    public void Deadline_keeps_a_margin_back(string name, double? asked, double given, double evaluation)
    {
        var deadline = Deadline.Of(Now, asked is { } milliseconds ? Now.AddMilliseconds(milliseconds) : null);

        Assert.True(deadline.At == Now.AddMilliseconds(given), name);
        Assert.Equal(TimeSpan.FromMilliseconds(evaluation), deadline.EvaluationTime(Now));
    }

    [Fact]
    public void Deadline_gives_the_record_half_of_the_margin()
    {
        var deadline = Deadline.Of(Now, Now.AddSeconds(10));

        Assert.Equal(TimeSpan.FromSeconds(9.5), deadline.RecordingTime(Now));
        Assert.Equal(TimeSpan.FromSeconds(0.5), deadline.RecordingTime(Now.AddSeconds(9)));
        Assert.Equal(TimeSpan.Zero, deadline.RecordingTime(Now.AddSeconds(11)));
        Assert.Equal(TimeSpan.Zero, deadline.EvaluationTime(Now.AddSeconds(9)));
    }

    [Fact]
    public async Task Evaluation_without_time_left_is_an_error_and_denies()
    {
        // To the server's clock the caller's deadline lies in the past.
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow().AddHours(1));
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer), time);

        var late = await server.Client.EvaluateAsync(Ask.For(Ask.Attested), deadline: InSeconds(60), cancellationToken: TestContext.Current.CancellationToken);
        var inTime = await server.AskAsync(Ask.For(Ask.Attested));
        var needless = await server.Client.EvaluateAsync(Ask.For(Ask.Attested, Ask.Open), deadline: InSeconds(60), cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal((Verdict.Deny, Conformance.Error, FailMode.Closed), (late.Verdict, late.Conformance, late.FailMode));
        Assert.Equal(ReasonCode.Deadline, Assert.Single(late.Reasons).Code);
        Assert.Equal(Verdict.Allow, inTime.Verdict);
        Assert.Equal(Verdict.Allow, needless.Verdict);
    }

    [Fact]
    public async Task Call_waits_for_its_record_no_longer_than_the_callers_deadline_lets_the_answer_arrive()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var sink = new TestSink();
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer), time, sink, durable: true);
        sink.Block();

        // The caller's minute is cut to 30 s, and 1.5 s of them are left for the answer; by the real clock none of this has passed.
        var waiting = server.RefusalAsync(Ask.For(Ask.Attested), InSeconds(60));
        await Eventually.Holds("the record is on its way", () => sink.Entered == 1);
        time.Advance(TimeSpan.FromSeconds(28));
        Assert.False(waiting.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(0.6));
        await Eventually.Holds("it is answered", () => waiting.IsCompleted);
        var status = await waiting;

        Assert.Equal(StatusCode.Unavailable, status.StatusCode);
        Assert.Contains("could not be recorded", status.Detail, StringComparison.Ordinal);
        Assert.Equal(1, (await server.MetricsAsync()).Sum("policyservice_audit_records_total", "outcome=\"refused\""));
        sink.Unblock();
    }

    [Fact]
    public async Task Call_without_a_deadline_ends_within_5_s()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var sink = new TestSink();
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer), time, sink, durable: true);
        sink.Block();

        var waiting = server.RefusalAsync(Ask.For(Ask.Attested));
        await Eventually.Holds("the first record is on its way", () => sink.Entered == 1);
        var overRest = server.PostAsync($"{{\"imageDigest\": \"{Ask.Attested}\", \"cluster\": \"{Ask.Enforced}\"}}");
        await Eventually.Holds("the second waits", async () => (await server.MetricsAsync()).Sum("policyservice_audit_queue_records") == 1);
        time.Advance(TimeSpan.FromSeconds(4.76));
        await Eventually.Holds("both are answered", () => waiting.IsCompleted && overRest.IsCompleted);

        Assert.Equal(StatusCode.Unavailable, (await waiting).StatusCode);
        using var response = await overRest;
        Assert.Equal(System.Net.HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.DoesNotContain("VERDICT", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        sink.Unblock();
    }

    [Fact]
    public async Task Caller_that_gives_up_leaves_nothing_waiting()
    {
        var sink = new TestSink();
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer), sink: sink, durable: true);
        sink.Block();

        var status = await server.RefusalAsync(Ask.For(Ask.Attested), InSeconds(0.5));

        Assert.True(status.StatusCode is StatusCode.DeadlineExceeded or StatusCode.Unavailable, status.ToString());
        await Eventually.Holds("the server gave the call up", async () => (await server.MetricsAsync()).Sum("policyservice_audit_records_total", "outcome=\"refused\"") == 1);
        sink.Unblock();
    }

    private static DateTime InSeconds(double seconds) => TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(seconds);
}
