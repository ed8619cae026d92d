using System.Diagnostics;
using PolicyService.Evidence.Caching;
using PolicyService.Tests.Redis;

namespace PolicyService.Evidence.Tests.Caching;

/// <summary>Every kind of Redis there is, for real.</summary>
public sealed class RedisLinkTests
{
    [Fact]
    public async Task Plain_server_shares_between_replicas()
    {
        using var server = await RedisServer.StartAsync();
        await using var one = new TestLink(server.Endpoint);
        await using var other = new TestLink(server.Endpoint);
        await one.WorksAsync();

        await other.IsAsync(RedisState.Up);

        Assert.Equal([1, 2, 3], await other.GetAsync("works"));
        Assert.Null(await other.GetAsync("nothing"));
        Assert.Equal((1, 1), (other.Counters.Of(CacheLevel.Redis, CacheOutcome.Hit), other.Counters.Of(CacheLevel.Redis, CacheOutcome.Miss)));
        Assert.Equal([RedisState.Up], one.States);
    }

    [Fact]
    public async Task Value_ends_with_its_lifetime_on_the_server()
    {
        using var server = await RedisServer.StartAsync();
        await using var link = new TestLink(server.Endpoint);
        await link.WorksAsync();

        Assert.InRange((long)server.Ask("PTTL", TestLink.Key("works").ToString())!, 1, 300_000);
    }

    [Fact]
    public async Task Read_is_one_command_and_a_write_is_one()
    {
        using var server = await RedisServer.StartAsync();
        await using var link = new TestLink(server.Endpoint);
        await link.WorksAsync();
        var (reads, writes) = (server.Calls("getrange"), server.Calls("setex"));

        for (var index = 0; index < 100; index++)
        {
            await link.GetAsync($"{index % 2}");
        }

        await link.SetAsync("0", [1]);
        Assert.Equal((reads + 100, writes + 1), (server.Calls("getrange"), server.Calls("setex")));
        Assert.Equal(0, server.Calls("get"));
    }

    [Fact]
    public async Task Value_longer_than_any_of_ours_is_a_lie_that_costs_no_connection()
    {
        using var server = await RedisServer.StartAsync();
        await using var link = new TestLink(server.Endpoint);
        await link.WorksAsync();
        using var client = server.Connect();
        Assert.Equal("OK", client.Set(TestLink.Key("long").ToString(), new byte[64 * 1024 * 1024]));

        Assert.Null(await link.GetAsync("long"));

        Assert.Equal(1, link.Counters.Of(CacheLevel.Redis, CacheOutcome.Lie));
        await link.WorksAsync();
        Assert.Equal([RedisState.Up], link.States);
    }

    [Fact]
    public async Task Value_of_another_type_is_an_error_and_a_miss()
    {
        using var server = await RedisServer.StartAsync();
        await using var link = new TestLink(server.Endpoint);
        await link.WorksAsync();
        server.Ask("LPUSH", TestLink.Key("list").ToString(), "x");

        Assert.Null(await link.GetAsync("list"));

        Assert.Equal(1, link.Counters.Of(CacheLevel.Redis, CacheOutcome.Error));
    }

    [Fact]
    public async Task TLS_with_the_right_authority_works_and_without_it_nothing_is_sent()
    {
        using var certificates = new TestCertificates();
        using var server = await RedisServer.StartAsync(certificates.Arguments);
        await using var link = new TestLink($"{server.Endpoint},ssl=true", authority: certificates.Authority);
        await link.WorksAsync();

        using var others = new TestCertificates();
        await using var stranger = new TestLink($"{server.Endpoint},ssl=true,password=secret", authority: others.Authority);
        await using var system = new TestLink($"{server.Endpoint},ssl=true,password=secret");
        await stranger.IsAsync(RedisState.Down);
        await system.IsAsync(RedisState.Down);
    }

    [Fact]
    public async Task TLS_certificate_of_another_name_is_refused_unless_that_name_is_asked_for()
    {
        using var certificates = new TestCertificates("redis.example");
        using var server = await RedisServer.StartAsync(certificates.Arguments);
        await using var wrong = new TestLink($"{server.Endpoint},ssl=true", authority: certificates.Authority);
        await wrong.IsAsync(RedisState.Down);

        await using var right = new TestLink($"{server.Endpoint},ssl=true,sslHost=redis.example", authority: certificates.Authority);
        await right.WorksAsync();
    }

    [Fact]
    public async Task ACL_user_needs_few_rights()
    {
        using var server = await RedisServer.StartAsync();
        // The rights that docs/operations.md names.
        Assert.Equal("OK", server.Ask("ACL", "SETUSER", "policy", "on", ">secret", "~ps:1:*", "&ps:1:*", "+getrange", "+setex", "+publish", "+subscribe", "+unsubscribe", "+ping", "+echo", "+info"));
        server.Ask("ACL", "SETUSER", "default", "off");
        await using var link = new TestLink($"{server.Endpoint},user=policy,password=secret");
        await link.WorksAsync();

        await using var wrong = new TestLink($"{server.Endpoint},user=policy,password=wrong");
        await wrong.IsAsync(RedisState.Down);
    }

    [Fact]
    public async Task Changed_password_is_read_again_when_a_connection_is_made()
    {
        using var server = await RedisServer.StartAsync("one", ["--requirepass", "one"]);
        var file = server.Write("password", "one\n");
        await using var link = new TestLink(server.Endpoint, patient: false, passwordFile: file);
        await link.IsAsync(RedisState.Up);

        using (var client = server.Connect())
        {
            client.Ask("CONFIG", "SET", "requirepass", "two");
            client.Ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
            // Refused with the old one until the file changes.
            await Eventually.Holds("it is refused", async () => await link.GetAsync("x") is null && link.Link.State is RedisState.Down);
            File.WriteAllText(file, "two\n");
        }

        await link.IsAsync(RedisState.Up);
    }

    [Fact]
    public async Task Sentinel_names_the_server()
    {
        using var server = await RedisServer.StartAsync();
        var folder = Directory.CreateTempSubdirectory("sentinel-");
        var configuration = Path.Combine(folder.FullName, "sentinel.conf");
        await File.WriteAllTextAsync(configuration, $"sentinel monitor main 127.0.0.1 {server.Port} 1\n", TestContext.Current.CancellationToken);
        using var sentinel = await RedisServer.StartAsync(configuration, "--sentinel");
        await using var link = new TestLink($"{sentinel.Endpoint},serviceName=main");

        await link.WorksAsync();

        Assert.Contains($"{TestLink.Key("works")}", Assert.IsType<List<object?>>(server.Ask("KEYS", "*")));
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Cluster_spreads_the_values()
    {
        var cluster = new List<RedisServer>();
        try
        {
            for (var node = 0; node < 3; node++)
            {
                cluster.Add(await RedisServer.StartAsync("--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf"));
            }

            using (var create = Process.Start(new ProcessStartInfo("redis-cli", ["--cluster", "create", .. cluster.Select(node => node.Endpoint), "--cluster-yes"]) { RedirectStandardOutput = true })!)
            {
                var output = await create.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
                await create.WaitForExitAsync(TestContext.Current.CancellationToken);
                Assert.True(create.ExitCode == 0, output);
            }

            await Eventually.Holds("the cluster is whole", () => cluster.All(node => $"{node.Ask("CLUSTER", "INFO")}".Contains("cluster_state:ok", StringComparison.Ordinal)));
            await using var link = new TestLink(string.Join(',', cluster.Select(node => node.Endpoint)));
            for (var index = 0; index < 30; index++)
            {
                await link.WorksAsync($"{index}");
            }

            Assert.All(cluster, node => Assert.NotEmpty(Assert.IsType<List<object?>>(node.Ask("KEYS", "ps:1:*"))));
        }
        finally
        {
            cluster.ForEach(node => node.Dispose());
        }
    }

    [Fact]
    public async Task Without_a_fleet_key_only_public_keys_are_shared_and_as_of_nobody()
    {
        using var server = await RedisServer.StartAsync();
        await using var link = new TestLink(server.Endpoint, fleet: 0);
        await link.WorksAsync();
        var value = await link.Cache.GetAsync(TestLink.Key("works"), TestContext.Current.CancellationToken);
        Assert.False(value!.Value.IsAuthenticated);

        link.Cache.Set(CacheKey.Of("verdict", "a"), new byte[] { 1 }, TimeSpan.FromMinutes(1));
        link.Evidence.Offer(TestLink.Question(), new FetchedEvidence(1, TimeProvider.System.GetUtcNow(), new byte[] { 1 }), TimeSpan.FromMinutes(1));
        await link.SetAsync("last", [9]);

        Assert.Equal(2, Assert.IsType<List<object?>>(server.Ask("KEYS", "ps:1:key:*")).Count);
        Assert.Equal(2L, server.Ask("DBSIZE"));
        server.Ask("SET", CacheKey.Of("verdict", "a").ToString(), "x");
        var before = server.Calls("getrange");
        Assert.Null(await link.Cache.GetAsync(CacheKey.Of("verdict", "a"), TestContext.Current.CancellationToken));
        Assert.Null(await link.Evidence.GetAsync(TestLink.Question(), 0, TimeSpan.FromHours(1), TestContext.Current.CancellationToken));
        Assert.Equal(before, server.Calls("getrange"));
    }

    [Fact]
    public async Task With_a_fleet_key_a_value_that_nobody_sealed_is_a_lie()
    {
        using var server = await RedisServer.StartAsync();
        await using var open = new TestLink(server.Endpoint, fleet: 0);
        await using var link = new TestLink(server.Endpoint);
        await using var others = new TestLink(server.Endpoint, fleet: 2);
        await open.WorksAsync();
        await link.IsAsync(RedisState.Up);
        Assert.Null(await link.GetAsync("works"));
        Assert.Equal(1, link.Counters.Of(CacheLevel.Redis, CacheOutcome.Lie));

        await link.WorksAsync();
        Assert.True((await link.Cache.GetAsync(TestLink.Key("works"), TestContext.Current.CancellationToken))!.Value.IsAuthenticated);
        await others.IsAsync(RedisState.Up);
        Assert.Null(await others.GetAsync("works"));
        Assert.Equal(1, others.Counters.Of(CacheLevel.Redis, CacheOutcome.Lie));
    }
}
