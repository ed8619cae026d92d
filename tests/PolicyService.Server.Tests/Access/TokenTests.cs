using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Core;
using PolicyService.Server.Access.Tokens;
using PolicyService.Tests.OpenId;

namespace PolicyService.Server.Tests.Access;

/// <summary>Tokens that must not count, over both ports of a running service; and those that must.</summary>
public sealed class TokenTests(TokenServer shared) : IClassFixture<TokenServer>
{
    private TestServer Server => shared.Server;

    private DateTimeOffset Now => shared.Time.GetUtcNow();

    [Theory]
    [InlineData("RS256")]
    [InlineData("PS256")]
    public async Task Right_token_of_an_RSA_key_is_taken(string algorithm)
    {
        await Credentials.AssertTaken(Server, shared.Rsa.Sign(Claims()));
        using var other = IssuerKey.Rsa("other", algorithm);
        Credentials.Write(shared.KeysFile, IssuerKey.Set(shared.Rsa, shared.Second, shared.Ec, other));
        shared.Look();
        await Credentials.AssertTaken(Server, other.Sign(Claims()));
    }

    [Fact]
    public async Task Right_tokens_in_other_forms_are_taken()
    {
        await Credentials.AssertTaken(Server, shared.Ec.Sign(Claims()));
        await Credentials.AssertTaken(Server, shared.Rsa.Sign(Claims(("aud", new JsonArray("other", "policyservice")))));
        await Credentials.AssertTaken(Server, shared.Rsa.Sign(Claims(), ("kid", null)));
        await Credentials.AssertTaken(Server, shared.Rsa.Sign(Claims(), ("typ", null)));
        await Credentials.AssertTaken(Server, shared.Rsa.Sign(Claims(), ("typ", "at+jwt")));
    }

    [Fact]
    public Task No_credentials_are_refused() => Credentials.AssertRefused(Server, null, "the request has no credentials");

    [Theory]
    [InlineData("iss", "https://issuer.example/")]
    [InlineData("iss", "https://issuer.example.evil")]
    [InlineData("iss", null)]
    public Task Wrong_issuer_is_refused(string name, string? value) =>
        Credentials.AssertRefused(Server, shared.Rsa.Sign(Claims((name, value))), "the token's issuer is none that this service trusts");

    [Theory]
    [InlineData("policyservice/")]
    [InlineData("Policyservice")]
    [InlineData("policyservice other")]
    [InlineData(null)]
    public Task Wrong_audience_is_refused(string? audience) =>
        Credentials.AssertRefused(Server, shared.Rsa.Sign(Claims(("aud", audience))), "the token is for another audience");

    [Fact, Trait("attack", "53")]
    public async Task Algorithm_none_is_refused()
    {
        foreach (var name in new[] { "none", "None", "NONE", "" })
        {
            var input = IssuerKey.Input($$"""{"alg":"{{name}}","typ":"JWT"}""", Claims().ToJsonString());
            await Credentials.AssertRefused(Server, $"{input}.", "`alg` does not count");
            await Credentials.AssertRefused(Server, $"{input}.AAAA", "`alg` does not count");
        }

        await Credentials.AssertRefused(Server, shared.Rsa.Sign(Claims()).Split('.') is [var header, var claims, _] ? $"{header}.{claims}." : "", "not signed by a known key");
    }

    [Fact, Trait("attack", "53")]
    public async Task HS256_with_the_public_key_as_the_secret_is_refused()
    {
        foreach (var key in new[] { shared.Rsa, shared.Ec })
        {
            foreach (var secret in new[] { key.PublicDer, Encoding.ASCII.GetBytes(key.PublicPem), Encoding.ASCII.GetBytes(key.PublicPem + "\n"), Encoding.UTF8.GetBytes(key.Jwk().ToJsonString()) })
            {
                await Credentials.AssertRefused(
                    Server, IssuerKey.Hmac(secret, $$"""{"alg":"HS256","kid":"{{key.KeyId}}","typ":"JWT"}""", Claims()), "`alg` does not count");
                await Credentials.AssertRefused(
                    Server, IssuerKey.Hmac(secret, $$"""{"alg":"{{key.Algorithm}}","kid":"{{key.KeyId}}","typ":"JWT"}""", Claims()), "not signed by a known key");
            }
        }
    }

    [Fact, Trait("attack", "53")]
    public async Task Kid_of_another_key_is_refused()
    {
        await Credentials.AssertRefused(Server, shared.Rsa.Sign(Claims(), ("kid", shared.Second.KeyId)), "not signed by a known key");
        await Credentials.AssertRefused(Server, shared.Rsa.Sign(Claims(), ("kid", "../../keys")), "not signed by a known key");
        await Credentials.AssertRefused(Server, shared.Rsa.Sign(Claims(), ("kid", 7)), "`kid` is no text");
    }

    [Fact, Trait("attack", "53")]
    public async Task Key_that_the_token_brings_along_is_not_used()
    {
        using var own = IssuerKey.Rsa("own");
        await Credentials.AssertRefused(Server, own.Sign(Claims(), ("jwk", own.Jwk())), "not signed by a known key");
        await Credentials.AssertRefused(Server, own.Sign(Claims(), ("jwk", own.Jwk()), ("kid", null)), "not signed by a known key");
        await Credentials.AssertRefused(Server, own.Sign(Claims(), ("jku", "http://127.0.0.1:1/keys"), ("kid", shared.Rsa.KeyId)), "not signed by a known key");
    }

    [Fact, Trait("attack", "53")]
    public async Task Nested_and_encrypted_tokens_are_refused()
    {
        var inner = shared.Rsa.Sign(Claims());
        await Credentials.AssertRefused(Server, shared.Rsa.Sign(Claims(), ("cty", "JWT")), "a nested, compressed or extended token does not count");
        await Credentials.AssertRefused(Server, shared.Rsa.Sign("""{"alg":"RS256","kid":"rsa-1"}""", $"\"{inner}\""), "no signed JWT");
        await Credentials.AssertRefused(Server, $"{inner}.AAAA.AAAA", "no signed JWT");
        await Credentials.AssertRefused(Server, shared.Rsa.Sign(Claims(), ("crit", new JsonArray("exp"))), "a nested, compressed or extended token does not count");
        await Credentials.AssertRefused(Server, shared.Rsa.Sign(Claims(), ("b64", false), ("crit", new JsonArray("b64"))), "a nested, compressed or extended token does not count");
    }

    [Fact]
    public async Task Token_for_another_purpose_is_refused() =>
        await Credentials.AssertRefused(Server, shared.Rsa.Sign(Claims(), ("typ", "logout+jwt")), "made for another purpose");

    [Fact]
    public async Task Expired_token_is_refused_and_says_since_when()
    {
        var expires = Now.AddMinutes(-2);
        await Credentials.AssertRefused(Server, shared.Rsa.Sign(Claims(("exp", expires.ToUnixTimeSeconds()))), $"the token has expired, at {expires.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}");
    }

    [Fact]
    public Task Token_that_is_not_valid_yet_is_refused() =>
        Credentials.AssertRefused(Server, shared.Rsa.Sign(Claims(("nbf", Now.AddMinutes(2).ToUnixTimeSeconds()))), "the token is not valid yet");

    [Fact]
    public async Task Skew_counts_to_its_edge_and_no_further()
    {
        await Credentials.AssertTaken(Server, shared.Rsa.Sign(Claims(("exp", Now.ToUnixTimeSeconds() - 59))));
        await Credentials.AssertRefused(Server, shared.Rsa.Sign(Claims(("exp", Now.ToUnixTimeSeconds() - 60))), "expired");
        await Credentials.AssertTaken(Server, shared.Rsa.Sign(Claims(("nbf", Now.ToUnixTimeSeconds() + 60))));
        await Credentials.AssertRefused(Server, shared.Rsa.Sign(Claims(("nbf", Now.ToUnixTimeSeconds() + 61))), "not valid yet");
    }

    [Fact]
    public async Task Token_without_exp_is_refused()
    {
        await Credentials.AssertRefused(Server, shared.Rsa.Sign(Claims(("exp", null))), "the token has no `exp`");
        await Credentials.AssertRefused(Server, shared.Rsa.Sign(Claims(("exp", "tomorrow"))), "seconds since 1970");
        await Credentials.AssertRefused(Server, shared.Rsa.Sign(Claims(("exp", 1e30))), "seconds since 1970");
    }

    [Fact]
    public async Task Token_that_names_nobody_is_refused()
    {
        await Credentials.AssertRefused(Server, shared.Rsa.Sign(Claims(("sub", null))), "no `sub`");
        await Credentials.AssertRefused(Server, shared.Rsa.Sign(Claims(("sub", ""))), "no `sub`");
        await Credentials.AssertRefused(Server, shared.Rsa.Sign(Claims(("sub", "a\nb"))), "no `sub`");
    }

    [Fact]
    public async Task Forged_tokens_are_refused()
    {
        using var stranger = IssuerKey.Rsa();
        await Credentials.AssertRefused(Server, stranger.Sign(Claims()), "not signed by a known key");
        var parts = shared.Rsa.Sign(Claims()).Split('.');
        var other = shared.Rsa.Sign(Claims(("sub", "admin"))).Split('.');
        await Credentials.AssertRefused(Server, $"{parts[0]}.{other[1]}.{parts[2]}", "not signed by a known key");
    }

    public static TheoryData<string, string> Malformed => new()
    {
        { "no token", "" },
        { "one part", "abc" },
        { "two parts", "abc.def" },
        { "no JSON", "YWJj.YWJj.YWJj" },
        { "no base64url", "a+b.c/d.e=" },
        { "a list", "W10.W10.W10" },
        { "claims twice", IssuerKey.Input("""{"alg":"RS256"}""", """{"iss":"a","iss":"b"}""") + ".AAAA" },
        { "half a character", IssuerKey.Input("""{"alg":"RS256"}""", """{"iss":"\ud800"}""") + ".AAAA" },
        { "deep", IssuerKey.Input("""{"alg":"RS256"}""", new string('[', 200) + new string(']', 200)) + ".AAAA" },
    };

    [Theory, MemberData(nameof(Malformed))]
    public async Task Malformed_token_is_refused(string name, string token)
    {
        var (status, message) = await Credentials.RestAsync(Server, token);

        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, status);
        Assert.True(message.StartsWith("the token is no signed JWT", StringComparison.Ordinal) || message.Contains("another scheme", StringComparison.Ordinal), $"{name}: {message}");
    }

    [Fact]
    public Task Long_token_is_refused() =>
        Credentials.AssertRefused(Server, shared.Rsa.Sign(Claims(("x", new string('x', 13 * 1024)))), $"more than {Limits.BearerTokenBytes} bytes");

    [Theory]
    [InlineData("Basic dXNlcjpwYXNz")]
    [InlineData("Bearer")]
    [InlineData("{token}")]
    public async Task Another_scheme_is_refused(string header)
    {
        using var request = Credentials.Question();
        request.Headers.TryAddWithoutValidation("Authorization", header.Replace("{token}", shared.Rsa.Sign(Claims()), StringComparison.Ordinal));
        using var response = await Server.Http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, response.StatusCode);
    }

    [Fact]
    public async Task Token_is_verified_once_and_still_expires()
    {
        var cache = Server.Services.GetRequiredService<TokenVerifier>().Cache;
        var before = cache.Count;
        var token = shared.Rsa.Sign(Claims(("sub", "cached")));
        for (var time = 0; time < 10; time++)
        {
            await Credentials.AssertTaken(Server, token);
        }

        Assert.Equal(before + 1, cache.Count);
        shared.Time.Advance(TimeSpan.FromMinutes(6) - TimeSpan.FromSeconds(1));
        await Credentials.AssertTaken(Server, token);
        shared.Time.Advance(TimeSpan.FromSeconds(1));
        await Credentials.AssertRefused(Server, token, "expired");
    }

    private JsonObject Claims(params (string Name, JsonNode? Value)[] more) => IssuerKey.Claims(Credentials.Issuer, Now, more);
}

/// <summary>A service with three keys of one issuer, and a clock that stands still.</summary>
public sealed class TokenServer : IAsyncLifetime
{
    private readonly Signer _signer = new();
    private TestServer? _server;

    internal TestServer Server => _server!;

    internal FakeTimeProvider Time { get; } = new(DateTimeOffset.FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds()));

    internal IssuerKey Rsa { get; } = IssuerKey.Rsa();

    internal IssuerKey Second { get; } = IssuerKey.Rsa("rsa-2");

    internal IssuerKey Ec { get; } = IssuerKey.Ec();

    internal string KeysFile => Server.Documents.Beside("keys.json");

    public async ValueTask InitializeAsync()
    {
        var documents = DocumentsFolder.Standard(_signer);
        File.WriteAllText(documents.Beside("keys.json"), IssuerKey.Set(Rsa, Second, Ec));
        _server = await TestServer.StartAsync(documents, Time, more: [.. Credentials.Tokens(documents.Beside("keys.json")), .. Credentials.Access(documents)]);
    }

    /// <summary>Has it look at its files; its own looks wait for the clock.</summary>
    internal void Look() => Server.Services.GetRequiredService<PolicyService.Server.Access.AuthenticationWatcher>().Look();

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        _signer.Dispose();
        Rsa.Dispose();
        Second.Dispose();
        Ec.Dispose();
    }
}
