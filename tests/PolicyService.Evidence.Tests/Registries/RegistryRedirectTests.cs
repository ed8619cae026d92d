using PolicyService.Core;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Registries;
using PolicyService.Tests.Registries;

namespace PolicyService.Evidence.Tests.Registries;

/// <summary>Where a registry sends us, and with what (ATTACK 79, 80, 82).</summary>
public sealed class RegistryRedirectTests : IAsyncDisposable
{
    private readonly RegistryBench _bench = new();

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(303)]
    [InlineData(307)]
    [InlineData(308)]
    public async Task Redirection_is_followed_within_and_without(int status)
    {
        var storage = _bench.Other(_ => HostileAnswer.Of(200, "hello"));
        _bench.Registry.Answer = call => call.Path == "/elsewhere" ? HostileAnswer.Redirect($"{storage.Url}/blob?signature=1", status) : HostileAnswer.Redirect("/elsewhere", status);
        Assert.Equal("hello", await _bench.ManifestAsync());
        Assert.Equal("/blob?signature=1", Assert.Single(storage.Calls).Target);
    }

    [Theory, Trait("attack", "79")]
    [InlineData("Basic")]
    [InlineData("Bearer realm=\"{registry}/token\"")]
    public async Task Another_host_gets_no_credentials_nor_does_the_first_one_after_it(string challenge)
    {
        _bench.Credential = (_, _) => new RegistryCredential("user", "secret");
        HostileRegistry storage = null!;
        storage = _bench.Other(_ => HostileAnswer.Redirect($"{_bench.Registry.Url}/back"));
        _bench.Registry.Answer = call => call.Path == "/token" ? HostileAnswer.Of(200, "{\"token\": \"t1\"}")
            : call.Path == "/back" ? HostileAnswer.Of(200, "hello")
            : call.Authorization is null ? HostileAnswer.Challenge(challenge.Replace("{registry}", _bench.Registry.Url, StringComparison.Ordinal))
            : HostileAnswer.Redirect($"{storage.Url}/blob");
        Assert.Equal("hello", await _bench.ManifestAsync());
        Assert.Null(Assert.Single(storage.Calls).Authorization);
        Assert.Null(_bench.Registry.Calls.Single(call => call.Path == "/back").Authorization);
        Assert.Contains(_bench.Registry.Calls, call => call.Authorization is not null);
    }

    [Fact, Trait("attack", "79")]
    public async Task Another_port_of_the_same_name_is_another_host()
    {
        _bench.Credential = (_, _) => new RegistryCredential("user", "secret");
        var other = _bench.Other(_ => HostileAnswer.Of(200, "hello"));
        Assert.Equal(_bench.Registry.Host.Split(':')[0], other.Host.Split(':')[0]);
        _bench.Registry.Answer = call => call.Authorization is null ? HostileAnswer.Challenge("Basic") : HostileAnswer.Redirect(other.Url);
        Assert.Equal("hello", await _bench.ManifestAsync());
        Assert.Null(Assert.Single(other.Calls).Authorization);
    }

    [Fact, Trait("attack", "79")]
    public async Task Another_name_of_the_same_port_is_another_host()
    {
        _bench.Credential = (_, _) => new RegistryCredential("user", "secret");
        _bench.PrivateHosts.Add("localhost");
        var named = _bench.Registry.Url.Replace("127.0.0.1", "localhost", StringComparison.Ordinal);
        _bench.Registry.Answer = call => call.Path == "/x" ? HostileAnswer.Of(200, "hello") : call.Authorization is null ? HostileAnswer.Challenge("Basic") : HostileAnswer.Redirect($"{named}/x");
        Assert.Equal("hello", await _bench.ManifestAsync());
        Assert.Null(_bench.Registry.Calls.Single(call => call.Path == "/x").Authorization);
    }

    [Fact, Trait("attack", "79")]
    public async Task Cookies_are_not_kept()
    {
        _bench.Registry.Answer = call => call.Path == "/x" ? HostileAnswer.Of(200, "hello", "set-cookie: a=b; path=/") : HostileAnswer.Of(307, "", "location: /x", "set-cookie: c=d; path=/");
        Assert.Equal("hello", await _bench.ManifestAsync());
        Assert.Equal("hello", await _bench.ManifestAsync());
        Assert.All(_bench.Registry.Calls, call => Assert.False(call.Headers.ContainsKey("cookie")));
    }

    [Fact, Trait("attack", "79")]
    public async Task Challenge_of_another_host_gets_nothing()
    {
        _bench.Credential = (_, _) => throw new InvalidOperationException("nobody may ask for it");
        var other = _bench.Other(_ => HostileAnswer.Challenge("Basic"));
        _bench.Registry.Answer = _ => HostileAnswer.Redirect(other.Url);
        Assert.Equal("Unauthenticated", await _bench.ManifestAsync());
        Assert.Single(other.Calls);
    }

    [Theory, Trait("attack", "80")]
    [InlineData("{other}/x")]
    [InlineData("{named}/x")]
    [InlineData("http://169.254.169.254/latest/meta-data/")]
    [InlineData("http://0xa9fea9fe/latest/meta-data/")]
    [InlineData("http://[::ffff:169.254.169.254]/")]
    [InlineData("//169.254.169.254/latest")]
    [InlineData("http://10.0.0.1/")]
    [InlineData("http://user:secret@{host}/x")]
    [InlineData("file:///etc/passwd")]
    [InlineData("ftp://{host}/")]
    [InlineData("http://[/")]
    [InlineData("")]
    public async Task Where_we_do_not_go_we_are_not_sent(string location)
    {
        var other = _bench.Other(_ => HostileAnswer.Of(200, "hello"), isListed: false);
        var named = other.Url.Replace("127.0.0.1", "localhost", StringComparison.Ordinal);
        _bench.Registry.Answer = _ => HostileAnswer.Redirect(location.Replace("{other}", other.Url, StringComparison.Ordinal).Replace("{named}", named, StringComparison.Ordinal).Replace("{host}", _bench.Registry.Host, StringComparison.Ordinal));
        Assert.Equal("RedirectRefused", await _bench.ManifestAsync());
        Assert.Empty(other.Calls);
        Assert.Single(_bench.Registry.Calls);
    }

    [Fact, Trait("attack", "80")]
    public async Task Redirection_without_or_with_two_targets_is_refused()
    {
        foreach (var locations in (string[][])[[], ["location: /a", "location: /b"], ["location: /a", "location: /a"]])
        {
            _bench.Registry.Answer = call => call.Path is "/a" or "/b" ? HostileAnswer.Of(200, "hello") : HostileAnswer.Of(302, "", locations);
            Assert.Equal("RedirectRefused", await _bench.ManifestAsync());
        }
    }

    [Theory, Trait("attack", "79")]
    [InlineData(5, "hello")]
    [InlineData(6, "RedirectRefused")]
    public async Task Redirections_are_followed_to_the_edge(int steps, string expected)
    {
        _bench.Registry.Answer = call => call.Path == $"/{steps}" ? HostileAnswer.Of(200, "hello") : HostileAnswer.Redirect($"/{(call.Path.Length > 9 ? 1 : int.Parse(call.Path[1..], System.Globalization.CultureInfo.InvariantCulture) + 1)}");
        Assert.Equal(expected, await _bench.ManifestAsync());
        Assert.Equal(Limits.RegistryRedirections + 1, _bench.Registry.Calls.Count);
    }

    [Fact, Trait("attack", "78")]
    public async Task Circle_is_left_at_its_first_turn()
    {
        _bench.Registry.Answer = call => HostileAnswer.Redirect(call.Path == "/a" ? "/b" : "/a");
        Assert.Equal("RedirectRefused", await _bench.ManifestAsync());
        Assert.Equal(3, _bench.Registry.Calls.Count);
    }

    [Fact, Trait("attack", "80")]
    public async Task Registry_at_a_link_local_address_is_not_asked_unless_it_is_listed()
    {
        var options = new RegistryOptions("169.254.169.254", true, [], RegistryCredentials.None, []);
        var outcome = await _bench.Client.GetManifestAsync(new RegistryRepository(options, "acme/api"), "v1", false, TestContext.Current.CancellationToken);
        Assert.Equal("RedirectRefused", RegistryBench.Text(outcome));
    }

    [Theory, Trait("attack", "82")]
    [InlineData("../../admin")]
    [InlineData("a/../../v1")]
    [InlineData("a/./b")]
    [InlineData("a/%2e%2e/b")]
    [InlineData("a?x=1")]
    [InlineData("a#b")]
    [InlineData("a\\..\\b")]
    [InlineData("/evil.example.com/a")]
    public async Task Path_that_is_none_is_asked_of_nobody(string path)
    {
        _bench.Path = path;
        await Assert.ThrowsAsync<ArgumentException>(() => _bench.ManifestAsync());
        await Assert.ThrowsAsync<ArgumentException>(() => _bench.TagAsync());
        await Assert.ThrowsAsync<ArgumentException>(() => _bench.ReferrersAsync());
        Assert.Empty(_bench.Registry.Calls);
    }

    [Theory, Trait("attack", "82")]
    [InlineData("")]
    [InlineData("../../acme/secret/manifests/v1")]
    [InlineData("v1?x=1")]
    [InlineData("v1/..")]
    [InlineData("v1@sha256:00")]
    [InlineData("sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")]
    [InlineData("v1\n")]
    public async Task Tag_that_is_none_is_asked_of_nobody(string tag)
    {
        await Assert.ThrowsAsync<ArgumentException>(() => _bench.TagAsync(tag));
        Assert.Empty(_bench.Registry.Calls);
    }

    [Theory, Trait("attack", "82")]
    [InlineData("a")]
    [InlineData("a/b/c/d")]
    [InlineData("a__b/c.d/e-f")]
    [InlineData("v2/manifests/blobs")]
    public async Task Every_name_that_an_image_can_have_stays_below_its_repository(string path)
    {
        Assert.True(ImageReference.TryParse($"{_bench.Registry.Host}/{path}", out var image));
        _bench.Path = image.Name[(image.Name.IndexOf('/', StringComparison.Ordinal) + 1)..];
        Assert.Equal("not there", await _bench.ManifestAsync());
        Assert.StartsWith($"/v2/{path}/manifests/sha256:", Assert.Single(_bench.Registry.Calls).Target, StringComparison.Ordinal);
    }

    [Theory, Trait("attack", "82")]
    [InlineData("a/../b")]
    [InlineData("a//b")]
    [InlineData("a/./b")]
    [InlineData("a/%2e%2e/b")]
    [InlineData("a?b")]
    [InlineData("a#b")]
    [InlineData("a\\b")]
    public void Name_that_could_leave_its_repository_is_no_image(string path) => Assert.False(ImageReference.TryParse($"{_bench.Registry.Host}/{path}", out _));
}
