using PolicyService.Tests.Registries;

namespace PolicyService.Evidence.Tests.Registries;

/// <summary>A mirror is a shortcut and never the last word (ATTACK 83).</summary>
[Trait("attack", "83")]
public sealed class RegistryMirrorTests : IAsyncDisposable
{
    private readonly RegistryBench _bench = new();

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    public static TheoryData<HostileAnswer> Useless =>
    [
        HostileAnswer.Error(404, "MANIFEST_UNKNOWN"), HostileAnswer.Error(404, "NAME_UNKNOWN"), HostileAnswer.Of(401), HostileAnswer.Of(403), HostileAnswer.Of(429), HostileAnswer.Of(500),
        HostileAnswer.Of(200, "a lie"), HostileAnswer.Of(HostileBody.Hangup), HostileAnswer.Of(HostileBody.Truncated, "hello"), HostileAnswer.Of(HostileBody.Endless), HostileAnswer.Redirect("http://169.254.169.254/"),
    ];

    [Theory, MemberData(nameof(Useless)), Trait("attack", "7")]
    public async Task Mirror_that_fails_or_lies_only_sends_us_on(HostileAnswer answer)
    {
        var mirror = Mirror(_ => answer);
        _bench.Registry.Answer = _ => HostileAnswer.Of(200, "hello");
        Assert.Equal("hello", await _bench.ManifestAsync());
        Assert.NotEmpty(mirror.Calls);
        _bench.Registry.Answer = _ => HostileAnswer.Error(404, "MANIFEST_UNKNOWN");
        Assert.Equal("not there", await _bench.ManifestAsync());
        _bench.Registry.Answer = _ => HostileAnswer.Of(403);
        Assert.Equal("PermissionDenied", await _bench.ManifestAsync());
    }

    [Fact]
    public async Task Mirrors_come_first_and_in_their_order()
    {
        var mirrors = new[] { Mirror(_ => null), Mirror(_ => HostileAnswer.Of(200, "hello")), Mirror(_ => HostileAnswer.Of(200, "hello")) };
        Assert.Equal("hello", await _bench.ManifestAsync());
        Assert.Equal([1, 1, 0], mirrors.Select(mirror => mirror.Calls.Count));
        Assert.Empty(_bench.Registry.Calls);
    }

    [Fact]
    public async Task Mirror_that_is_down_costs_its_time_once()
    {
        var mirror = Mirror(_ => HostileAnswer.Of(500));
        _bench.Registry.Answer = _ => HostileAnswer.Of(200, "hello");
        Assert.Equal("hello", await _bench.ManifestAsync());
        Assert.Equal("hello", await _bench.ManifestAsync());
        Assert.Single(mirror.Calls);
    }

    [Fact]
    public async Task Mirror_is_not_to_blame_for_the_end_of_the_callers_time()
    {
        var mirror = Mirror(_ => HostileAnswer.Of(HostileBody.Silent));
        using var ending = new CancellationTokenSource();
        var asking = _bench.Client.GetManifestAsync(_bench.Repository, "v1", fromOrigin: false, ending.Token);
        await Eventually.Holds("the mirror is asked", () => !mirror.Calls.IsEmpty);
        await ending.CancelAsync();
        Assert.Equal("Timeout", RegistryBench.Text(await asking));

        mirror.Answer = _ => HostileAnswer.Of(200, "hello");
        Assert.Equal("hello", await _bench.ManifestAsync());
        Assert.Empty(_bench.Registry.Calls);
    }

    [Theory]
    [InlineData(403, "PermissionDenied", 0)]
    [InlineData(404, "NotFound", 0)]
    [InlineData(500, "hello", 1)]
    [InlineData(429, "hello", 1)]
    public async Task Origin_is_asked_first_where_it_counts_and_its_mirrors_only_while_it_is_down(int status, string expected, int calls)
    {
        var mirror = Mirror(_ => HostileAnswer.Of(200, "hello"));
        _bench.Registry.Answer = _ => HostileAnswer.Of(status);
        Assert.Equal(expected, await _bench.ManifestAsync(fromOrigin: true));
        Assert.Equal(calls, mirror.Calls.Count);
    }

    [Fact]
    public async Task Mirrors_absence_does_not_stand_for_an_origin_that_is_down()
    {
        Mirror(_ => HostileAnswer.Error(404, "MANIFEST_UNKNOWN"));
        _bench.Registry.Answer = _ => HostileAnswer.Of(500);
        Assert.Equal("ServerError", await _bench.ManifestAsync(fromOrigin: true));
        Assert.Equal("ServerError", await _bench.ManifestAsync());
        var referrers = await _bench.ReferrersAsync(fromOrigin: true);
        Assert.Equal(Evidence.Remote.RemoteFailure.ServerError, referrers.Failure);
    }

    [Fact, Trait("attack", "79")]
    public async Task Mirror_has_credentials_of_its_own()
    {
        _bench.Credential = (host, _) => new Evidence.Registries.RegistryCredential(host == _bench.Registry.Host ? "origin" : "mirror", "x");
        var mirror = Mirror(_ => HostileAnswer.Challenge("Basic"));
        _bench.Registry.Answer = call => call.Authorization is null ? HostileAnswer.Challenge("Basic") : HostileAnswer.Of(200, "hello");
        Assert.Equal("hello", await _bench.ManifestAsync());
        Assert.All([mirror, _bench.Registry], asked => Assert.Equal(
            [null, $"Basic {Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(asked == mirror ? "mirror:x" : "origin:x"))}"], asked.Calls.Select(call => call.Authorization)));
    }

    private HostileRegistry Mirror(Func<HostileCall, HostileAnswer?> answer)
    {
        var mirror = _bench.Other(answer, isListed: false);
        _bench.Mirrors = [.. _bench.Mirrors, mirror.Host];
        return mirror;
    }
}
