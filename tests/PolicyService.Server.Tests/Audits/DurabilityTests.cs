using PolicyService.Api.V1;

namespace PolicyService.Server.Tests.Audits;

/// <summary>ARCHITECTURE section 6: which records are on disk before their answer.</summary>
public sealed class DurabilityTests
{
    [Fact]
    public async Task Break_glass_is_in_the_file_when_its_answer_arrives()
    {
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer));

        for (var round = 0; round < 50; round++)
        {
            var response = await server.AskAsync(Ask.BreakGlass(round % 2 == 0 ? Ask.Attested : Ask.Unattested));
            Assert.True(server.Records.Has(response.DecisionId), $"round {round}");
        }
    }

    [Fact]
    public async Task Every_record_is_in_the_file_when_all_are_durable()
    {
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer), durable: true);

        for (var round = 0; round < 50; round++)
        {
            var response = await server.AskAsync(Ask.For(round % 2 == 0 ? Ask.Attested : Ask.Unattested));
            Assert.True(server.Records.Has(response.DecisionId), $"round {round}");
        }
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task Answer_waits_until_its_record_is_durable(bool breakGlass, bool allDurable)
    {
        var sink = new TestSink();
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer), sink: sink, durable: allDurable);
        sink.Block();

        var waiting = server.AskAsync(breakGlass ? Ask.BreakGlass(Ask.Unattested) : Ask.For(Ask.Unattested));
        await Eventually.Holds("the record is on its way", () => sink.Entered == 1);
        // Whoever needs no record is answered meanwhile; had the first answer been sent, it would be here by then.
        await server.RefusalAsync(Ask.For("a b"));
        Assert.False(waiting.IsCompleted);

        sink.Unblock();
        var response = await waiting;
        Assert.True(sink.Has(response.DecisionId));
        Assert.Equal(sink.Lines.Count, sink.Durable);
    }

    [Fact]
    public async Task Ordinary_answer_waits_for_no_disk()
    {
        var sink = new TestSink();
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer), sink: sink);
        sink.Block();

        var first = await server.AskAsync(Ask.For(Ask.Attested));
        var second = await server.AskAsync(Ask.For(Ask.Unattested));
        Assert.Empty(sink.Lines);
        sink.Unblock();

        await Eventually.Holds("both are written", () => sink.Has(first.DecisionId) && sink.Has(second.DecisionId));
        Assert.Equal(0, sink.Durable);
    }

    [Fact]
    public async Task What_was_decided_is_written_before_the_end()
    {
        using var signer = new Signer();
        var documents = DocumentsFolder.Standard(signer);
        await using var server = await TestServer.StartAsync(documents);
        var batch = new EvaluateBatchRequest();
        batch.Requests.AddRange(Enumerable.Repeat(Ask.For(Ask.Attested), 500));
        var results = new List<EvaluateBatchResult>();
        for (var round = 0; round < 8; round++)
        {
            results.AddRange((await server.Client.EvaluateBatchAsync(batch, cancellationToken: TestContext.Current.CancellationToken)).Results);
        }

        await server.StopAsync();

        var recorded = server.Records.Records().Select(record => record.GetProperty("decisionId").GetString()).ToHashSet();
        Assert.All(results, result => Assert.Contains(result.Response.DecisionId, recorded));
    }

    [Fact]
    public async Task Shutdown_gives_a_failing_sink_time_to_heal()
    {
        var sink = new TestSink { Fails = true };
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer), sink: sink);
        var decided = await server.AskAsync(Ask.For(Ask.Unattested));
        await Eventually.Holds("the sink fails", () => sink.Entered > 0);

        var stopping = server.StopAsync();
        var tried = sink.Entered;
        await Eventually.Holds("it is tried again and again", () => sink.Entered > tried + 2);
        sink.Fails = false;
        await stopping;

        Assert.True(sink.Has(decided.DecisionId));
    }
}
