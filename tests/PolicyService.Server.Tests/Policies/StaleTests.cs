using Microsoft.Extensions.Time.Testing;
using PolicyService.Api.V1;

namespace PolicyService.Server.Tests.Policies;

public sealed class StaleTests
{
    private static readonly DateTimeOffset Start = new(2026, 6, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(500);

    [Fact]
    public async Task Lost_directory_makes_answers_stale_and_after_24_h_errors_until_it_is_back()
    {
        var time = new FakeTimeProvider(Start);
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer), time);
        Assert.False((await server.AskAsync(Ask.For(Ask.Attested))).Stale);
        var away = server.Documents.Beside("away");

        Directory.Move(server.Documents.Path, away);
        await UntilStaleAsync(server, time);

        var stale = await server.AskAsync(Ask.For(Ask.Attested));
        Assert.Equal((Verdict.Allow, ReasonCode.Attested), (stale.Verdict, stale.Reasons[0].Code));
        var read = stale.EvidenceTime.ToDateTimeOffset();
        Assert.True(read < time.GetUtcNow());
        // An admission in doubt is on disk before its answer.
        Assert.True(server.Records.Has(stale.DecisionId));
        Assert.True((await server.Records.Of(stale.DecisionId)).GetProperty("stale").GetBoolean());
        Assert.Equal(1, (await server.MetricsAsync()).Sum("policyservice_snapshot_stale"));
        Assert.Single(server.Log.Lines, line => line.StartsWith("Error", StringComparison.Ordinal) && line.Contains("marked stale", StringComparison.Ordinal));
        Assert.True((await server.ReadyAsync()).Body.GetProperty("documents").GetProperty("stale").GetBoolean());

        time.Advance(read.AddHours(24) - time.GetUtcNow());
        Assert.Equal(Verdict.Allow, (await server.AskAsync(Ask.For(Ask.Attested))).Verdict);
        time.Advance(TimeSpan.FromTicks(1));
        var tooStale = await server.AskAsync(Ask.For(Ask.Attested));
        Assert.Equal((Verdict.Deny, Conformance.Error, FailMode.Closed), (tooStale.Verdict, tooStale.Conformance, tooStale.FailMode));
        Assert.Equal(ReasonCode.StalePolicy, Assert.Single(tooStale.Reasons).Code);
        Assert.True(tooStale.Stale);
        Assert.Equal(86_400, (await server.MetricsAsync()).Sum("policyservice_snapshot_age_seconds"), 3);

        Directory.Move(away, server.Documents.Path);
        await Eventually.Holds("answers are fresh", async () =>
        {
            time.Advance(Poll);
            return !(await server.AskAsync(Ask.For(Ask.Attested))).Stale;
        });
        Assert.Equal(Verdict.Allow, (await server.AskAsync(Ask.For(Ask.Attested))).Verdict);
        Assert.Equal(0, (await server.MetricsAsync()).Sum("policyservice_snapshot_stale"));
    }

    [Fact]
    public async Task Options_set_the_age_and_the_fail_mode()
    {
        var time = new FakeTimeProvider(Start);
        var documents = DocumentsFolder.Fixed("ALWAYS_ALLOW");
        documents.Write("options.yaml", "{maxSnapshotAge: 1h, failMode: OPEN}");
        await using var server = await TestServer.StartAsync(documents, time);

        Directory.Move(server.Documents.Path, server.Documents.Beside("away"));
        await UntilStaleAsync(server, time);
        time.Advance(TimeSpan.FromHours(1));
        var response = await server.AskAsync(Ask.For(Ask.Attested));

        // The loss of the documents is our own fault, so this project admits; and that is on disk before the answer.
        Assert.Equal((Verdict.Allow, Conformance.Error, FailMode.Open), (response.Verdict, response.Conformance, response.FailMode));
        Assert.Equal([ReasonCode.FailedOpen, ReasonCode.StalePolicy], response.Reasons.Select(reason => reason.Code));
        Assert.True(server.Records.Has(response.DecisionId));
        Assert.Equal("OPEN", (await server.Records.Of(response.DecisionId)).GetProperty("failMode").GetString());
    }

    [Fact]
    public async Task Change_made_while_the_directory_was_away_counts_when_it_is_back()
    {
        var time = new FakeTimeProvider(Start);
        await using var server = await TestServer.StartAsync(DocumentsFolder.Fixed("ALWAYS_ALLOW"), time);
        var away = server.Documents.Beside("away");
        Directory.Move(server.Documents.Path, away);
        await UntilStaleAsync(server, time);

        await File.WriteAllTextAsync(Path.Combine(away, "policy.yaml"), DocumentsFolder.FixedPolicy("ALWAYS_DENY"), TestContext.Current.CancellationToken);
        Directory.Move(away, server.Documents.Path);

        await Eventually.Holds("the change counts", async () =>
        {
            time.Advance(Poll);
            return await server.AskAsync(Ask.For(Ask.Attested)) is { Verdict: Verdict.Deny, Stale: false };
        });
    }

    /// <summary>Moves the clock until the watcher looks; its timer may still be on its way after the start.</summary>
    private static Task<TimeSpan> UntilStaleAsync(TestServer server, FakeTimeProvider time) => Eventually.Holds("answers are stale", async () =>
    {
        time.Advance(Poll);
        return (await server.AskAsync(Ask.For(Ask.Attested))).Stale;
    });
}
