using PolicyService.Api.V1;
using PolicyService.Server.Tests.Process;
using PolicyService.Tests.Redis;

namespace PolicyService.Server.Tests.Redis;

/// <summary>
/// SEMANTICS section 5: two server processes on one directory; a change counts on both within 1 s, whatever Redis does. Measured and
/// printed; asserted at five times the bound, and by the order of events: once a replica denies, it never allows again.
/// </summary>
public sealed class ChangeTests : IDisposable
{
    private const int Rounds = 5;
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(5);
    private readonly Signer _signer = new();
    private readonly DocumentsFolder _documents;

    public ChangeTests()
    {
        _documents = DocumentsFolder.Standard(_signer);
        File.WriteAllText(_documents.Beside("fleet"), "0123456789abcdef0123456789abcdef");
    }

    [Fact, Trait("attack", "93")]
    public async Task Removed_key_counts_on_neither_with_Redis_healthy()
    {
        using var redis = await RedisServer.StartAsync();
        await using var one = await StartAsync(redis.Endpoint);
        await using var other = await StartAsync(redis.Endpoint);
        await IsUpAsync(one);
        await IsUpAsync(other);

        await RemoveAndReturnAsync("healthy", one, other);

        // Both polled on their own; some round, the one rang before the other had looked.
        await Eventually.Holds("a bell was heard", async () =>
        {
            await RemoveAndReturnAsync("healthy, until a bell is heard", one, other, 1);
            return await HeardAsync(one) + await HeardAsync(other) > 0;
        });
    }

    [Fact, Trait("attack", "93")]
    public async Task Removed_key_counts_on_neither_with_Redis_partitioned()
    {
        using var redis = await RedisServer.StartAsync();
        await using var proxy = new CutProxy(redis.Port);
        await using var one = await StartAsync(proxy.Endpoint);
        await using var other = await StartAsync(redis.Endpoint);
        await IsUpAsync(one);
        await IsUpAsync(other);

        proxy.IsCut = true;
        await RemoveAndReturnAsync("partitioned", one, other);
    }

    [Fact, Trait("attack", "93")]
    public async Task Removed_key_counts_on_neither_with_Redis_silent()
    {
        using var redis = await RedisServer.StartAsync();
        await using var one = await StartAsync(redis.Endpoint);
        await using var other = await StartAsync(redis.Endpoint);
        await IsUpAsync(one);
        await IsUpAsync(other);

        redis.Stop();
        await RemoveAndReturnAsync("silent", one, other);
        redis.Continue();
    }

    [Fact, Trait("attack", "93")]
    public async Task Removed_key_counts_on_neither_with_Redis_replaying_old_messages()
    {
        await using var redis = new HostileRedis();
        await using var one = await StartAsync(redis.Endpoint);
        await using var other = await StartAsync(redis.Endpoint);
        await IsUpAsync(one);
        await IsUpAsync(other);
        // It keeps every bell for itself, and rings old ones and inventions of its own all the time.
        using var ending = new CancellationTokenSource();
        var replaying = Task.Run(
            async () =>
            {
                while (!ending.IsCancellationRequested)
                {
                    foreach (var message in redis.Published.ToArray().Append("removed: nothing"u8.ToArray()))
                    {
                        await redis.TellAsync(message);
                    }

                    await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, CancellationToken.None);
                }
            },
            TestContext.Current.CancellationToken);

        await RemoveAndReturnAsync("replaying", one, other);

        await ending.CancelAsync();
        await replaying;
    }

    [Fact, Trait("attack", "93")]
    public async Task Deleted_attestation_counts_on_neither_with_Redis_gone()
    {
        using var redis = await RedisServer.StartAsync();
        await using var one = await StartAsync(redis.Endpoint);
        await using var other = await StartAsync(redis.Endpoint);
        await IsUpAsync(one);
        redis.Kill();
        await Task.WhenAll(DecidesAsync(one, Verdict.Allow), DecidesAsync(other, Verdict.Allow));

        _documents.Delete("attestations/api.json");

        await Task.WhenAll(DecidesAsync(one, Verdict.Deny), DecidesAsync(other, Verdict.Deny));
    }

    public void Dispose()
    {
        _documents.Dispose();
        _signer.Dispose();
    }

    private Task<ServerProcess> StartAsync(string redis) => ServerProcess.StartAsync(
        _documents, "--Audit:File", _documents.Beside($"{Guid.NewGuid():n}.jsonl"), "--Redis:Connection", redis, "--Redis:FleetKeyFile", _documents.Beside("fleet"));

    private async Task RemoveAndReturnAsync(string what, ServerProcess one, ServerProcess other, int rounds = Rounds)
    {
        var times = new List<TimeSpan>();
        for (var round = 0; round < rounds; round++)
        {
            await Task.WhenAll(DecidesAsync(one, Verdict.Allow), DecidesAsync(other, Verdict.Allow));

            _documents.Write("attestors/build.yaml", _signer.Document(withKey: false));
            times.AddRange(await Task.WhenAll(DecidesAsync(one, Verdict.Deny), DecidesAsync(other, Verdict.Deny)));
            for (var asked = 0; asked < 20; asked++)
            {
                Assert.Equal((Verdict.Deny, Verdict.Deny), (await AskAsync(one), await AskAsync(other)));
            }

            _documents.Write("attestors/build.yaml", _signer.Document());
        }

        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{what}: {times.Count} removals counted after {times.Min().TotalMilliseconds:F0} to {times.Max().TotalMilliseconds:F0} ms, on average {times.Average(time => time.TotalMilliseconds):F0} ms (bound 1000 ms)");
        Assert.All(times, time => Assert.True(time < Bound, $"{what}: {time}"));
    }

    private static Task<TimeSpan> DecidesAsync(ServerProcess server, Verdict verdict) =>
        Eventually.Holds($"it decides {verdict}", async () => await AskAsync(server) == verdict);

    private static async Task<Verdict> AskAsync(ServerProcess server) =>
        (await server.Client.EvaluateAsync(Ask.For(Ask.Attested), cancellationToken: TestContext.Current.CancellationToken)).Verdict;

    private static async Task<double> HeardAsync(ServerProcess server) =>
        (await MetricsAsync(server)).Sum("policyservice_bell_messages_total", "outcome=\"heard\"");

    private static Task<TimeSpan> IsUpAsync(ServerProcess server) =>
        Eventually.Holds("Redis is up", async () => (await MetricsAsync(server)).Sum("policyservice_redis_up") == 1);

    private static async Task<MetricsPage> MetricsAsync(ServerProcess server) =>
        new(await server.Http.GetStringAsync("/metrics", TestContext.Current.CancellationToken));
}
