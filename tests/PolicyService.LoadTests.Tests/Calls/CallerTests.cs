using Grpc.Core;
using PolicyService.Api.Clients;
using PolicyService.Api.V1;
using PolicyService.LoadTests.Calls;
using PolicyService.LoadTests.Documents;
using PolicyService.LoadTests.Tests.Running;

namespace PolicyService.LoadTests.Tests.Calls;

public sealed class CallerTests
{
    [Fact]
    public void Request_has_the_size_of_the_method() => Assert.Equal(305, new TestImage(7).Ask(Verdict.Allow).Request.CalculateSize());

    [Fact]
    public async Task Batch_notices_one_wrong_verdict_among_many()
    {
        await using var server = await LyingServer.StartAsync((number, request) => LyingServer.Answer(request, number == 150 ? Verdict.Deny : Verdict.Allow));
        using var connection = new Http2Connection(server.Url);
        var caller = new BatchCaller(connection, Questions(), 100, TimeProvider.System);

        Assert.Equal(new Answer(100), await caller.AskAsync(TestContext.Current.CancellationToken));
        Assert.NotNull((await caller.AskAsync(TestContext.Current.CancellationToken)).WrongVerdict);
    }

    [Fact]
    public async Task Stream_notices_a_wrong_verdict_and_the_end()
    {
        await using var server = await LyingServer.StartAsync((number, request) => number switch
        {
            0 => LyingServer.Allow(request),
            1 => LyingServer.Answer(request, Verdict.Dryrun),
            _ => throw new RpcException(new Status(StatusCode.Unavailable, "enough")),
        });
        using var channel = PolicyDecisionChannel.Open(server.Url);
        using var caller = new StreamCaller(channel, Questions(), TimeProvider.System);

        Assert.Equal(new Answer(1), await caller.AskAsync(TestContext.Current.CancellationToken));
        Assert.NotNull((await caller.AskAsync(TestContext.Current.CancellationToken)).WrongVerdict);
        Assert.Equal("grpc-status 14", (await caller.AskAsync(TestContext.Current.CancellationToken)).Error);
        Assert.NotNull((await caller.AskAsync(TestContext.Current.CancellationToken)).Error);
    }

    [Fact]
    public async Task Answer_about_another_cluster_is_wrong()
    {
        await using var server = await LyingServer.StartAsync((_, request) => new EvaluateResponse { Verdict = Verdict.Allow, ImageDigest = request.ImageDigest, Cluster = "a.b" });
        using var connection = new Http2Connection(server.Url);

        Assert.NotNull((await new UnaryCaller(connection, Questions(), TimeProvider.System).AskAsync(TestContext.Current.CancellationToken)).WrongVerdict);
    }

    private static RepeatedQuestions Questions() => new([.. Enumerable.Range(0, 10).Select(number => new TestImage(number).Ask(Verdict.Allow))]);
}
