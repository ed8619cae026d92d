using System.Text;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Evidence.Http;
using PolicyService.Evidence.Registries;
using PolicyService.Tests.Registries;

namespace PolicyService.Evidence.Tests.Registries;

/// <summary>What a registry and its realm are shown, and who is shown nothing (ATTACK 79, 80, 83).</summary>
public sealed class RegistryAuthTests : IAsyncDisposable
{
    private const string Token = "{\"token\": \"t1\", \"expires_in\": 300}";

    private readonly RegistryBench _bench = new();

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    [Fact]
    public async Task Token_of_the_realm_is_presented_and_kept_and_asks_for_pull_alone()
    {
        var realm = _bench.Other(_ => HostileAnswer.Of(200, Token));
        Protect("Bearer t1", $"Bearer realm=\"{realm.Url}/token?account=x\",service=\"a&b=c\",scope=\"repository:acme/api:pull,push,delete registry:catalog:*\"");

        Assert.Equal("hello", await _bench.ManifestAsync());
        Assert.Equal("hello", await _bench.ManifestAsync());

        Assert.Equal("/token?account=x&service=a%26b%3Dc&scope=repository%3Aacme%2Fapi%3Apull", Assert.Single(realm.Calls).Target);
        Assert.Null(realm.Calls.Single().Authorization);
        Assert.Equal([null, "Bearer t1", "Bearer t1"], _bench.Registry.Calls.Select(call => call.Authorization));
    }

    [Fact]
    public async Task Token_is_for_one_repository_and_ends_ten_seconds_early()
    {
        var clock = new FakeTimeProvider();
        await using var bench = new RegistryBench(time: clock);
        var number = 0;
        var realm = bench.Other(_ => HostileAnswer.Of(200, $$"""{"access_token": "t{{++number}}", "expires_in": 60}"""));
        Protect(bench, call => call.Authorization == $"Bearer t{number}", $"Bearer realm=\"{realm.Url}/token\"");

        Assert.Equal("hello", await bench.ManifestAsync());
        bench.Path = "acme/web";
        Assert.Equal("hello", await bench.ManifestAsync());
        Assert.Equal(["/token?scope=repository%3Aacme%2Fapi%3Apull", "/token?scope=repository%3Aacme%2Fweb%3Apull"], realm.Calls.Select(call => call.Target));

        clock.Advance(TimeSpan.FromSeconds(50) - TimeSpan.FromTicks(1));
        Assert.Equal("hello", await bench.ManifestAsync());
        Assert.Equal(2, realm.Calls.Count);
        clock.Advance(TimeSpan.FromTicks(1));
        Assert.Equal("hello", await bench.ManifestAsync());
        Assert.Equal(3, realm.Calls.Count);
    }

    [Fact, Trait("attack", "84")]
    public async Task Realm_is_asked_once_for_all_who_need_the_same_token()
    {
        var gate = new TaskCompletionSource();
        var realm = _bench.Other(_ => HostileAnswer.Of(200, Token));
        realm.Gate = gate.Task;
        Protect("Bearer t1", $"Bearer realm=\"{realm.Url}/token\"");

        var asking = Enumerable.Range(0, 10).Select(_ => _bench.ManifestAsync()).ToArray();
        await Eventually.Holds("all have been challenged", () => _bench.Registry.Calls.Count == 10 && _bench.Registry.UnderWay == 0);
        gate.SetResult();

        Assert.All(await Task.WhenAll(asking), text => Assert.Equal("hello", text));
        Assert.InRange(realm.Calls.Count, 1, 2);
        Assert.Equal(20, _bench.Registry.Calls.Count);
    }

    [Fact]
    public async Task Credential_is_looked_for_after_a_challenge_and_goes_to_the_realm()
    {
        var asked = new List<string>();
        _bench.Credential = (host, isRefused) =>
        {
            asked.Add($"{host} {isRefused}");
            return new RegistryCredential("user", "pässword");
        };
        var realm = _bench.Other(_ => HostileAnswer.Of(200, Token));
        _bench.Registry.Answer = _ => HostileAnswer.Of(200, "hello");
        Assert.Equal("hello", await _bench.ManifestAsync());
        Assert.Empty(asked);

        Protect("Bearer t1", $"Bearer realm=\"{realm.Url}/token\"");
        Assert.Equal("hello", await _bench.ManifestAsync());
        Assert.Equal([$"{_bench.Registry.Host} False"], asked);
        Assert.Equal(Basic("user:pässword"), Assert.Single(realm.Calls).Authorization);
        Assert.Equal([null, null, "Bearer t1"], _bench.Registry.Calls.Select(call => call.Authorization));
    }

    [Fact]
    public async Task Identity_token_is_posted_to_the_realm()
    {
        _bench.Credential = (_, _) => new RegistryCredential("<token>", "refresh&me") { IsIdentityToken = true };
        var realm = _bench.Other(_ => HostileAnswer.Of(200, Token));
        Protect("Bearer t1", $"Bearer realm=\"{realm.Url}/token\",service=\"s\"");

        Assert.Equal("hello", await _bench.ManifestAsync());
        var call = Assert.Single(realm.Calls);
        Assert.Equal(("POST", "/token", (string?)null), (call.Method, call.Target, call.Authorization));
        Assert.Equal("grant_type=refresh_token&service=s&scope=repository%3Aacme%2Fapi%3Apull&client_id=PolicyService&refresh_token=refresh%26me", call.Body);
    }

    [Fact]
    public async Task Basic_goes_to_the_registry_itself()
    {
        _bench.Credential = (_, _) => new RegistryCredential("user", "secret");
        Protect(Basic("user:secret"), "Basic realm=\"x\"");
        Assert.Equal("hello", await _bench.ManifestAsync());
        Assert.Equal("hello", await _bench.ManifestAsync());
        Assert.Equal([null, Basic("user:secret"), Basic("user:secret")], _bench.Registry.Calls.Select(call => call.Authorization));
    }

    [Theory, Trait("attack", "83")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_refused_is_renewed_once(bool isBasic)
    {
        var asked = new List<bool>();
        _bench.Credential = (_, isRefused) =>
        {
            asked.Add(isRefused);
            return new RegistryCredential("user", isRefused ? "new" : "old");
        };
        var realm = _bench.Other(call => call.Authorization == Basic("user:new") ? HostileAnswer.Of(200, Token) : HostileAnswer.Of(401));
        Protect(isBasic ? Basic("user:new") : "Bearer t1", isBasic ? "Basic" : $"Bearer realm=\"{realm.Url}/token\"");
        Assert.Equal("hello", await _bench.ManifestAsync());
        Assert.Contains(true, asked);

        Protect("nothing will do", isBasic ? "Basic" : $"Bearer realm=\"{realm.Url}/token\"");
        var before = _bench.Registry.Calls.Count;
        Assert.Equal("Unauthenticated", await _bench.ManifestAsync());
        Assert.InRange(_bench.Registry.Calls.Count - before, 1, 3);
    }

    [Fact, Trait("attack", "83")]
    public async Task Token_of_before_that_is_refused_is_fetched_anew_once()
    {
        var number = 0;
        var realm = _bench.Other(_ => HostileAnswer.Of(200, $$"""{"token": "t{{++number}}"}"""));
        Protect(_bench, call => call.Authorization == $"Bearer t{number}", $"Bearer realm=\"{realm.Url}/token\"");
        Assert.Equal("hello", await _bench.ManifestAsync());
        Protect(_bench, call => call.Authorization == "Bearer t2", $"Bearer realm=\"{realm.Url}/token\"");
        Assert.Equal("hello", await _bench.ManifestAsync());
        Assert.Equal([null, "Bearer t1", "Bearer t1", "Bearer t2"], _bench.Registry.Calls.Select(call => call.Authorization));
    }

    [Theory, Trait("attack", "83")]
    [InlineData("Unauthenticated", 401, "")]
    [InlineData("Unauthenticated", 403, "")]
    [InlineData("Unauthenticated", 400, "")]
    [InlineData("RateLimited", 429, "")]
    [InlineData("CredentialsUnreachable", 500, "")]
    [InlineData("CredentialsUnreachable", 204, "")]
    [InlineData("CredentialsUnreachable", 200, "")]
    [InlineData("CredentialsUnreachable", 200, "<html>")]
    [InlineData("CredentialsUnreachable", 200, "[]")]
    [InlineData("CredentialsUnreachable", 200, "{}")]
    [InlineData("CredentialsUnreachable", 200, "{\"token\": \"\"}")]
    [InlineData("CredentialsUnreachable", 200, "{\"token\": 5}")]
    [InlineData("CredentialsUnreachable", 200, "{\"token\": \"a\", \"token\": \"b\"}")]
    [InlineData("CredentialsUnreachable", 200, "{\"token\": \"a\\r\\nx: y\"}")]
    [InlineData("CredentialsUnreachable", 200, "{\"token\": \"\\ud800\"}")]
    public async Task Realm_that_fails_has_a_class(string failure, int status, string body)
    {
        var realm = _bench.Other(_ => HostileAnswer.Of(status, body));
        Protect("Bearer t1", $"Bearer realm=\"{realm.Url}/token\"");
        Assert.Equal(failure, await _bench.ManifestAsync());
    }

    [Theory, Trait("attack", "77")]
    [InlineData(HostileBody.Silent)]
    [InlineData(HostileBody.Drip)]
    [InlineData(HostileBody.Endless)]
    [InlineData(HostileBody.Hangup)]
    [InlineData(HostileBody.Truncated)]
    public async Task Realm_that_hangs_or_never_ends_is_unreachable(HostileBody kind)
    {
        // Only the realm's time ends: of the attempt a third is left.
        var clock = new FakeTimeProvider();
        await using var bench = new RegistryBench(time: clock);
        var realm = bench.Other(_ => HostileAnswer.Of(kind, Token));
        Protect(bench, call => call.Authorization == "Bearer t1", $"Bearer realm=\"{realm.Url}/token\"");
        var asking = bench.ManifestAsync();
        await Eventually.Holds("the realm is asked", () => !realm.Calls.IsEmpty);
        clock.Advance(RegistryBench.Patient * 2 / 3);
        Assert.Equal("CredentialsUnreachable", await asking);
    }

    [Theory, Trait("attack", "77")]
    [InlineData(0, "hello")]
    [InlineData(1, "CredentialsUnreachable")]
    public async Task Answer_of_the_realm_is_read_to_the_edge(int beyond, string expected)
    {
        var realm = _bench.Other(_ => HostileAnswer.Of(200, Token.PadRight(Core.Limits.RegistryReplyBytes + beyond)));
        Protect("Bearer t1", $"Bearer realm=\"{realm.Url}/token\"");
        Assert.Equal(expected, await _bench.ManifestAsync());
    }

    [Theory, Trait("attack", "80")]
    [InlineData("http://169.254.169.254/latest/meta-data/iam")]
    [InlineData("http://2852039166/token")]
    [InlineData("http://[fe80::1]/token")]
    [InlineData("http://10.0.0.1/token")]
    [InlineData("{other}/token")]
    [InlineData("{named}/token")]
    [InlineData("http://user:secret@{host}/token")]
    [InlineData("http://{host}/token#fragment")]
    [InlineData("ftp://{host}/token")]
    [InlineData("/token")]
    [InlineData("not a url")]
    public async Task Realm_where_we_do_not_go_gets_nothing(string realm)
    {
        var asked = _bench.Other(_ => HostileAnswer.Of(200, Token), isListed: false);
        _bench.Credential = (_, _) => new RegistryCredential("user", "secret");
        var named = asked.Url.Replace("127.0.0.1", "localhost", StringComparison.Ordinal);
        Protect("Bearer t1", $"Bearer realm=\"{realm.Replace("{other}", asked.Url, StringComparison.Ordinal).Replace("{named}", named, StringComparison.Ordinal).Replace("{host}", _bench.Registry.Host, StringComparison.Ordinal)}\"");
        Assert.Equal("RealmRefused", await _bench.ManifestAsync());
        Assert.Empty(asked.Calls);
        Assert.Single(_bench.Registry.Calls);
    }

    [Fact, Trait("attack", "80")]
    public async Task Realm_may_be_the_registry_itself_or_a_name_that_is_listed()
    {
        var other = _bench.Other(_ => HostileAnswer.Of(200, Token), isListed: false);
        _bench.PrivateHosts.Add("localhost");
        _bench.Registry.Answer = call => call.Path == "/token" ? HostileAnswer.Of(200, Token)
            : call.Authorization == "Bearer t1" ? HostileAnswer.Of(200, "hello")
            : HostileAnswer.Challenge($"Bearer realm=\"{(call.Path.Contains("/web/", StringComparison.Ordinal) ? other.Url.Replace("127.0.0.1", "localhost", StringComparison.Ordinal) : _bench.Registry.Url)}/token\"");
        Assert.Equal("hello", await _bench.ManifestAsync());
        Assert.Empty(other.Calls);
        _bench.Path = "acme/web/x";
        Assert.Equal("hello", await _bench.ManifestAsync());
        Assert.Single(other.Calls);
    }

    [Fact, Trait("attack", "79")]
    public async Task Realm_that_redirects_is_not_followed()
    {
        var attacker = _bench.Other(_ => HostileAnswer.Of(200, Token));
        var realm = _bench.Other(_ => HostileAnswer.Redirect($"{attacker.Url}/token"));
        _bench.Credential = (_, _) => new RegistryCredential("user", "secret");
        Protect("Bearer t1", $"Bearer realm=\"{realm.Url}/token\"");
        Assert.Equal("RealmRefused", await _bench.ManifestAsync());
        Assert.Empty(attacker.Calls);
    }

    [Theory, Trait("attack", "83")]
    [InlineData(false, "NoCredentials")]
    [InlineData(true, "CredentialsUnreachable")]
    public async Task Credential_that_cannot_be_had_has_a_class(bool isOutage, string expected)
    {
        _bench.Credential = (_, _) => throw new CredentialsException(isOutage ? CallFailure.CredentialsUnreachable : CallFailure.NoCredentials);
        Protect("Bearer t1", "Basic");
        Assert.Equal(expected, await _bench.ManifestAsync());
        // What is for everybody needs none.
        _bench.Registry.Answer = _ => HostileAnswer.Of(200, "hello");
        Assert.Equal("hello", await _bench.ManifestAsync());
    }

    [Fact]
    public void Nothing_secret_is_written()
    {
        var credential = new RegistryCredential("user", "canary");
        string[] texts = [$"{credential}", $"{new RegistryToken("canary", default)}", $"{new Authorization(new("Bearer", "canary"), default)}"];
        Assert.All(texts, text => Assert.DoesNotContain("canary", text, StringComparison.Ordinal));
    }

    private void Protect(string authorization, string challenge) => Protect(_bench, call => call.Authorization == authorization, challenge);

    private static void Protect(RegistryBench bench, Func<HostileCall, bool> isEnough, string challenge) =>
        bench.Registry.Answer = call => isEnough(call) ? HostileAnswer.Of(200, "hello") : HostileAnswer.Challenge(challenge);

    private static string Basic(string text) => $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes(text))}";
}
