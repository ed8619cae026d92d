using Microsoft.Extensions.DependencyInjection;
using PolicyService.Evidence.Caching;
using PolicyService.Evidence.Keys;
using PolicyService.Server.Caching;
using PolicyService.Server.Tests.Keys;
using PolicyService.Tests.Kms;
using PolicyService.Tests.Redis;

namespace PolicyService.Server.Tests.Redis;

/// <summary>A fleet on one Redis whose attestor's key is kept in Cloud KMS: what a decision costs of both, counted by both.</summary>
public sealed class SharedKeyTests : IAsyncDisposable
{
    private const string Allowed = "Allow Conformant Attested";
    private readonly DocumentsFolder _documents = new();
    private readonly KmsStandIn _kms = new();

    public SharedKeyTests()
    {
        var key = _kms.Add(KmsServer.Resource);
        _documents.Write("policy.yaml", DocumentsFolder.Policy(KmsServer.Attestor));
        _documents.Write("attestors/build.json", KmsServer.AttestorWith(KmsServer.KeyId));
        _documents.Write("options.yaml", $"bindRepository: false\npinnedKeys:\n  {KmsServer.KeyId}: {key.Pin}\n");
        _documents.Write("attestations/api.json", KmsServer.Occurrence(Ask.Attested, KmsServer.KeyId, key.SignData(Signer.Payload(Ask.Attested))));
        File.WriteAllText(_documents.Beside("fleet"), "0123456789abcdef0123456789abcdef");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task First_replica_asks_Cloud_KMS_the_next_one_Redis_and_the_second_question_nobody(bool isFleetKeyed)
    {
        using var redis = await RedisServer.StartAsync();
        await using (var first = await StartAsync(redis, isFleetKeyed))
        {
            Assert.Equal((1, 1), await CostAsync(redis, first, 1));
            await Eventually.Holds("the key is offered", () => redis.Calls("setex") == 1);
        }

        await using var next = await StartAsync(redis, isFleetKeyed);
        Assert.Equal((1, 0), await CostAsync(redis, next, 1));
        Assert.Equal((0, 0), await CostAsync(redis, next, 100));
        Assert.Equal(1, redis.Calls("setex"));
    }

    /// <summary>The key in Redis is genuine and of another time: the pin tells.</summary>
    [Fact]
    [Trait("attack", "93")]
    public async Task Key_that_is_pinned_no_more_is_no_use_in_Redis()
    {
        using var redis = await RedisServer.StartAsync();
        await using (var first = await StartAsync(redis, isFleetKeyed: true))
        {
            Assert.Equal(Allowed, await AnswerAsync(first));
            await Eventually.Holds("the key is offered", () => redis.Calls("setex") == 1);
        }

        var other = _kms.Add(KmsServer.Resource.Replace("cryptoKeyVersions/1", "cryptoKeyVersions/2", StringComparison.Ordinal));
        _documents.Write("options.yaml", $"bindRepository: false\npinnedKeys:\n  {KmsServer.KeyId}: {other.Pin}\n");
        await using var next = await StartAsync(redis, isFleetKeyed: true);

        Assert.Equal("Deny Error KeyUnavailable KMS:OTHER_KEY", await AnswerAsync(next));
    }

    public async ValueTask DisposeAsync()
    {
        await _kms.DisposeAsync();
        _documents.Dispose();
    }

    private async Task<TestServer> StartAsync(RedisServer redis, bool isFleetKeyed)
    {
        var folder = new DocumentsFolder();
        foreach (var file in Directory.EnumerateFiles(_documents.Path, "*", SearchOption.AllDirectories))
        {
            folder.Write(Path.GetRelativePath(_documents.Path, file), File.ReadAllBytes(file));
        }

        string[] fleet = isFleetKeyed ? ["--Redis:FleetKeyFile", _documents.Beside("fleet")] : [];
        // Patient with both: a busy machine must not look like an ill one.
        var server = await TestServer.StartAsync(
            folder,
            kms: _kms.Url,
            configure: services => services
                .AddSingleton(new KeyLifetimes { Negative = TimeSpan.FromHours(1), Fetch = TimeSpan.FromMinutes(5), SharedWait = TimeSpan.FromMinutes(1) })
                .AddSingleton(provider => new RedisLink(
                    provider.GetRequiredService<RedisSetup>().Redis with { OperationTimeout = TimeSpan.FromMinutes(1) },
                    provider.GetRequiredService<CacheCounters>(),
                    provider.GetRequiredService<TimeProvider>())),
            more: ["--Redis:Connection", redis.Endpoint, .. fleet]);
        await Eventually.Holds("Redis is up", () => server.Services.GetRequiredService<RedisLink>().State == RedisState.Up);
        return server;
    }

    /// <summary>What questions cost: reads of Redis, calls to Cloud KMS. The link's own question whether Redis answers came before.</summary>
    private async Task<(long Redis, int Kms)> CostAsync(RedisServer redis, TestServer server, int questions)
    {
        var (reads, calls) = (redis.Calls("getrange"), _kms.PublicKeyCalls);
        for (; questions > 0; questions--)
        {
            Assert.Equal(Allowed, await AnswerAsync(server));
        }

        return (redis.Calls("getrange") - reads, _kms.PublicKeyCalls - calls);
    }

    private static async Task<string> AnswerAsync(TestServer server) => KmsServer.Word(await server.Client.EvaluateAsync(
        Ask.For(Ask.Attested), deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddMinutes(5), cancellationToken: TestContext.Current.CancellationToken));
}
