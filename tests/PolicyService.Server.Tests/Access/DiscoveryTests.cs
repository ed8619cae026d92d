using System.Net;
using Microsoft.AspNetCore.Http;
using PolicyService.Core;
using PolicyService.Core.Access;
using PolicyService.Server.Access.Tokens;
using PolicyService.Tests.OpenId;

namespace PolicyService.Server.Tests.Access;

/// <summary>Keys of issuers: found over HTTP, rotated, gone, unreachable.</summary>
public sealed class DiscoveryTests
{
    private const string Unavailable = "the keys of the token's issuer cannot be read at the moment";

    [Fact]
    public async Task Rotated_key_counts_at_once_and_the_old_one_no_more()
    {
        using var old = IssuerKey.Rsa("old");
        using var fresh = IssuerKey.Rsa("fresh");
        await using var issuer = await OpenIdIssuer.StartAsync(old);
        await using var server = await StartAsync(issuer);
        var (oldToken, freshToken) = (Token(old, issuer), Token(fresh, issuer));
        await Taken(server, oldToken);
        await Credentials.AssertRefused(server, freshToken, "not signed by a known key");

        issuer.Keys = IssuerKey.Set(fresh);

        var took = await Taken(server, freshToken);
        TestContext.Current.TestOutputHelper!.WriteLine($"the new key counted after {took.TotalMilliseconds:0} ms; promised {IssuerKeys.Gap.TotalMilliseconds:0}");
        Assert.True(took < IssuerKeys.Gap * 5);
        await Credentials.AssertRefused(server, oldToken, "not signed by a known key");
    }

    [Fact]
    public async Task Key_that_the_issuer_takes_away_counts_no_more_after_the_next_look()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(TimeProvider.System.GetUtcNow());
        using var kept = IssuerKey.Rsa("kept");
        using var leaked = IssuerKey.Rsa("leaked");
        await using var issuer = await OpenIdIssuer.StartAsync(kept, leaked);
        await using var server = await StartAsync(issuer, time, "--Auth:Jwt:KeysInterval", "30s");
        var token = leaked.Sign(IssuerKey.Claims(issuer.Url, time.GetUtcNow()));
        await Taken(server, token);
        issuer.Keys = IssuerKey.Set(kept);

        time.Advance(TimeSpan.FromSeconds(29));
        await Credentials.AssertTaken(server, token);
        time.Advance(TimeSpan.FromSeconds(1));

        await Refused(server, token, "not signed by a known key");
        await Taken(server, kept.Sign(IssuerKey.Claims(issuer.Url, time.GetUtcNow())));
    }

    [Fact]
    public async Task Issuer_that_is_down_at_start_refuses_everybody_until_it_is_back()
    {
        using var key = IssuerKey.Rsa();
        await using var issuer = await OpenIdIssuer.StartAsync(key);
        issuer.IsDown = true;
        await using var server = await StartAsync(issuer);
        var token = Token(key, issuer);
        await Credentials.AssertRefused(server, token, Unavailable);

        issuer.IsDown = false;

        var took = await Taken(server, token);
        TestContext.Current.TestOutputHelper!.WriteLine($"keys were there again after {took.TotalMilliseconds:0} ms");
        var (_, body) = await ReadyAsync(server, token);
        Assert.Empty(body.GetProperty("access").EnumerateArray());
    }

    [Fact]
    public async Task Issuer_that_goes_down_later_leaves_its_keys()
    {
        using var key = IssuerKey.Rsa();
        await using var issuer = await OpenIdIssuer.StartAsync(key);
        await using var server = await StartAsync(issuer);
        await Taken(server, Token(key, issuer));
        issuer.IsDown = true;
        using var stranger = IssuerKey.Rsa("stranger");
        var before = issuer.Requests;
        await Eventually.Holds("the issuer was asked again and did not answer", async () =>
        {
            await Credentials.AssertRefused(server, Token(stranger, issuer), "not signed by a known key");
            return issuer.Requests > before && server.Log.Lines.Any(line => line.Contains("its keys cannot be read", StringComparison.Ordinal));
        });

        await Credentials.AssertTaken(server, Token(key, issuer, "another"));
        var (_, body) = await ReadyAsync(server, Token(key, issuer));
        Assert.Contains("its keys cannot be read", body.GetProperty("access")[0].GetProperty("problem").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Unknown_keys_do_not_make_the_service_ask_again_and_again()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(TimeProvider.System.GetUtcNow());
        using var key = IssuerKey.Rsa();
        using var stranger = IssuerKey.Rsa("stranger");
        await using var issuer = await OpenIdIssuer.StartAsync(key);
        await using var server = await StartAsync(issuer, time);
        await Taken(server, key.Sign(IssuerKey.Claims(issuer.Url, time.GetUtcNow())));

        for (var attempt = 0; attempt < 20; attempt++)
        {
            await Credentials.AssertRefused(server, stranger.Sign(IssuerKey.Claims(issuer.Url, time.GetUtcNow())), "not signed by a known key");
        }

        // One look is two requests: the clock stands still, so there was one look.
        Assert.Equal(2, issuer.Requests);
    }

    public static TheoryData<string> Answers => new("another issuer", "a redirection", "too long", "no JSON", "keys over there", "keys of somebody", "no key", "a secret key", "weak key");

    [Theory, MemberData(nameof(Answers))]
    public async Task Answer_that_cannot_be_meant_gives_no_keys(string what)
    {
        using var key = IssuerKey.Rsa();
        await using var issuer = await OpenIdIssuer.StartAsync(key);
        await using var elsewhere = await OpenIdIssuer.StartAsync(key);
        issuer.Instead = context => Answer(what, context, issuer, elsewhere);
        await using var server = await StartAsync(issuer);

        await Credentials.AssertRefused(server, Token(key, issuer), Unavailable);
        Assert.Equal(0, elsewhere.Requests);
    }

    [Theory]
    [InlineData("http://issuer.example", false)]
    [InlineData("ftp://127.0.0.1", false)]
    [InlineData("https://user:password@issuer.example", false)]
    [InlineData("https://issuer.example?x", false)]
    [InlineData("issuer", false)]
    [InlineData("https://issuer.example/realm", true)]
    [InlineData("http://127.0.0.1:8080", true)]
    public void Keys_are_looked_for_only_where_nobody_can_speak_for_the_issuer(string issuer, bool allowed) => Assert.Equal(allowed, KeyDiscovery.IsAllowed(issuer));

    [Theory]
    [InlineData("https://spiffe")]
    [InlineData("spiffe/prod.example.com")]
    [InlineData("https://x509/CN=admin")]
    [InlineData("https://policyservice/projects/shop")]
    [InlineData("policyservice")]
    [InlineData("https://SPIFFE")]
    public void Issuer_whose_name_means_other_members_is_refused(string issuer) => Assert.False(IssuerParser.ParseIssuer(issuer, out _, out _));

    [Fact]
    public async Task Keys_file_is_read_again()
    {
        using var old = IssuerKey.Rsa("old");
        using var fresh = IssuerKey.Ec("fresh");
        var documents = Documents();
        var file = documents.Beside("keys.json");
        Credentials.Write(file, old.PublicPem);
        await using var server = await TestServer.StartAsync(documents, more: [.. Credentials.Tokens(file), .. Credentials.Access(documents)]);
        string Sign(IssuerKey key) => key.Sign(IssuerKey.Claims(Credentials.Issuer, TimeProvider.System.GetUtcNow()));
        await Credentials.AssertTaken(server, Sign(old));

        Credentials.Write(file, IssuerKey.Set(fresh));
        var took = await Taken(server, Sign(fresh));
        TestContext.Current.TestOutputHelper!.WriteLine($"the new key counted after {took.TotalMilliseconds:0} ms; promised 1000");
        Assert.True(took < TimeSpan.FromSeconds(5));
        await Credentials.AssertRefused(server, Sign(old), "not signed by a known key");

        // A file that is no keys leaves the last ones.
        Credentials.Write(file, "nothing");
        await Eventually.Holds("the problem is known", () => server.Log.Lines.Any(line => line.Contains("neither a JWK Set", StringComparison.Ordinal)));
        await Credentials.AssertTaken(server, Sign(fresh));
    }

    [Fact]
    public async Task Two_issuers_cannot_name_each_others_people()
    {
        using var first = IssuerKey.Rsa("first");
        using var second = IssuerKey.Rsa("second");
        var documents = Documents();
        Credentials.Write(documents.Beside("first.json"), IssuerKey.Set(first));
        Credentials.Write(documents.Beside("second.json"), IssuerKey.Set(second));
        var seen = new SeenCallers();
        var others = $"issuers: [{{issuer: 'https://other.example', audience: policyservice, keysFile: '{documents.Beside("second.json")}', emailDomains: [other.example]}}]";
        await using var server = await TestServer.StartAsync(
            documents, configure: seen.Add, more: [.. Credentials.Tokens(documents.Beside("first.json")), .. Credentials.Access(documents, others)]);
        var now = TimeProvider.System.GetUtcNow();
        (string, System.Text.Json.Nodes.JsonNode?)[] alice = [("email", "Alice@Example.com"), ("email_verified", true), ("groups", "admins")];

        await Taken(server, first.Sign(IssuerKey.Claims(Credentials.Issuer, now, alice)));
        Assert.Equal(["principal://issuer.example/subject/somebody", "user:alice@example.com", "group:admins"], seen.Last.Members);
        await Taken(server, second.Sign(IssuerKey.Claims("https://other.example", now, alice)));
        Assert.Equal(["principal://other.example/subject/somebody"], seen.Last.Members);
        await Taken(server, second.Sign(IssuerKey.Claims("https://other.example", now, ("email", "bob@other.example"), ("email_verified", true))));
        Assert.Equal(["principal://other.example/subject/somebody", "user:bob@other.example"], seen.Last.Members);

        // Nor does a key of the one sign for the other.
        await Credentials.AssertRefused(server, second.Sign(IssuerKey.Claims(Credentials.Issuer, now)), "not signed by a known key");
        // An issuer that is taken away speaks for nobody, whatever was verified before.
        Credentials.Access(documents);
        await Refused(server, second.Sign(IssuerKey.Claims("https://other.example", now, alice)), "none that this service trusts");
        await Credentials.AssertTaken(server, first.Sign(IssuerKey.Claims(Credentials.Issuer, now, alice)));
    }

    private static Task Answer(string what, HttpContext context, OpenIdIssuer issuer, OpenIdIssuer elsewhere)
    {
        var isKeys = context.Request.Path == "/keys";
        string? text = (what, isKeys) switch
        {
            ("another issuer", false) => $$"""{"issuer":"{{elsewhere.Url}}","jwks_uri":"{{issuer.Url}}/keys"}""",
            ("too long", true) => new string(' ', Limits.CredentialFileBytes) + issuer.Keys,
            ("no JSON", true) => "<html>",
            ("keys over there", false) => $$"""{"issuer":"{{issuer.Url}}","jwks_uri":"http://192.0.2.1/keys"}""",
            // Elsewhere there would be nothing, whoever looked; these are keys all the same.
            ("keys of somebody", false) => $$"""{"issuer":"{{issuer.Url}}","jwks_uri":"{{issuer.Url.Replace("://", "://somebody@", StringComparison.Ordinal)}}/keys"}""",
            ("no key", true) => """{"keys":[]}""",
            ("a secret key", true) => """{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}""",
            ("weak key", true) => """{"keys":[{"kty":"RSA","n":"u1W2","e":"AQAB"}]}""",
            _ => null,
        };
        if (what == "a redirection")
        {
            context.Response.Redirect($"{elsewhere.Url}{context.Request.Path}");
            return Task.CompletedTask;
        }

        return text is null ? issuer.StandardAsync(context) : context.Response.WriteAsync(text, context.RequestAborted);
    }

    private static string Token(IssuerKey key, OpenIdIssuer issuer, string subject = "somebody") =>
        key.Sign(IssuerKey.Claims(issuer.Url, TimeProvider.System.GetUtcNow(), ("sub", subject)));

    private static Task<TestServer> StartAsync(OpenIdIssuer issuer, TimeProvider? time = null, params string[] more)
    {
        var documents = Documents();
        return TestServer.StartAsync(documents, time, more: [.. Credentials.Discovery(issuer.Url), .. Credentials.Access(documents), .. more]);
    }

    private static DocumentsFolder Documents() => DocumentsFolder.Fixed("ALWAYS_ALLOW");

    private static Task<TimeSpan> Taken(TestServer server, string token) =>
        Eventually.Holds("the token is taken", async () => (await Credentials.RestAsync(server, token)).Status is HttpStatusCode.OK);

    private static Task<TimeSpan> Refused(TestServer server, string token, string message) =>
        Eventually.Holds("the token is refused", async () => (await Credentials.RestAsync(server, token)).Message.Contains(message, StringComparison.Ordinal));

    private static async Task<(HttpStatusCode Status, System.Text.Json.JsonElement Body)> ReadyAsync(TestServer server, string token)
    {
        server.Http.DefaultRequestHeaders.Authorization = new("Bearer", token);
        try
        {
            return await server.ReadyAsync();
        }
        finally
        {
            server.Http.DefaultRequestHeaders.Authorization = null;
        }
    }
}
