using System.Net;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Api.V1;

namespace PolicyService.Server.Tests.Audits;

/// <summary>ATTACKS 106: the sink is down, stands still, or is full.</summary>
public sealed class SinkFailureTests
{
    private const int Queue = 8192;

    [Fact]
    public async Task Failing_sink_gives_durable_callers_no_verdict_shows_everywhere_and_heals_without_loss()
    {
        var sink = new TestSink();
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer), sink: sink);
        sink.Fails = true;

        // Ordinary decisions go on: their records are kept.
        var kept = new List<string>();
        for (var round = 0; round < 20; round++)
        {
            kept.Add((await server.AskAsync(Ask.For(Ask.Unattested))).DecisionId);
        }

        var refused = await server.RefusalAsync(Ask.BreakGlass(Ask.Unattested), InSeconds(1.5));
        Assert.True(refused.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded, refused.ToString());

        await Eventually.Holds("the failure shows", async () => (await server.MetricsAsync()).Sum("policyservice_audit_failing") == 1);
        var (status, body) = await server.ReadyAsync();
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Equal("not ready", body.GetProperty("status").GetString());
        Assert.Contains("cannot be written", Assert.Single(body.GetProperty("reasons").EnumerateArray()).GetString(), StringComparison.Ordinal);
        var health = new Grpc.Health.V1.Health.HealthClient(server.Channel);
        var serving = await health.CheckAsync(new Grpc.Health.V1.HealthCheckRequest(), cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus.NotServing, serving.Status);
        Assert.True((await server.MetricsAsync()).Sum("policyservice_audit_records_total", "outcome=\"sink_failure\"") >= 1);
        Assert.Single(server.Log.Lines, line => line.StartsWith("Error", StringComparison.Ordinal) && line.Contains("disk of the test", StringComparison.Ordinal));

        sink.Fails = false;

        await Eventually.Holds("it is ready again", async () => (await server.ReadyAsync()).Status == HttpStatusCode.OK);
        await Eventually.Holds("all that was kept is written", () => kept.All(sink.Has));
        Assert.Equal(kept.Count, sink.Lines.Count);
        Assert.DoesNotContain(sink.Lines, line => line.Contains("breakGlass", StringComparison.Ordinal));
        var later = await server.AskAsync(Ask.BreakGlass(Ask.Unattested));
        Assert.True(sink.Has(later.DecisionId));
    }

    [Fact]
    public async Task Sink_does_not_count_as_mended_because_nobody_waits_for_its_records_any_more()
    {
        var sink = new TestSink { Fails = true };
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer), sink: sink);
        await server.RefusalAsync(Ask.BreakGlass(Ask.Unattested), InSeconds(1));
        var failures = await FailuresAsync();

        await Eventually.Holds("it was tried again and again", async () => await FailuresAsync() >= failures + 3);
        Assert.Equal(1, (await server.MetricsAsync()).Sum("policyservice_audit_failing"));
        Assert.DoesNotContain(server.Log.Lines, line => line.Contains("written again", StringComparison.Ordinal));
        sink.Fails = false;

        await Eventually.Holds("it is mended", async () => (await server.MetricsAsync()).Sum("policyservice_audit_failing") == 0);
        Assert.Empty(sink.Lines);

        async Task<double> FailuresAsync() => (await server.MetricsAsync()).Sum("policyservice_audit_records_total", "outcome=\"sink_failure\"");
    }

    [Fact]
    public async Task Sink_that_cannot_make_durable_counts_as_failing()
    {
        var sink = new TestSink { FailsToFlush = true };
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer), sink: sink);

        var waiting = server.AskAsync(Ask.BreakGlass(Ask.Unattested));
        await Eventually.Holds("the failure shows", async () => (await server.MetricsAsync()).Sum("policyservice_audit_failing") == 1);
        Assert.False(waiting.IsCompleted);
        sink.FailsToFlush = false;

        Assert.Equal(Verdict.Allow, (await waiting).Verdict);
    }

    [Fact]
    public async Task Full_queue_gives_no_verdict_and_no_verdict_goes_unrecorded()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var sink = new TestSink();
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer), time, sink);
        sink.Block();
        // The writer stands in the sink with this one: what comes now waits in the queue.
        var first = await server.AskAsync(Ask.For(Ask.Unattested));
        await Eventually.Holds("the first record is on its way", () => sink.Entered == 1);
        var batch = new EvaluateBatchRequest();
        batch.Requests.AddRange(Enumerable.Repeat(Ask.For(Ask.Unattested), 500));

        var asking = Enumerable.Range(0, 20).Select(_ => server.Client.EvaluateBatchAsync(batch, cancellationToken: TestContext.Current.CancellationToken).ResponseAsync).ToArray();
        await Eventually.Holds("the queue is full", async () => (await server.MetricsAsync()).Sum("policyservice_audit_queue_records") == Queue);
        Assert.Contains(asking, call => !call.IsCompleted);
        // Whoever comes later waits and then gets no verdict either.
        var late = server.RefusalAsync(Ask.For(Ask.Attested));
        await Eventually.Holds("every caller's deadline came", () =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return late.IsCompleted && asking.All(call => call.IsCompleted);
        });
        Assert.Equal(StatusCode.Unavailable, (await late).StatusCode);
        var results = (await Task.WhenAll(asking)).SelectMany(response => response.Results).ToArray();

        string[] verdicts = [first.DecisionId, .. results.Where(result => result.Response is not null).Select(result => result.Response.DecisionId)];
        Assert.All(results.Where(result => result.Response is null), result => Assert.Equal((int)StatusCode.Unavailable, result.Error.Code));
        Assert.Equal(Queue + 1, verdicts.Length);

        sink.Unblock();
        await Eventually.Holds("the queue is written", () => sink.Lines.Count >= verdicts.Length);
        var recorded = sink.Lines.Select(line => System.Text.Json.JsonDocument.Parse(line).RootElement.GetProperty("decisionId").GetString()).ToHashSet();
        Assert.Equal(verdicts.Length, recorded.Count);
        Assert.All(verdicts, id => Assert.Contains(id, recorded));
        Assert.Equal(Verdict.Allow, (await server.AskAsync(Ask.For(Ask.Attested))).Verdict);
    }

    [Fact]
    public async Task Slow_sink_writes_what_waited_in_groups()
    {
        var sink = new TestSink();
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer), sink: sink);
        sink.Block();
        var first = await server.AskAsync(Ask.For(Ask.Unattested));
        await Eventually.Holds("the first record is on its way", () => sink.Entered == 1);
        var batch = new EvaluateBatchRequest();
        batch.Requests.AddRange(Enumerable.Repeat(Ask.For(Ask.Unattested), 500));
        await server.Client.EvaluateBatchAsync(batch, cancellationToken: TestContext.Current.CancellationToken);

        sink.Unblock();

        await Eventually.Holds("all are written", () => sink.Lines.Count == 501);
        Assert.Equal(2, sink.Entered);
        Assert.Contains(first.DecisionId, sink.Lines.First(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Device_that_is_always_full_fails_and_a_file_in_its_place_heals()
    {
        using var signer = new Signer();
        var documents = DocumentsFolder.Standard(signer);
        var link = documents.Beside("link.jsonl");
        File.CreateSymbolicLink(link, "/dev/full");
        await using var server = await TestServer.StartAsync(documents, auditFile: link);
        var kept = (await server.AskAsync(Ask.For(Ask.Unattested))).DecisionId;
        await Eventually.Holds("the failure shows", async () => (await server.ReadyAsync()).Status == HttpStatusCode.ServiceUnavailable);

        // An empty file: of the same length as the device.
        await File.WriteAllTextAsync(documents.Beside("disk.jsonl"), "", TestContext.Current.CancellationToken);
        File.CreateSymbolicLink(documents.Beside("next"), documents.Beside("disk.jsonl"));
        Native.Rename(documents.Beside("next"), link);

        await Eventually.Holds("it is ready again", async () => (await server.ReadyAsync()).Status == HttpStatusCode.OK);
        await new RecordFile(documents.Beside("disk.jsonl")).Of(kept);
    }

    [Fact]
    public async Task File_renamed_away_goes_on_in_a_new_one()
    {
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer));
        var old = new RecordFile(server.Documents.Beside("records.1.jsonl"));
        var before = await server.AskAsync(Ask.BreakGlass(Ask.Unattested));

        File.Move(server.Records.Path, old.Path);
        var after = await server.AskAsync(Ask.BreakGlass(Ask.Unattested));

        Assert.True(server.Records.Has(after.DecisionId));
        Assert.True(old.Has(before.DecisionId));
        Assert.Single(old.Records());
        Assert.Single(server.Records.Records());
    }

    [Fact]
    public async Task File_cut_to_nothing_goes_on_from_its_start()
    {
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer));
        await server.AskAsync(Ask.BreakGlass(Ask.Unattested));

        await using (var file = new FileStream(server.Records.Path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            file.SetLength(0);
        }

        var after = await server.AskAsync(Ask.BreakGlass(Ask.Unattested));
        Assert.Equal(after.DecisionId, Assert.Single(server.Records.Records()).GetProperty("decisionId").GetString());
    }

    [Fact]
    public async Task File_that_holds_records_is_continued()
    {
        using var signer = new Signer();
        var documents = DocumentsFolder.Standard(signer);
        await File.WriteAllTextAsync(documents.Beside("records.jsonl"), "{\"decisionId\":\"old\"}\n", TestContext.Current.CancellationToken);
        await using var server = await TestServer.StartAsync(documents);

        await server.AskAsync(Ask.BreakGlass(Ask.Unattested));

        Assert.Equal(2, server.Records.Records().Count);
    }

    private static DateTime InSeconds(double seconds) => TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(seconds);
}
