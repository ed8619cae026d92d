using System.Text;
using PolicyService.Core.Images;
using PolicyService.Evidence.Http;
using PolicyService.Evidence.Remote;
using PolicyService.Tests.ContainerAnalysis;

namespace PolicyService.Evidence.Tests.Grafeas;

/// <summary>Retries help against a hiccup and must not feed a storm (ATTACK 84).</summary>
public sealed class RemoteRetryTests : IAsyncDisposable
{
    private readonly RemoteBench _bench = new(
        time: TimeProvider.System, lifetimes: new RemoteLifetimes { Attempt = TimeSpan.FromMinutes(2), Fetch = TimeSpan.FromMinutes(5), Failure = TimeSpan.FromHours(1) });

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    [Theory, Trait("attack", "84")]
    [InlineData(ContainerAnalysisFault.TooManyRequests)]
    [InlineData(ContainerAnalysisFault.ServerError)]
    [InlineData(ContainerAnalysisFault.Unavailable)]
    public async Task Hiccup_is_retried_and_healed(ContainerAnalysisFault fault)
    {
        _bench.Add();
        _bench.StandIn.FaultOf = _ => _bench.StandIn.Calls.Count < ApiTransport.Attempts ? fault : ContainerAnalysisFault.None;

        Assert.Equal("Allow: Attested", await _bench.AnswerAsync());
        Assert.Equal((ApiTransport.Attempts, ApiTransport.Attempts - 1), (_bench.StandIn.Calls.Count, _bench.Metrics.Retries));
    }

    [Theory]
    [InlineData(ContainerAnalysisFault.BadRequest)]
    [InlineData(ContainerAnalysisFault.Forbidden)]
    [InlineData(ContainerAnalysisFault.NotFound)]
    [InlineData(ContainerAnalysisFault.Truncated)]
    [InlineData(ContainerAnalysisFault.NoJson)]
    [InlineData(ContainerAnalysisFault.TooManyRequestsForLong)]
    public async Task What_no_retry_mends_is_asked_once(ContainerAnalysisFault fault)
    {
        _bench.StandIn.Fault = fault;
        await _bench.AnswerAsync();
        Assert.Single(_bench.StandIn.Calls);
    }

    [Theory, Trait("attack", "84")]
    [InlineData(ContainerAnalysisFault.TooManyRequests, RemoteFailure.RateLimited)]
    [InlineData(ContainerAnalysisFault.ServerError, RemoteFailure.ServerError)]
    public async Task Storm_is_not_amplified_and_the_budget_is_the_endpoints(ContainerAnalysisFault fault, RemoteFailure failure)
    {
        const int Digests = 300;
        _bench.StandIn.Fault = fault;
        // Two projects and two spellings of one endpoint: one budget.
        var questions = Enumerable.Range(0, Digests).Select(number => RemoteBench.Question(
            number % 2 == 0 ? _bench.StandIn.Url : $"{_bench.StandIn.Url}/", digest: Digest.Of(Encoding.UTF8.GetBytes($"{number}")), project: number % 3 == 0 ? "acme" : "other")).ToArray();

        var answers = await Task.WhenAll(questions.SelectMany(question => Enumerable.Repeat(question, 5)).Select(question => _bench.Remote.OfAsync(question, TestContext.Current.CancellationToken).AsTask()));

        Assert.All(answers, answer => Assert.Equal(failure, answer.Failure));
        TestContext.Current.SendDiagnosticMessage($"{answers.Length} questions about {Digests} digests made {_bench.StandIn.Calls.Count} calls, {_bench.Metrics.Retries} of them retries");
        Assert.InRange(_bench.StandIn.Calls.Count, Digests, Digests + RetryBudget.Reserve + (Digests / 10));
        Assert.Equal(_bench.StandIn.Calls.Count - Digests, _bench.Metrics.Retries);
    }

    [Fact, Trait("attack", "84")]
    public async Task Source_that_asks_to_be_left_alone_is_for_so_long_whatever_is_asked()
    {
        await using var bench = new RemoteBench();
        bench.Add();
        bench.StandIn.Fault = ContainerAnalysisFault.UnavailableForAWhile;
        Assert.Equal("Deny: EvidenceUnavailable CONTAINER_ANALYSIS:SERVER_ERROR", await bench.AnswerAsync());
        bench.StandIn.Fault = ContainerAnalysisFault.None;

        bench.Clock.Advance(TimeSpan.FromSeconds(7) - TimeSpan.FromTicks(1));
        Assert.Equal("Deny: EvidenceUnavailable CONTAINER_ANALYSIS:SERVER_ERROR", await bench.AnswerAsync());
        await bench.Remote.OfAsync(bench.Question(Digest.Of("other"u8)), TestContext.Current.CancellationToken);
        Assert.Single(bench.StandIn.Calls);

        bench.Clock.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal("Allow: Attested", await bench.AnswerAsync());
    }

    [Fact, Trait("attack", "92")]
    public async Task Source_that_asks_for_an_hour_is_asked_again_after_ten_seconds()
    {
        await using var bench = new RemoteBench();
        bench.Add();
        bench.StandIn.Fault = ContainerAnalysisFault.TooManyRequestsForLong;
        Assert.Equal("Deny: EvidenceUnavailable CONTAINER_ANALYSIS:RATE_LIMITED", await bench.AnswerAsync());
        bench.StandIn.Fault = ContainerAnalysisFault.None;

        bench.Clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("Allow: Attested", await bench.AnswerAsync());
    }
}
