using PolicyService.Core.Images;
using PolicyService.Evidence.Caching;
using PolicyService.Evidence.Grafeas;
using PolicyService.Evidence.Remote;
using PolicyService.Evidence.Tests.Caching;
using PolicyService.Tests.ContainerAnalysis;
using PolicyService.Tests.Redis;

namespace PolicyService.Evidence.Tests.Grafeas;

/// <summary>A fleet asks a source once: what one replica read the others take from Redis, and verify themselves. Round trips as Redis counts them.</summary>
public sealed class RemoteSharedTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact, Trait("attack", "91")]
    public async Task Second_replica_asks_Redis_once_and_the_source_never_and_verifies_itself()
    {
        using var redis = await RedisServer.StartAsync();
        await using var one = await Replica.StartAsync(redis);
        one.Bench.Add();
        Assert.Equal("Allow: Attested", await one.AnswerAsync());
        await one.StoredAsync();
        await using var other = await Replica.StartAsync(redis, one.Bench);

        var before = redis.Calls("getrange");
        Assert.Equal("Allow: Attested", await other.AnswerAsync());
        Assert.Equal(1, redis.Calls("getrange") - before);
        for (var hot = 0; hot < 100; hot++)
        {
            Assert.Equal("Allow: Attested", await other.AnswerAsync());
        }

        Assert.Equal(1, redis.Calls("getrange") - before);
        Assert.Single(one.Bench.StandIn.Calls);
        Assert.Equal(1, other.Bench.Evaluation.Check.Count);
        Assert.Equal((1, 0), (other.Bench.Metrics.Of(RemoteLevel.Redis), other.Bench.Metrics.Of(RemoteLevel.Source)));
    }

    [Fact]
    public async Task Cold_decision_reads_Redis_once_and_a_second_look_not_at_all()
    {
        using var redis = await RedisServer.StartAsync();
        await using var one = await Replica.StartAsync(redis);
        var before = redis.Calls("getrange");

        Assert.Equal("Deny: DeniedByAttestor NO_ATTESTATION", await one.AnswerAsync());
        one.Bench.Clock.Advance(TimeSpan.FromSeconds(1));
        await one.AnswerAsync();

        Assert.Equal((1, 2), (redis.Calls("getrange") - before, one.Bench.StandIn.Calls.Count));
    }

    [Fact, Trait("attack", "93")]
    public async Task Answer_in_Redis_is_as_old_as_its_reading_and_ends_with_it()
    {
        using var redis = await RedisServer.StartAsync();
        await using var one = await Replica.StartAsync(redis);
        var name = one.Bench.Add();
        await one.AnswerAsync();
        await one.StoredAsync();
        one.Bench.StandIn.Delete(name);
        await using var other = await Replica.StartAsync(redis, one.Bench);
        other.Bench.Clock.Advance(TimeSpan.FromMinutes(4));
        Assert.Equal("Allow: Attested", await other.AnswerAsync());

        // Four minutes it was in Redis, so one more it may stay in the process.
        other.Bench.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("Deny: DeniedByAttestor NO_ATTESTATION", await other.AnswerAsync());
    }

    [Fact, Trait("attack", "92")]
    public async Task Absence_in_Redis_is_asked_about_again_before_it_denies()
    {
        // Redis ends a value by its own clock, which no test moves.
        var patient = new RemoteLifetimes { Negative = TimeSpan.FromMinutes(5) };
        using var redis = await RedisServer.StartAsync();
        await using var one = await Replica.StartAsync(redis, lifetimes: patient);
        await one.AnswerAsync();
        await one.StoredAsync();
        one.Bench.Add();
        await using var other = await Replica.StartAsync(redis, one.Bench, patient);

        Assert.Equal("Allow: Attested", await other.AnswerAsync());
        Assert.Equal((1, 1), (other.Bench.Metrics.Of(RemoteLevel.Redis), other.Bench.Metrics.Of(RemoteLevel.Source)));

        await using var late = await Replica.StartAsync(redis, one.Bench, patient);
        late.Bench.Clock.Advance(TimeSpan.FromMinutes(5));
        await late.AnswerAsync();
        Assert.Equal(1, late.Bench.Metrics.Of(RemoteLevel.Source));
    }

    [Fact]
    public async Task Failures_and_cut_lists_are_nobody_elses()
    {
        using var redis = await RedisServer.StartAsync();
        await using var one = await Replica.StartAsync(redis);
        one.Bench.StandIn.Fault = ContainerAnalysisFault.Forbidden;
        await one.AnswerAsync();
        one.Bench.StandIn.Fault = ContainerAnalysisFault.Endless;
        one.Bench.Clock.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal("Deny: EvidenceLimit OCCURRENCES_PER_DIGEST", await one.AnswerAsync());

        Assert.Equal(0, one.Link.Counters.Of(CacheWrite.Stored) + one.Link.Counters.Of(CacheWrite.Dropped));
    }

    [Fact, Trait("attack", "92")]
    public async Task Redis_that_is_gone_costs_nothing_but_the_question()
    {
        var redis = await RedisServer.StartAsync();
        await using var one = await Replica.StartAsync(redis);
        redis.Dispose();
        one.Bench.Add();

        Assert.Equal("Allow: Attested", await one.AnswerAsync());
        Assert.Single(one.Bench.StandIn.Calls);
    }

    [Fact]
    public async Task Several_notes_are_one_look_each_and_all_at_once()
    {
        using var redis = await RedisServer.StartAsync();
        await using var one = await Replica.StartAsync(redis);
        var gate = new TaskCompletionSource();
        one.Bench.StandIn.Gate = gate.Task;
        var before = redis.Calls("getrange");

        var asked = Enumerable.Range(0, 5).Select(number => one.Bench.Remote.OfAsync(
            one.Bench.Question(Digest.Of([1])) with { Parent = OccurrenceParent.Of(Attestations.Note($"n{number}")) }, Cancellation).AsTask()).ToArray();

        // None waits for the answer to another.
        await Eventually.Holds("all are asked", () => one.Bench.StandIn.Calls.Count == 5);
        gate.SetResult();
        await Task.WhenAll(asked);
        Assert.Equal(5, redis.Calls("getrange") - before);
    }

    /// <summary>A process of the fleet.</summary>
    private sealed class Replica(TestLink link, RemoteBench bench) : IAsyncDisposable
    {
        public TestLink Link => link;

        public RemoteBench Bench => bench;

        /// <param name="redis">The fleet's.</param>
        /// <param name="like">Has the same source and keys.</param>
        /// <param name="lifetimes">Those of a service, if not others.</param>
        public static async Task<Replica> StartAsync(RedisServer redis, RemoteBench? like = null, RemoteLifetimes? lifetimes = null)
        {
            // The library's own timers need a clock that moves; what is sealed is judged by the clock of the test.
            var link = new TestLink(redis.Endpoint);
            await link.IsAsync(RedisState.Up);
            var clock = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(Attestations.Start.AddHours(1));
            var bench = new RemoteBench(new SharedEvidence(link.Link, Fleet.Key(), link.Counters, clock), time: clock, lifetimes: lifetimes);
            if (like is not null)
            {
                (bench.Evaluation.Options, bench.Evaluation.Keys) = (like.Evaluation.Options, like.Evaluation.Keys);
            }

            return new Replica(link, bench);
        }

        public Task<string> AnswerAsync() => bench.AnswerAsync();

        public Task<TimeSpan> StoredAsync() => Eventually.Holds("it is stored", () => link.Counters.Of(CacheWrite.Stored) > 0);

        public async ValueTask DisposeAsync()
        {
            await bench.DisposeAsync();
            await link.DisposeAsync();
        }
    }
}
