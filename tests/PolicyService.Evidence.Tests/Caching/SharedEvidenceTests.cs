using PolicyService.Core;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Caching;
using PolicyService.Tests.Redis;

namespace PolicyService.Evidence.Tests.Caching;

public sealed class SharedEvidenceTests
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);
    private static readonly DateTimeOffset Start = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>Everything that evidence depends on, each changed alone.</summary>
    public static TheoryData<string, EvidenceQuestion> Others => new()
    {
        { "project", TestLink.Question(project: "other") },
        { "source", TestLink.Question() with { Source = EvidenceSource.Registry } },
        { "configuration", TestLink.Question(configuration: "store 2") },
        { "note", TestLink.Question(note: "other") },
        { "image", TestLink.Question(image: "other") },
        { "parts moved over", TestLink.Question(project: "acmestore", configuration: " 1") },
    };

    [Fact, Trait("attack", "91")]
    public async Task Hit_gives_the_bytes_that_were_fetched()
    {
        using var server = await RedisServer.StartAsync();
        await using var one = new TestLink(server.Endpoint);
        await using var other = new TestLink(server.Endpoint);
        var fetched = new FetchedEvidence(3, TimeProvider.System.GetUtcNow(), Enumerable.Range(0, 100_000).Select(index => (byte)index).ToArray());
        await OfferAsync(one, TestLink.Question(), fetched);

        await other.IsAsync(RedisState.Up);
        var found = await AskAsync(other, TestLink.Question(), 3);

        Assert.NotNull(found);
        Assert.Equal(fetched.Content.ToArray(), found.Content.ToArray());
        Assert.Equal((3, fetched.FetchedAt.ToUnixTimeMilliseconds()), (found.Generation, found.FetchedAt.ToUnixTimeMilliseconds()));
    }

    [Theory, MemberData(nameof(Others)), Trait("attack", "90")]
    public async Task Evidence_never_answers_another_question_even_where_Redis_says_so(string what, EvidenceQuestion other)
    {
        await using var redis = new HostileRedis();
        await using var link = new TestLink(redis.Endpoint);
        await OfferAsync(link, TestLink.Question(), new FetchedEvidence(3, TimeProvider.System.GetUtcNow(), new byte[] { 1 }));
        var (key, value) = redis.Stored.Single();
        redis.OnRead = _ => HostileRedis.Bulk(value);

        Assert.NotNull(await AskAsync(link, TestLink.Question(), 3));
        Assert.NotEqual(key, other.Key.ToString());
        Assert.True(await AskAsync(link, other, 3) is null, what);
        Assert.Equal(1, link.Counters.Of(CacheLevel.Redis, CacheOutcome.Lie));
    }

    /// <summary>
    /// ATTACKS 93 as far as Redis can be blamed: it keeps the genuine, sealed evidence from before an attestation was deleted, and gives
    /// it back for ever. The generation that every replica learns by polling is what refuses it.
    /// </summary>
    [Fact, Trait("attack", "93")]
    public async Task Deleted_attestation_does_not_come_back_by_a_replay()
    {
        await using var redis = new HostileRedis();
        await using var link = new TestLink(redis.Endpoint);
        await OfferAsync(link, TestLink.Question(), new FetchedEvidence(7, TimeProvider.System.GetUtcNow(), "attested"u8.ToArray()));
        var (_, replay) = redis.Stored.Single();
        redis.OnRead = _ => HostileRedis.Bulk(replay);
        Assert.NotNull(await AskAsync(link, TestLink.Question(), 7));

        // The deletion raised the generation. What Redis says is genuine, in time, under its own key, and old.
        Assert.Null(await AskAsync(link, TestLink.Question(), 8));
        Assert.Equal(1, link.Counters.Of(CacheLevel.Redis, CacheOutcome.Stale));

        // The evidence without it takes its place, and the replay stays a miss.
        await OfferAsync(link, TestLink.Question(), new FetchedEvidence(8, TimeProvider.System.GetUtcNow(), "nothing"u8.ToArray()));
        Assert.Null(await AskAsync(link, TestLink.Question(), 8));
        redis.OnRead = _ => HostileRedis.Bulk(redis.Stored.Last().Value);
        Assert.Equal("nothing"u8.ToArray(), (await AskAsync(link, TestLink.Question(), 8))!.Content.ToArray());
    }

    [Theory]
    [InlineData(0, 300, true)]
    [InlineData(299, 300, true)]
    [InlineData(300, 300, false)]
    [InlineData(59, 60, true)]
    [InlineData(60, 60, false)]
    [InlineData(-5, 300, true)]
    [InlineData(-6, 300, false)]
    [InlineData(300, 3600, false)]
    public async Task Evidence_counts_from_its_fetch_until_it_is_too_old_for_either_side(int age, int maxAge, bool counts)
    {
        await using var redis = new HostileRedis();
        await using var link = new TestLink(redis.Endpoint, time: new StoppedCalendar(Start));
        await OfferAsync(link, TestLink.Question(), new FetchedEvidence(0, Start, new byte[] { 1 }));
        redis.OnRead = _ => HostileRedis.Bulk(redis.Stored.Single().Value);

        await using var other = new TestLink(redis.Endpoint, time: new StoppedCalendar(Start.AddSeconds(age)));
        await other.IsAsync(RedisState.Up);
        var found = await other.Evidence.GetAsync(TestLink.Question(), 0, TimeSpan.FromSeconds(maxAge), TestContext.Current.CancellationToken);

        Assert.Equal(counts, found is not null);
    }

    [Fact]
    public async Task What_is_too_large_or_too_old_is_not_offered()
    {
        await using var redis = new HostileRedis();
        await using var link = new TestLink(redis.Endpoint);
        await link.IsAsync(RedisState.Up);
        var now = TimeProvider.System.GetUtcNow();
        link.Evidence.Offer(TestLink.Question("large"), new FetchedEvidence(0, now, new byte[Limits.SharedValueBytes - Seal.Overhead + 1]), Lifetime);
        link.Evidence.Offer(TestLink.Question("old"), new FetchedEvidence(0, now - Lifetime, new byte[1]), Lifetime);

        await OfferAsync(link, TestLink.Question("largest"), new FetchedEvidence(0, now, new byte[Limits.SharedValueBytes - Seal.Overhead]));

        Assert.Equal(TestLink.Question("largest").Key.ToString(), Assert.Single(redis.Stored).Key);
        redis.OnRead = _ => HostileRedis.Bulk(redis.Stored.Single().Value);
        Assert.NotNull(await AskAsync(link, TestLink.Question("largest"), 0));
    }

    [Fact]
    public async Task Without_Redis_or_fleet_key_there_is_none()
    {
        var evidence = new SharedEvidence(null, Fleet.Key(), new CacheCounters(), TimeProvider.System);
        evidence.Offer(TestLink.Question(), new FetchedEvidence(0, TimeProvider.System.GetUtcNow(), new byte[1]), Lifetime);

        Assert.Null(await evidence.GetAsync(TestLink.Question(), 0, Lifetime, TestContext.Current.CancellationToken));
    }

    private static async Task<FetchedEvidence?> AskAsync(TestLink link, EvidenceQuestion question, long generation) =>
        await link.Evidence.GetAsync(question, generation, Lifetime, TestContext.Current.CancellationToken);

    private static async Task OfferAsync(TestLink link, EvidenceQuestion question, FetchedEvidence fetched)
    {
        await link.IsAsync(RedisState.Up);
        var before = link.Counters.Of(CacheWrite.Stored);
        link.Evidence.Offer(question, fetched, Lifetime);
        await Eventually.Holds("it is stored", () => link.Counters.Of(CacheWrite.Stored) > before);
    }

    /// <summary>The time of day stands still, timers run.</summary>
    private sealed class StoppedCalendar(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
