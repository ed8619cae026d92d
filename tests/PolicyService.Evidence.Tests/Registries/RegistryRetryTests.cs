using Microsoft.Extensions.Time.Testing;
using PolicyService.Core;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Registries;
using PolicyService.Tests.Registries;

namespace PolicyService.Evidence.Tests.Registries;

/// <summary>Retries help against a hiccup and do not feed a storm; a host is not asked by too many at once (ATTACK 84).</summary>
[Trait("attack", "84")]
public sealed class RegistryRetryTests : IAsyncDisposable
{
    private readonly RegistryBench _bench = new();

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    public static TheoryData<HostileAnswer> Hiccups =>
    [
        HostileAnswer.Of(429), HostileAnswer.Of(429, "", "retry-after: 0"), HostileAnswer.Of(500), HostileAnswer.Of(503), HostileAnswer.Of(HostileBody.Truncated, "hello"),
    ];

    [Theory, MemberData(nameof(Hiccups))]
    public async Task Hiccup_heals(HostileAnswer hiccup)
    {
        _bench.Registry.Answer = _ => _bench.Registry.Calls.Count < 3 ? hiccup : HostileAnswer.Of(200, "hello");
        Assert.Equal("hello", await _bench.ManifestAsync());
        Assert.Equal(2, _bench.Metrics.Retries);
    }

    [Fact]
    public async Task Hangup_is_repeated_by_the_base_library_alone()
    {
        _bench.Registry.Answer = _ => HostileAnswer.Of(HostileBody.Hangup);
        Assert.Equal("Connection", await _bench.ManifestAsync());
        Assert.Equal(0, _bench.Metrics.Retries);
        Assert.InRange(_bench.Registry.Calls.Count, 1, 4);
    }

    [Theory]
    [InlineData(429, "RateLimited")]
    [InlineData(500, "ServerError")]
    public async Task Storm_is_not_amplified(int status, string failure)
    {
        const int Questions = 300;
        _bench.Registry.Answer = _ => HostileAnswer.Of(status);
        var answers = await Task.WhenAll(Enumerable.Range(0, Questions).Select(number => _bench.TagAsync($"v{number}")));
        Assert.All(answers, answer => Assert.Equal(failure, answer));
        TestContext.Current.SendDiagnosticMessage($"{Questions} questions in a storm of {status}: {_bench.Registry.Calls.Count} requests, at most {_bench.Registry.MostUnderWay} at once");
        Assert.InRange(_bench.Registry.Calls.Count, Questions, Questions * 12 / 10);
        Assert.Equal(_bench.Registry.Calls.Count - Questions, _bench.Metrics.Retries);
    }

    [Theory]
    [InlineData(429, "RateLimited", 7, 7)]
    [InlineData(503, "ServerError", 7, 7)]
    [InlineData(429, "RateLimited", 3600, 10)]
    public async Task Host_that_asks_for_it_is_left_alone(int status, string failure, int asked, int seconds)
    {
        var clock = new FakeTimeProvider();
        await using var bench = new RegistryBench(time: clock);
        bench.Registry.Answer = _ => HostileAnswer.Of(status, "", $"retry-after: {asked}");
        Assert.Equal(failure, await bench.ManifestAsync());
        bench.Registry.Answer = _ => HostileAnswer.Of(200, "hello");

        clock.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromTicks(1));
        Assert.Equal(failure, await bench.ManifestAsync());
        bench.Path = "acme/web";
        Assert.Equal(failure, await bench.ManifestAsync());
        Assert.Single(bench.Registry.Calls);
        clock.Advance(TimeSpan.FromTicks(1));
        Assert.Equal("hello", await bench.ManifestAsync());
    }

    [Fact]
    public async Task Host_that_wants_rest_from_those_without_credentials_is_asked_by_those_with_some()
    {
        _bench.Credential = (_, _) => new RegistryCredential("user", "secret");
        _bench.Registry.Answer = call => call.Authorization is null ? HostileAnswer.Challenge("Basic") : HostileAnswer.Of(200, "hello");
        Assert.Equal("hello", await _bench.TagAsync());
        _bench.Registry.Answer = call => call.Authorization is null ? HostileAnswer.Of(429, "", "retry-after: 10") : HostileAnswer.Of(200, "hello");
        Assert.Equal("RateLimited", await TextAsync(new RegistryRepository(new RegistryOptions(_bench.Registry.Host, true, [], RegistryCredentials.None, []), "acme/api")));
        Assert.Equal("hello", await _bench.TagAsync());
    }

    [Fact]
    public async Task Those_who_wait_for_plain_HTTP_take_no_place_from_those_who_ask_over_TLS()
    {
        var gate = new TaskCompletionSource();
        _bench.Registry.Gate = gate.Task;
        var asking = Enumerable.Range(0, Limits.RegistryConcurrency).Select(_ => _bench.TagAsync()).ToArray();
        await Eventually.Holds("all places are taken", () => _bench.Registry.UnderWay == Limits.RegistryConcurrency);
        using var ending = new CancellationTokenSource(TimeSpan.FromSeconds(5), TimeProvider.System);
        var secure = new RegistryRepository(new RegistryOptions(_bench.Registry.Host, false, [], RegistryCredentials.DockerConfig, []), "acme/api");
        // It speaks no TLS, which is an answer.
        Assert.NotEqual("Timeout", RegistryBench.Text(await _bench.Client.GetManifestAsync(secure, "v1", false, ending.Token)));
        gate.SetResult();
        await Task.WhenAll(asking);
    }

    [Fact]
    public async Task Sixteen_ask_one_host_at_once_whoever_they_are_and_others_wait()
    {
        const int Questions = 60;
        var gate = new TaskCompletionSource();
        _bench.Registry.Gate = gate.Task;
        _bench.Registry.Answer = _ => HostileAnswer.Of(200, "hello");
        // Another configuration of the same host shares its places.
        var other = new RegistryRepository(new RegistryOptions(_bench.Registry.Host, true, [], RegistryCredentials.None, ["x.example.com"]), "acme/api");
        var asking = Enumerable.Range(0, Questions).Select(number => number % 2 == 0 ? _bench.TagAsync() : TextAsync(other)).ToArray();
        await Eventually.Holds("all places are taken", () => _bench.Registry.UnderWay == Limits.RegistryConcurrency);
        gate.SetResult();
        Assert.All(await Task.WhenAll(asking), text => Assert.Equal("hello", text));
        Assert.Equal((Limits.RegistryConcurrency, Questions), (_bench.Registry.MostUnderWay, _bench.Registry.Calls.Count));
    }

    [Fact]
    public async Task Hosts_in_memory_are_bounded()
    {
        _bench.Registry.Answer = _ => HostileAnswer.Of(200, "hello");
        foreach (var number in Enumerable.Range(0, Limits.RegistryHosts + 5))
        {
            Assert.Equal("hello", await TextAsync(new RegistryRepository(new RegistryOptions(_bench.Registry.Host, true, [], RegistryCredentials.None, [$"h{number}.example.com"]), "acme/api")));
            Assert.InRange(_bench.Client.Count, 1, Limits.RegistryHosts);
        }
    }

    private async Task<string> TextAsync(RegistryRepository repository) => RegistryBench.Text(await _bench.Client.GetManifestAsync(repository, "v1", false, TestContext.Current.CancellationToken));
}
