using PolicyService.Evidence.Http;
using PolicyService.Evidence.Keys;
using PolicyService.Tests.Kms;

namespace PolicyService.Evidence.Tests.Keys;

/// <summary>Retries help against a hiccup and must not feed a storm (ATTACK 84).</summary>
public sealed class RetryTests : IAsyncDisposable
{
    private readonly KmsBench _bench = new(lifetimes: new KeyLifetimes { Negative = TimeSpan.FromHours(1) });

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    [Theory]
    [InlineData(KmsFault.TooManyRequests)]
    [InlineData(KmsFault.ServerError)]
    [InlineData(KmsFault.Unavailable)]
    public async Task Hiccup_is_retried_and_healed(KmsFault fault)
    {
        _bench.StandIn.FaultOf = _ => _bench.StandIn.Calls.Count < ApiTransport.Attempts ? fault : KmsFault.None;

        Assert.Equal("FOUND", await _bench.AskAsync());
        Assert.Equal((ApiTransport.Attempts, ApiTransport.Attempts - 1), (_bench.StandIn.Calls.Count, _bench.Metrics.Retries));
    }

    [Theory]
    [InlineData(KmsFault.Forbidden)]
    [InlineData(KmsFault.NotFound)]
    [InlineData(KmsFault.Truncated)]
    [InlineData(KmsFault.WrongChecksum)]
    [InlineData(KmsFault.OtherKey)]
    [InlineData(KmsFault.TooManyRequestsForLong)]
    public async Task What_no_retry_mends_is_asked_once(KmsFault fault)
    {
        _bench.StandIn.Fault = fault;

        Assert.NotEqual("FOUND", await _bench.AskAsync());
        Assert.Single(_bench.StandIn.Calls);
    }

    /// <summary>The HTTP library sends a request again by itself, up to three times, when the connection ends before any answer.</summary>
    [Fact]
    public async Task Connection_that_ends_is_tried_a_few_times_at_most()
    {
        _bench.StandIn.Fault = KmsFault.Hangup;

        Assert.Equal("CONNECTION", await _bench.AskAsync());
        Assert.InRange(_bench.StandIn.Calls.Count, 1, 4);
    }

    [Theory]
    [InlineData(KmsFault.TooManyRequests, "RATE_LIMITED")]
    [InlineData(KmsFault.ServerError, "SERVER_ERROR")]
    [Trait("attack", "84")]
    public async Task Storm_is_not_amplified(KmsFault fault, string failure)
    {
        const int Keys = 300;
        var remotes = Enumerable.Range(1, Keys).Select(number => $"{KmsBench.Ring}k/cryptoKeyVersions/{number}")
            .Select(resource => KmsBench.RemoteOf(resource, _bench.StandIn.Add(resource))).ToArray();
        _bench.StandIn.Fault = fault;

        var words = await Task.WhenAll(remotes.SelectMany(remote => Enumerable.Repeat(remote, 5)).Select(_bench.AskAsync));

        Assert.All(words, word => Assert.Equal(failure, word));
        TestContext.Current.SendDiagnosticMessage($"{words.Length} questions about {Keys} keys made {_bench.StandIn.Calls.Count} calls, {_bench.Metrics.Retries} of them retries");
        Assert.InRange(_bench.StandIn.Calls.Count, Keys, Keys + RetryBudget.Reserve + (Keys / 10));
        Assert.Equal(_bench.StandIn.Calls.Count - Keys, _bench.Metrics.Retries);

        // While it is remembered nobody asks again, however many want to know.
        var before = _bench.StandIn.Calls.Count;
        Assert.All(remotes, remote => Assert.True(_bench.Cache.IsKnown(remote)));
        Assert.Equal(before, _bench.StandIn.Calls.Count);
    }

    [Fact]
    [Trait("attack", "84")]
    public void Budget_gives_its_reserve_and_then_a_tenth()
    {
        var budget = new RetryBudget();
        Assert.Equal(RetryBudget.Reserve, Enumerable.Range(0, 1000).Count(_ => budget.TrySpend()));

        var spent = 0;
        for (var call = 0; call < 1000; call++)
        {
            budget.Earn();
            spent += budget.TrySpend() ? 1 : 0;
        }

        Assert.Equal(100, spent);
    }
}
