using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using PolicyService.Api.V1;
using PolicyService.Evidence.Caching;
using PolicyService.Server.Caching;
using PolicyService.Server.Policies;
using PolicyService.Tests.Redis;

namespace PolicyService.Server.Tests.Redis;

public sealed class BellTests
{
    private static readonly byte[] Secret = "0123456789abcdef0123456789abcdef"u8.ToArray();
    private static readonly DateTimeOffset Now = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);

    public static TheoryData<string, BellOutcome> Messages => new()
    {
        { "genuine", BellOutcome.Heard },
        { "empty", BellOutcome.Forged },
        { "text", BellOutcome.Forged },
        { "cut", BellOutcome.Forged },
        { "lengthened", BellOutcome.Forged },
        { "bit", BellOutcome.Forged },
        { "time changed", BellOutcome.Forged },
        { "another fleet", BellOutcome.Forged },
        { "no fleet", BellOutcome.Forged },
        { "59 s old", BellOutcome.Heard },
        { "61 s old", BellOutcome.Old },
        { "61 s ahead", BellOutcome.Old },
    };

    [Theory, MemberData(nameof(Messages))]
    public void Only_a_fresh_bell_of_the_fleet_is_heard(string kind, BellOutcome expected)
    {
        var genuine = Rung(Secret, Now);
        var message = kind switch
        {
            "genuine" => genuine,
            "empty" => [],
            "text" => "ring"u8.ToArray(),
            "cut" => genuine[..^1],
            "lengthened" => [.. genuine, 0],
            "bit" => [.. genuine[..^1], (byte)(genuine[^1] ^ 1)],
            "time changed" => [.. genuine[..20], (byte)(genuine[20] ^ 1), .. genuine[21..]],
            "another fleet" => Rung([.. Secret, 1], Now),
            "no fleet" => Rung(null, Now),
            "59 s old" => Rung(Secret, Now.AddSeconds(-59)),
            "61 s old" => Rung(Secret, Now.AddSeconds(-61)),
            _ => Rung(Secret, Now.AddSeconds(61)),
        };
        using var replica = new Replica(Secret, Now);

        replica.Bell.Hear(message);

        Assert.Equal(1, replica.Counters.Of(expected));
        Assert.Equal(expected is BellOutcome.Heard, replica.IsRaised);
    }

    [Fact]
    public void Own_bell_is_not_heard()
    {
        using var replica = new Replica(Secret, Now);

        replica.Bell.Hear(replica.Bell.Message());

        Assert.All(Enum.GetValues<BellOutcome>(), outcome => Assert.Equal(0, replica.Counters.Of(outcome)));
        Assert.False(replica.IsRaised);
    }

    [Fact]
    public void Without_a_fleet_key_any_message_is_a_bell_and_no_more()
    {
        using var replica = new Replica(null, Now);

        replica.Bell.Hear("delete everything"u8.ToArray());

        Assert.True(replica.IsRaised);
    }

    [Fact]
    public void Fleets_have_channels_of_their_own()
    {
        string[] channels = [Channel(null), Channel(Secret), Channel([.. Secret, 1])];

        Assert.Equal(3, channels.Distinct().Count());
        Assert.Equal(channels[1], Channel(Secret));
        Assert.All(channels, channel => Assert.StartsWith("ps:1:bell", channel, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Storm_of_bells_costs_a_look_every_50_ms_and_hides_no_change()
    {
        await using var service = await TestServer.StartAsync(DocumentsFolder.Fixed("ALWAYS_ALLOW"));
        var watcher = service.Services.GetServices<IHostedService>().OfType<DocumentsWatcher>().Single();
        var signal = service.Services.GetRequiredService<PollSignal>();
        using var ending = new CancellationTokenSource();
        var storm = Task.Run(
            () =>
            {
                while (!ending.IsCancellationRequested)
                {
                    signal.Raise();
                    Thread.Yield();
                }
            },
            TestContext.Current.CancellationToken);
        var (started, before) = (TimeProvider.System.GetTimestamp(), watcher.Looks);

        service.Documents.Write("policy.yaml", DocumentsFolder.FixedPolicy("ALWAYS_DENY"));
        var seen = await Eventually.Holds("the change counts", async () => (await service.AskAsync(Ask.For(Ask.Attested))).Verdict == Verdict.Deny);
        await Eventually.Holds("the storm is on", () => watcher.Looks - before > 40);
        var looks = watcher.Looks - before;
        var elapsed = TimeProvider.System.GetElapsedTime(started);
        await ending.CancelAsync();
        await storm;

        TestContext.Current.TestOutputHelper!.WriteLine($"storm: {looks} looks in {elapsed.TotalMilliseconds:F0} ms, the change counted after {seen.TotalMilliseconds:F0} ms");
        Assert.True(looks <= (elapsed.TotalMilliseconds / 50) + (elapsed.TotalMilliseconds / 500) + 3, $"{looks} in {elapsed}");
        Assert.True(seen < TimeSpan.FromSeconds(5), $"{seen}");
    }

    [Fact]
    public async Task Bell_is_rung_by_who_finds_a_change_by_itself_and_not_by_who_was_told()
    {
        await using var redis = new HostileRedis();
        await using var service = await TestServer.StartAsync(DocumentsFolder.Fixed("ALWAYS_ALLOW"), more: ["--Redis:Connection", redis.Endpoint]);
        await Eventually.Holds("it listens", () => redis.HasListeners && service.Services.GetRequiredService<RedisLink>().State is RedisState.Up);
        var version = 0;
        await Eventually.Holds("a change that the timer finds is told", () =>
        {
            service.Documents.Write("options.yaml", $"{{maxSnapshotAge: {++version}h}}");
            return Task.FromResult(!redis.Published.IsEmpty);
        });

        var counters = service.Services.GetRequiredService<BellCounters>();
        Assert.Equal(0, counters.Of(BellOutcome.Heard));
        await redis.TellAsync("look"u8.ToArray());
        await Eventually.Holds("the bell is heard", () => counters.Of(BellOutcome.Heard) == 1);
    }

    private static byte[] Rung(byte[]? secret, DateTimeOffset at)
    {
        using var replica = new Replica(secret, at);
        return replica.Bell.Message();
    }

    private static string Channel(byte[]? secret)
    {
        using var replica = new Replica(secret, Now);
        return replica.Bell.Channel;
    }

    /// <summary>A bell that is not connected to anything.</summary>
    private sealed class Replica : IDisposable
    {
        private readonly PollSignal _signal = new();

        public Replica(byte[]? secret, DateTimeOffset now)
        {
            var settings = RedisSettings.Read("127.0.0.1:1", null, null, out _)!;
            var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(now);
            var link = new RedisLink(settings, new CacheCounters(), time);
            Bell = new RedisBell(link, new RedisSetup(settings, secret is null ? null : new FleetKey(secret), []), _signal, Counters, time);
        }

        public RedisBell Bell { get; }

        public BellCounters Counters { get; } = new();

        public bool IsRaised => _signal.WaitAsync(CancellationToken.None).IsCompleted;

        public void Dispose() => _signal.Dispose();
    }
}
