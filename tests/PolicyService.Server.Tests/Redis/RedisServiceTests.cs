using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using PolicyService.Api.V1;
using PolicyService.Evidence.Caching;
using PolicyService.Tests.Redis;

namespace PolicyService.Server.Tests.Redis;

/// <summary>The service while its Redis is ill: the same verdicts, each before its deadline, one line for each change of state.</summary>
public sealed class RedisServiceTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);

    [Fact, Trait("attack", "92")]
    public async Task Verdicts_stay_right_and_in_time_through_every_illness()
    {
        using var redis = await RedisServer.StartAsync("one", ["--requirepass", "one", "--maxmemory-policy", "noeviction"]);
        using var signer = new Signer();
        await using var service = await StartAsync(DocumentsFolder.Standard(signer), $"{redis.Endpoint},password=one");
        var cache = service.Services.GetRequiredService<ISharedCache>();
        var (wrong, asked) = (new ConcurrentQueue<string>(), 0);
        using var ending = new CancellationTokenSource();
        var asking = Enumerable.Range(0, 2).Select(_ => Task.Run(
            async () =>
            {
                while (!ending.IsCancellationRequested)
                {
                    var number = Interlocked.Increment(ref asked);
                    // What an evaluation does with the cache, as far as there is something to fetch.
                    using var timer = new CancellationTokenSource(Deadline, TimeProvider.System);
                    cache.Set(CacheKey.Of("key", $"{number % 100}"), new byte[100], TimeSpan.FromMinutes(1));
                    if (await cache.GetAsync(CacheKey.Of("key", $"{number % 100}"), timer.Token) is { IsAuthenticated: false })
                    {
                        wrong.Enqueue("a value that nobody sealed");
                    }

                    var (image, verdict) = number % 2 == 0 ? (Ask.Attested, Verdict.Allow) : (Ask.Unattested, Verdict.Deny);
                    var response = await service.Client.EvaluateAsync(
                        Ask.For(image), deadline: TimeProvider.System.GetUtcNow().Add(Deadline).UtcDateTime, cancellationToken: TestContext.Current.CancellationToken);
                    if (response.Verdict != verdict || response.Stale)
                    {
                        wrong.Enqueue($"{response}");
                    }
                }
            },
            TestContext.Current.CancellationToken)).ToArray();
        await IsAsync(service, RedisState.Up);

        redis.Kill();
        await IsAsync(service, RedisState.Down);
        await redis.RestartAsync();
        await IsAsync(service, RedisState.Up);
        redis.Stop();
        await IsAsync(service, RedisState.Down);
        redis.Continue();
        await IsAsync(service, RedisState.Up);
        redis.Ask("CONFIG", "SET", "maxmemory", "1");
        await IsAsync(service, RedisState.Refusing);
        redis.Ask("FLUSHALL");
        redis.Ask("CONFIG", "SET", "maxmemory", "0");
        await IsAsync(service, RedisState.Up);
        using (var client = redis.Connect())
        {
            client.Ask("CONFIG", "SET", "requirepass", "two");
            client.Ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
            await IsAsync(service, RedisState.Down);
            client.Ask("CONFIG", "SET", "requirepass", "one");
        }

        await IsAsync(service, RedisState.Up);
        await ending.CancelAsync();
        await Task.WhenAll(asking);

        string[] lines = [.. service.Log.Lines.Where(line => line.Contains(" Redis ", StringComparison.Ordinal))];
        TestContext.Current.TestOutputHelper!.WriteLine($"{asked} decisions, {lines.Length} lines of log:\n{string.Join('\n', lines)}");
        Assert.Empty(wrong);
        Assert.All(lines.Zip(lines.Skip(1)), pair => Assert.NotEqual(pair.First, pair.Second));
        // Nine changes are made here; a machine that stands still may add some, requests by the thousand none.
        Assert.InRange(lines.Length, 9, 29);
        Assert.DoesNotContain(service.Log.Lines, line => line.Contains("RedisConnectionException", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Garbage_is_down_and_decisions_go_on()
    {
        await using var redis = new HostileRedis();
        redis.OnAnything = (_, _) => "HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray();
        using var signer = new Signer();
        await using var service = await StartAsync(DocumentsFolder.Standard(signer), redis.Endpoint);
        await IsAsync(service, RedisState.Down);

        Assert.Equal(Verdict.Allow, (await service.AskAsync(Ask.For(Ask.Attested))).Verdict);
        Assert.Equal(Verdict.Deny, (await service.AskAsync(Ask.For(Ask.Unattested))).Verdict);

        redis.OnAnything = (_, reply) => reply;
        await IsAsync(service, RedisState.Up);
    }

    /// <summary>Counted by the server itself. Evidence is local here, so a cold decision asks nothing either; what fetches raises its own bound.</summary>
    [Fact]
    public async Task Decision_asks_Redis_nothing_when_hot_and_at_most_once_when_cold()
    {
        using var redis = await RedisServer.StartAsync();
        using var signer = new Signer();
        await using var service = await StartAsync(DocumentsFolder.Standard(signer), redis.Endpoint);
        await IsAsync(service, RedisState.Up);

        var cold = await CommandsOfAsync(redis, async () => await service.AskAsync(Ask.For(Ask.Attested)));
        Assert.InRange(cold, 0, 1);

        Assert.Equal(0, await CommandsOfAsync(redis, async () =>
        {
            for (var asked = 0; asked < 1000; asked++)
            {
                Assert.Equal(Verdict.Allow, (await service.AskAsync(Ask.For(Ask.Attested))).Verdict);
            }
        }));
    }

    [Fact, Trait("attack", "98")]
    public async Task Labels_of_metrics_are_a_closed_set_whatever_is_asked_and_told()
    {
        await using var redis = new HostileRedis();
        using var signer = new Signer();
        await using var service = await StartAsync(DocumentsFolder.Standard(signer), redis.Endpoint);
        await IsAsync(service, RedisState.Up);
        var before = await SeriesAsync();
        var cache = service.Services.GetRequiredService<ISharedCache>();

        for (var index = 0; index < 200; index++)
        {
            redis.OnRead = key => HostileRedis.Bulk(System.Text.Encoding.ASCII.GetBytes(key));
            await cache.GetAsync(CacheKey.Of("key", $"caller {index}"), TestContext.Current.CancellationToken);
            await redis.TellAsync(System.Text.Encoding.ASCII.GetBytes($"outcome {index}"));
        }

        Assert.Equal(before, await SeriesAsync());

        async Task<string[]> SeriesAsync() => [.. (await service.MetricsAsync()).Series
            .Where(series => series.StartsWith("policyservice_cache", StringComparison.Ordinal) || series.StartsWith("policyservice_bell", StringComparison.Ordinal) || series.StartsWith("policyservice_redis", StringComparison.Ordinal))
            .Select(series => series[..series.LastIndexOf(' ')]).Order(StringComparer.Ordinal)];
    }

    private static async Task<long> CommandsOfAsync(RedisServer redis, Func<Task> action)
    {
        var before = CacheCommands(redis);
        await action();
        return CacheCommands(redis) - before;
    }

    /// <summary>Commands that a cache could use; the client library's own (PING, INFO) come from a timer and not from decisions.</summary>
    private static long CacheCommands(RedisServer redis) =>
        new[] { "get", "mget", "getrange", "getex", "hget", "hgetall", "exists", "eval", "evalsha", "set", "setex", "psetex", "mset", "publish" }.Sum(redis.Calls);

    private static Task<TestServer> StartAsync(DocumentsFolder documents, string redis)
    {
        File.WriteAllText(documents.Beside("fleet"), "0123456789abcdef0123456789abcdef");
        return TestServer.StartAsync(documents, more: ["--Redis:Connection", redis, "--Redis:FleetKeyFile", documents.Beside("fleet")]);
    }

    private static Task<TimeSpan> IsAsync(TestServer service, RedisState state) =>
        Eventually.Holds($"Redis is {state}", () => service.Services.GetRequiredService<RedisLink>().State == state);
}
