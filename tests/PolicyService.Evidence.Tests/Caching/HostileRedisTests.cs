using System.Text;
using PolicyService.Evidence.Caching;
using PolicyService.Tests.Redis;

namespace PolicyService.Evidence.Tests.Caching;

/// <summary>A Redis that lies at will. It may cost time; nothing it says that no replica stored, there and then, is ever believed.</summary>
public sealed class HostileRedisTests
{
    private const int Lies = 10_000;
    private const int Questions = 8;

    /// <summary>Set it to play a failed run again.</summary>
    private static int Seed => Environment.GetEnvironmentVariable("HOSTILE_SEED") is { Length: > 0 } text ? int.Parse(text, System.Globalization.CultureInfo.InvariantCulture) : Random.Shared.Next();

    [Fact, Trait("attack", "88"), Trait("attack", "90"), Trait("attack", "91"), Trait("attack", "93")]
    public async Task Ten_thousand_lies_and_none_is_believed()
    {
        var seed = Seed;
        var random = new Random(seed);
        await using var redis = new HostileRedis();
        await using var link = new TestLink(redis.Endpoint);
        await using var stranger = new TestLink(redis.Endpoint, fleet: 2);
        var store = new List<string>();
        var told = new Dictionary<string, int>();
        var (generation, believed, wrong) = (0L, 0, new List<string>());
        byte[]? truth = null;
        redis.OnRead = _ => Lie(random, redis, truth, told);
        await link.IsAsync(RedisState.Up);
        await stranger.IsAsync(RedisState.Up);

        for (var turn = 0; turn < Lies; turn++)
        {
            if (turn % 50 == 0)
            {
                // An attestation is deleted, or another added: everything fetched before is of an older generation.
                generation++;
                store = [.. Enumerable.Range(0, Questions).Select(image => $"image {image}: attestations {random.Next(3)} at {generation}")];
                // What another fleet stores comes first, so that the last is true.
                await StoreAsync(stranger, generation, [.. store.Select(text => text + ", forged")]);
                await StoreAsync(link, generation, store);
            }

            var asked = random.Next(Questions);
            var name = TestLink.Question($"{asked}").Key.ToString();
            truth = redis.Stored.Last(stored => stored.Key == name).Value;
            if (random.Next(2) == 0)
            {
                var found = await link.Evidence.GetAsync(TestLink.Question($"{asked}"), generation, TimeSpan.FromMinutes(5), TestContext.Current.CancellationToken);
                if (found is not null)
                {
                    believed++;
                    var text = Encoding.UTF8.GetString(found.Content.Span);
                    if (text != store[asked] || found.Generation != generation)
                    {
                        wrong.Add($"turn {turn}: {text} instead of {store[asked]}");
                    }
                }
            }
            else if (await link.GetAsync($"{asked}") is { } key)
            {
                // Evidence under the name of a key, above all.
                wrong.Add($"turn {turn}: a key of {key.Length} bytes that nobody ever stored");
            }
        }

        var counts = string.Join(", ", told.OrderBy(kind => kind.Key, StringComparer.Ordinal).Select(kind => $"{kind.Value} {kind.Key}"));
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}: {Lies} answers ({counts}), {believed} believed, {wrong.Count} of them wrongly; {redis.Connections} connections");
        Assert.True(wrong.Count == 0, $"HOSTILE_SEED={seed}: {string.Join("; ", wrong.Take(5))}");
        Assert.True(believed > 100, $"HOSTILE_SEED={seed}: the truth must be believed, or nothing is tested ({believed})");
        Assert.All(told.Values, count => Assert.True(count > 20, counts));
    }

    /// <summary>What no protocol knows: the connection ends, the memory stays small, and the next connection works.</summary>
    [Theory]
    [InlineData("half a gigabyte announced and sent", "$536870912\r\n")]
    [InlineData("a string without end", "+")]
    [InlineData("an error without end", "-ERR ")]
    [InlineData("an array without end", "*65536\r\n")]
    public async Task Reply_without_end_is_cut_off_long_before_its_end(string what, string beginning)
    {
        var flood = new byte[256 * 1024 * 1024];
        Array.Fill(flood, (byte)'x');
        if (beginning[0] == '*')
        {
            for (var at = 0; at + 5 <= flood.Length; at += 5)
            {
                "$-1\r\n"u8.CopyTo(flood.AsSpan(at));
            }
        }

        Encoding.ASCII.GetBytes(beginning).CopyTo(flood, 0);
        await using var redis = new HostileRedis();
        await using var link = new TestLink(redis.Endpoint);
        await link.IsAsync(RedisState.Up);
        var (connections, sent, memory) = (redis.Connections, Interlocked.Read(ref redis.Sent), GC.GetTotalAllocatedBytes(precise: true));

        redis.OnRead = _ => flood;
        Assert.Null(await link.GetAsync("x"));
        redis.OnRead = _ => HostileRedis.Bulk([]);

        await Eventually.Holds("it connects again", () => redis.Connections > connections);
        var (taken, allocated) = (Interlocked.Read(ref redis.Sent) - sent, GC.GetTotalAllocatedBytes(precise: true) - memory);
        TestContext.Current.TestOutputHelper!.WriteLine($"{what}: {taken:N0} bytes left the server, {allocated:N0} were allocated in this process");
        // What left the server and was never read lies in the buffers of the system.
        Assert.True(taken < 32 * 1024 * 1024, $"{what}: {taken:N0} bytes left the server");
        Assert.True(allocated < 64 * 1024 * 1024, $"{what}: {allocated:N0} bytes allocated");
    }

    public static TheoryData<string, string, string> Handshakes => new()
    {
        { "HTTP", "*", "HTTP/1.1 400 Bad Request\r\n\r\n" },
        { "a push where HELLO is answered", "HELLO", ">2\r\n+a\r\n+b\r\n" },
        { "a map", "HELLO", "%1\r\n+proto\r\n:3\r\n" },
        { "an array of nothing", "HELLO", "*0\r\n" },
        { "numbers for everything", "*", ":1\r\n" },
        { "nothing for everything", "*", "$-1\r\n" },
        { "arrays for everything", "*", "*1\r\n*1\r\n*1\r\n$1\r\nx\r\n" },
        { "errors for everything", "*", "-ERR no\r\n" },
        { "a redirection", "GETRANGE", "-MOVED 1 127.0.0.1:1\r\n" },
        { "another redirection", "GETRANGE", "-ASK 1 192.0.2.1:6379\r\n" },
        { "half a server", "INFO", "$30\r\nrole:slave\r\nmaster_host:192.0\r\n\r\n" },
        { "two answers for one", "GETRANGE", "$1\r\na\r\n$1\r\nb\r\n" },
        { "a message nobody asked for", "GETRANGE", "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n" },
        { "an array for a value", "GETRANGE", "*2\r\n$1\r\na\r\n$1\r\nb\r\n" },
        { "a number for a value", "GETRANGE", ":99999999999999999999\r\n" },
    };

    [Theory, MemberData(nameof(Handshakes))]
    public async Task Nonsense_is_a_miss_and_what_comes_after_it_works(string what, string command, string nonsense)
    {
        await using var redis = new HostileRedis();
        var isNonsense = true;
        redis.OnAnything = (asked, reply) =>
            Volatile.Read(ref isNonsense) && (command == "*" || asked.Equals(command, StringComparison.OrdinalIgnoreCase)) ? Encoding.ASCII.GetBytes(nonsense) : reply;
        await using var link = new TestLink(redis.Endpoint, patient: false);
        for (var asked = 0; asked < 20; asked++)
        {
            Assert.True(await link.GetAsync("x") is null, what);
        }

        await Eventually.Holds("it has an opinion", () => link.Link.State is not RedisState.Connecting);
        Volatile.Write(ref isNonsense, false);
        await link.IsAsync(RedisState.Up);
    }

    [Fact]
    public async Task Single_server_cannot_send_this_service_elsewhere()
    {
        await using var elsewhere = new HostileRedis();
        await using var redis = new HostileRedis();
        redis.OnRead = _ => Encoding.ASCII.GetBytes($"-MOVED 1 {elsewhere.Endpoint}\r\n");
        await using var link = new TestLink($"{redis.Endpoint},password=secret", patient: false);

        await link.IsAsync(RedisState.Down);
        for (var asked = 0; asked < 20; asked++)
        {
            await link.GetAsync("x");
        }

        Assert.Equal(0, elsewhere.Connections);
    }

    [Fact]
    public async Task Flood_on_the_bell_s_connection_stays_in_the_sender_s_buffers()
    {
        await using var redis = new HostileRedis();
        var settings = RedisSettings.Read(redis.Endpoint, null, null, out _)!;
        var heard = 0;
        await using var link = new RedisLink(settings with { OperationTimeout = TimeSpan.FromSeconds(10) }, new CacheCounters(), TimeProvider.System);
        link.Subscribe("bell", _ => Interlocked.Increment(ref heard));
        link.Start();
        await Eventually.Holds("it listens", () => redis.HasListeners);
        await redis.TellAsync("x"u8.ToArray());
        await Eventually.Holds("a bell is heard", () => Volatile.Read(ref heard) == 1);

        var (started, before) = (TimeProvider.System.GetTimestamp(), Interlocked.Read(ref redis.Sent));
        using var ending = new CancellationTokenSource();
        var flooding = Task.Run(
            async () =>
            {
                while (!ending.IsCancellationRequested)
                {
                    await redis.TellAsync(new byte[200]);
                }
            },
            TestContext.Current.CancellationToken);
        await Eventually.Holds("thousands were heard", () => Volatile.Read(ref heard) > 2000);
        var (elapsed, count) = (TimeProvider.System.GetElapsedTime(started), Volatile.Read(ref heard));
        // Reads go on undisturbed on their own connection.
        Assert.Equal(CacheOutcome.Miss, (await link.ReadAsync(TestLink.Key("x"), TestContext.Current.CancellationToken)).Outcome);
        await ending.CancelAsync();
        await flooding;
        TestContext.Current.TestOutputHelper!.WriteLine($"{count} bells in {elapsed.TotalSeconds:F1} s ({count / elapsed.TotalSeconds:F0}/s), {Interlocked.Read(ref redis.Sent) - before:N0} bytes left the server");
        // 256 KiB/s of messages of 242 bytes; a burst at the beginning.
        Assert.True(count < 2000 + (5 * 1100 * (elapsed.TotalSeconds + 1)));
    }

    /// <summary>One answer: true, or one of a dozen lies made of everything this server ever saw.</summary>
    private static byte[] Lie(Random random, HostileRedis redis, byte[]? truth, Dictionary<string, int> told)
    {
        var seen = redis.Stored.ToArray();
        if (truth is null || seen.Length == 0)
        {
            return HostileRedis.Bulk([]);
        }

        var any = seen[random.Next(seen.Length)].Value;
        var (kind, reply) = random.Next(12) switch
        {
            0 => ("true", HostileRedis.Bulk(truth)),
            1 => ("lost", HostileRedis.Bulk([])),
            2 => ("swapped or replayed", HostileRedis.Bulk(any)),
            3 => ("replayed", HostileRedis.Bulk(Older(random, seen, truth))),
            4 => ("cut", HostileRedis.Bulk(truth.AsSpan(0, random.Next(truth.Length)))),
            5 => ("lengthened", HostileRedis.Bulk([.. truth, .. new byte[random.Next(1, 100)]])),
            6 => ("inflated", HostileRedis.Bulk([.. truth, .. new byte[random.Next(100_000)]])),
            7 => ("bit flipped", HostileRedis.Bulk(Flipped(random, truth))),
            8 => ("spliced", HostileRedis.Bulk(Spliced(random, truth, any))),
            9 => ("invented", HostileRedis.Bulk(Invented(random))),
            10 => ("another generation claimed", HostileRedis.Bulk(Claimed(random, any))),
            _ => ("no value", random.Next(2) == 0 ? "$-1\r\n"u8.ToArray() : "-WRONGTYPE no\r\n"u8.ToArray()),
        };
        told[kind] = told.GetValueOrDefault(kind) + 1;
        return reply;
    }

    /// <summary>What stood under the same key before, such as a deleted attestation.</summary>
    private static byte[] Older(Random random, (string Key, byte[] Value)[] seen, byte[] truth)
    {
        var key = seen.First(stored => ReferenceEquals(stored.Value, truth)).Key;
        var older = seen.Where(stored => stored.Key == key).ToArray();
        return older[random.Next(older.Length)].Value;
    }

    private static byte[] Flipped(Random random, byte[] truth)
    {
        byte[] copy = [.. truth];
        copy[random.Next(copy.Length)] ^= (byte)(1 << random.Next(8));
        return copy;
    }

    /// <summary>The head of one, the tail of the other.</summary>
    private static byte[] Spliced(Random random, byte[] one, byte[] other)
    {
        var at = random.Next(Math.Min(one.Length, other.Length));
        return [.. one[..at], .. other[at..]];
    }

    private static byte[] Invented(Random random)
    {
        var bytes = new byte[random.Next(300)];
        random.NextBytes(bytes);
        return bytes;
    }

    /// <summary>An old value that says it is of now.</summary>
    private static byte[] Claimed(Random random, byte[] old)
    {
        byte[] copy = [.. old];
        System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(copy.AsSpan(1), random.Next(1000));
        return copy;
    }

    private static async Task StoreAsync(TestLink link, long generation, List<string> contents)
    {
        var before = link.Counters.Of(CacheWrite.Stored);
        for (var image = 0; image < contents.Count; image++)
        {
            link.Evidence.Offer(TestLink.Question($"{image}"), new FetchedEvidence(generation, TimeProvider.System.GetUtcNow(), Encoding.UTF8.GetBytes(contents[image])), TimeSpan.FromMinutes(5));
        }

        await Eventually.Holds("they are stored", () => link.Counters.Of(CacheWrite.Stored) == before + contents.Count);
    }
}
