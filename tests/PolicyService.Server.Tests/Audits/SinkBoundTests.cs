using System.Net;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Api.V1;

namespace PolicyService.Server.Tests.Audits;

/// <summary>ATTACKS 106: a sink that stands still, and records that are large.</summary>
public sealed class SinkBoundTests
{
    [Fact]
    [Trait("attack", "106")]
    public async Task Sink_that_hangs_counts_as_failing_until_it_goes_on()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var sink = new TestSink();
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer), time, sink);
        sink.Block();
        Assert.Equal(Verdict.Deny, (await server.AskAsync(Ask.For(Ask.Unattested))).Verdict);
        await Eventually.Holds("the writer is in the sink", () => sink.Entered > 0);
        Assert.Equal(HttpStatusCode.OK, (await server.ReadyAsync()).Status);

        time.Advance(TimeSpan.FromSeconds(6));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await server.ReadyAsync()).Status);
        Assert.Equal(1, (await server.MetricsAsync()).Sum("policyservice_audit_failing"));
        sink.Unblock();
        await Eventually.Holds("it is ready again", async () => (await server.ReadyAsync()).Status == HttpStatusCode.OK);
    }

    [Fact]
    [Trait("attack", "106")]
    public async Task Large_records_fill_the_queue_by_their_size_and_none_is_lost()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var sink = new TestSink();
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer), time, sink);
        sink.Block();
        var large = Ask.For(Ask.Unattested);
        large.Labels.Add("l", new string('x', 250_000));

        var asking = Enumerable.Range(0, 200).Select(_ => AskAsync(server, large)).ToArray();
        await Eventually.Holds("the queue takes no more", async () =>
            (await server.MetricsAsync()).Sum("policyservice_audit_queue_records") > 100 && asking.Count(call => call.IsCompleted) is > 100 and < 200);
        await Eventually.Holds("every caller's deadline came", () =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return asking.All(call => call.IsCompleted);
        });
        var answers = await Task.WhenAll(asking);

        // 32 Mi characters are some 134 of these records, and one group may be in the sink already.
        Assert.InRange(answers.Count(answer => answer.Response is not null), 120, 145);
        Assert.All(answers.Where(answer => answer.Response is null), answer => Assert.Equal(StatusCode.Unavailable, answer.Status));
        sink.Unblock();
        await Eventually.Holds("all that was decided is written", () => answers.All(answer => answer.Response is null || sink.Has(answer.Response.DecisionId)));
        Assert.Equal(Verdict.Allow, (await server.AskAsync(Ask.For(Ask.Attested))).Verdict);
    }

    private static async Task<(EvaluateResponse? Response, StatusCode Status)> AskAsync(TestServer server, EvaluateRequest request)
    {
        try
        {
            return (await server.AskAsync(request), StatusCode.OK);
        }
        catch (RpcException exception)
        {
            return (null, exception.StatusCode);
        }
    }
}
