using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Amazon.Runtime.Internal.Auth;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Core;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Http;
using PolicyService.Evidence.Registries;
using PolicyService.Evidence.Registries.Credentials;

namespace PolicyService.Evidence.Tests.Registries.Credentials;

/// <summary>Tokens of the clouds for their registries, against stand-ins that look at every byte of the question.</summary>
public sealed class CloudTokenTests : IDisposable
{
    private const string Ecr = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
    private const string Acr = "acme.azurecr.io";
    private static readonly string Secret = Canary.For("cloud-token");
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 23, 12, 0, 0, TimeSpan.Zero));
    private readonly TokenStandIn _cloud = new();
    private readonly List<Uri> _reached = [];
    private readonly List<string> _scopes = [];
    private readonly RegistryCredentialStore _store;
    private AwsKey _key = new("AKIDEXAMPLE", Canary.For("aws-key"), Canary.For("aws-session"));
    private CallFailure _failure;

    public CloudTokenTests() => _store = new RegistryCredentialStore(new RegistrySettings(), Clouds, _clock);

    private CloudCredentials Clouds => new(
        _ => Give(Canary.For("google")),
        _ => Give(_key),
        (scope, _) =>
        {
            _scopes.Add(scope);
            return Give(Canary.For("azure"));
        },
        address =>
        {
            _reached.Add(address);
            return _cloud.Url;
        });

    /// <summary>SECRET stands for the secret: rows are printed.</summary>
    public static TheoryData<string, int, string, int> Failing => new()
    {
        { "refused", 400, """{"__type": "ExpiredTokenException"}""", (int)CallFailure.NoCredentials },
        { "forbidden", 403, "{}", (int)CallFailure.NoCredentials },
        { "unauthenticated", 401, "{}", (int)CallFailure.NoCredentials },
        { "throttled", 400, """{"__type": "ThrottlingException"}""", (int)CallFailure.CredentialsUnreachable },
        { "too many", 429, "", (int)CallFailure.CredentialsUnreachable },
        { "failed", 503, "", (int)CallFailure.CredentialsUnreachable },
        { "sent elsewhere", 302, "", (int)CallFailure.CredentialsUnreachable },
        { "no JSON", 200, "SECRET", (int)CallFailure.CredentialsUnreachable },
        { "no object", 200, "[]", (int)CallFailure.CredentialsUnreachable },
        { "nothing in it", 200, "{}", (int)CallFailure.CredentialsUnreachable },
        { "empty list", 200, """{"authorizationData": [], "refresh_token": ""}""", (int)CallFailure.CredentialsUnreachable },
        { "no base64", 200, """{"authorizationData": [{"authorizationToken": "!", "expiresAt": 1}], "refresh_token": 1}""", (int)CallFailure.CredentialsUnreachable },
        { "no colon", 200, """{"authorizationData": [{"authorizationToken": "QVdT", "expiresAt": 1}], "refresh_token": null}""", (int)CallFailure.CredentialsUnreachable },
        { "no user", 200, """{"authorizationData": [{"authorizationToken": "OnA=", "expiresAt": 1}]}""", (int)CallFailure.CredentialsUnreachable },
        { "no password", 200, """{"authorizationData": [{"authorizationToken": "QVdTOg==", "expiresAt": 1}]}""", (int)CallFailure.CredentialsUnreachable },
        { "no end", 200, """{"authorizationData": [{"authorizationToken": "QVdTOnA="}]}""", (int)CallFailure.CredentialsUnreachable },
        { "an end beyond time", 200, """{"authorizationData": [{"authorizationToken": "QVdTOnA=", "expiresAt": 1e300}]}""", (int)CallFailure.CredentialsUnreachable },
        { "duplicate key", 200, """{"authorizationData": [], "authorizationData": [], "refresh_token": "a", "refresh_token": "b"}""", (int)CallFailure.CredentialsUnreachable },
        { "too large", 200, new string(' ', Limits.CloudTokenReplyBytes + 1), (int)CallFailure.CredentialsUnreachable },
    };

    public static TheoryData<RegistryCredentials, string> Foreign => new()
    {
        { RegistryCredentials.Google, "evilgcr.io" },
        { RegistryCredentials.Google, "gcr.io.evil.com" },
        { RegistryCredentials.Google, "pkg.dev" },
        { RegistryCredentials.Google, "x.pkg.dev:8443" },
        { RegistryCredentials.Google, Ecr },
        { RegistryCredentials.Google, Acr },
        { RegistryCredentials.Ecr, Ecr + ".evil.com" },
        { RegistryCredentials.Ecr, Ecr + ":443" },
        { RegistryCredentials.Ecr, "gcr.io" },
        { RegistryCredentials.Acr, "evilazurecr.io" },
        { RegistryCredentials.Acr, "a.b.azurecr.io" },
        { RegistryCredentials.Acr, Acr + ":443" },
        { RegistryCredentials.None, "gcr.io" },
        { (RegistryCredentials)99, "gcr.io" },
    };

    public void Dispose()
    {
        _store.Dispose();
        _cloud.Dispose();
    }

    [Fact]
    public async Task Google_registry_gets_the_access_token() =>
        Assert.Equal(new RegistryCredential("oauth2accesstoken", Canary.For("google")), await Find(RegistryCredentials.Google, "eu.gcr.io"));

    [Theory, MemberData(nameof(Foreign)), Trait("attack", "81")]
    public async Task Other_host_gets_nothing_and_no_token_is_fetched_for_it(RegistryCredentials kind, string host)
    {
        _failure = CallFailure.Refused;

        Assert.Null(await Find(kind, host));

        Assert.Empty(_cloud.Requests);
        Assert.Empty(_scopes);
    }

    [Theory]
    [InlineData(Ecr, "https://api.ecr.eu-west-1.amazonaws.com/", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken", "eu-west-1", "ecr")]
    [InlineData("public.ecr.aws", "https://api.ecr-public.us-east-1.amazonaws.com/", "SpencerFrontendService.GetAuthorizationToken", "us-east-1", "ecr-public")]
    public async Task Ecr_is_asked_with_a_signature(string host, string endpoint, string target, string region, string service)
    {
        _cloud.Answer = (200, EcrAnswer(TimeSpan.FromHours(12), isList: service == "ecr"));

        Assert.Equal(new RegistryCredential("AWS", Secret), await Find(RegistryCredentials.Ecr, host));

        var request = Assert.Single(_cloud.Requests);
        Assert.Equal(("POST", "/", "{}", target, "application/x-amz-json-1.1"), (request.Method, request.Path, request.Body, request.Headers["x-amz-target"], request.Headers["content-type"]));
        Assert.Equal([new Uri(endpoint)], _reached);
        Assert.Equal(_key.SessionToken, request.Headers["x-amz-security-token"]);
        AssertSigned(request, region, service);
        Assert.DoesNotContain(_key.Secret, string.Join('\n', request.Headers.Values), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lasting_key_has_no_session()
    {
        _key = _key with { SessionToken = null };
        _cloud.Answer = (200, EcrAnswer(TimeSpan.FromHours(12)));

        await Find(RegistryCredentials.Ecr, Ecr);

        var request = Assert.Single(_cloud.Requests);
        Assert.False(request.Headers.ContainsKey("x-amz-security-token"));
        AssertSigned(request, "eu-west-1", "ecr");
    }

    [Fact]
    public async Task Acr_exchanges_the_entra_token_for_its_own()
    {
        var token = Jwt(_clock.GetUtcNow().AddHours(1));
        _cloud.Answer = (200, $$"""{"refresh_token": "{{token}}"}""");

        Assert.Equal(new RegistryCredential(AcrTokens.User, token) { IsIdentityToken = true }, await Find(RegistryCredentials.Acr, Acr));

        var request = Assert.Single(_cloud.Requests);
        Assert.Equal(("POST", "/oauth2/exchange", "application/x-www-form-urlencoded"), (request.Method, request.Path, request.Headers["content-type"]));
        Assert.Equal($"grant_type=access_token&service={Acr}&access_token={Canary.For("azure")}", request.Body);
        Assert.Equal([new Uri("https://acme.azurecr.io/")], _reached);
        Assert.Equal(["https://management.azure.com/.default"], _scopes);
    }

    [Theory]
    [InlineData(RegistryCredentials.Ecr, Ecr)]
    [InlineData(RegistryCredentials.Acr, Acr)]
    public async Task Token_counts_until_a_minute_before_its_end(RegistryCredentials kind, string host)
    {
        _cloud.Answer = (200, kind is RegistryCredentials.Ecr ? EcrAnswer(TimeSpan.FromHours(1)) : $$"""{"refresh_token": "{{Jwt(_clock.GetUtcNow().AddHours(1))}}"}""");
        await Find(kind, host);
        _clock.Advance(TimeSpan.FromMinutes(58));
        await Find(kind, host);
        Assert.Single(_cloud.Requests);

        _clock.Advance(TimeSpan.FromMinutes(1));
        await Find(kind, host);

        Assert.Equal(2, _cloud.Requests.Count);
    }

    [Theory]
    [InlineData("says nothing of its end", false, 5)]
    [InlineData("says that it never ends", true, 179)]
    public async Task Refresh_token_is_not_believed_for_ever(string name, bool saysEnd, int minutes)
    {
        _cloud.Answer = (200, $$"""{"refresh_token": "{{(saysEnd ? Jwt(_clock.GetUtcNow().AddYears(10)) : Secret)}}"}""");
        await Find(RegistryCredentials.Acr, Acr);
        _clock.Advance(TimeSpan.FromMinutes(minutes) - TimeSpan.FromSeconds(1));
        await Find(RegistryCredentials.Acr, Acr);
        Assert.Single(_cloud.Requests);

        _clock.Advance(TimeSpan.FromSeconds(1));
        await Find(RegistryCredentials.Acr, Acr);

        Assert.True(_cloud.Requests.Count == 2, name);
    }

    [Fact]
    public async Task Refused_token_is_fetched_anew()
    {
        _cloud.Answer = (200, EcrAnswer(TimeSpan.FromHours(12)));
        await Find(RegistryCredentials.Ecr, Ecr);
        _clock.Advance(Limits.RegistryCredentialPause);

        await _store.GetAsync(RegistryCredentials.Ecr, Ecr, isRefused: true, Cancellation);

        Assert.Equal(2, _cloud.Requests.Count);
    }

    [Theory, MemberData(nameof(Failing))]
    public async Task Failure_of_ecr_has_its_class(string name, int status, string body, int failure)
    {
        _cloud.Answer = (status, body.Replace("SECRET", Secret, StringComparison.Ordinal));

        Assert.True((await Refused(RegistryCredentials.Ecr, Ecr)).Failure == (CallFailure)failure, name);
        Assert.Single(_cloud.Requests);
    }

    [Theory, MemberData(nameof(Failing))]
    public async Task Failure_of_acr_has_its_class(string name, int status, string body, int failure)
    {
        _cloud.Answer = (status, body.Replace("SECRET", Secret, StringComparison.Ordinal));

        Assert.True((await Refused(RegistryCredentials.Acr, Acr)).Failure == (CallFailure)failure, name);
        Assert.Single(_cloud.Requests);
    }

    [Theory]
    [InlineData(RegistryCredentials.Google, "gcr.io")]
    [InlineData(RegistryCredentials.Ecr, Ecr)]
    [InlineData(RegistryCredentials.Acr, Acr)]
    public async Task Identity_that_cannot_be_had_keeps_its_class(RegistryCredentials kind, string host)
    {
        _failure = CallFailure.NoCredentials;

        Assert.Equal(CallFailure.NoCredentials, (await Refused(kind, host)).Failure);
        Assert.Empty(_cloud.Requests);
    }

    [Fact]
    public async Task Nobody_there_is_an_outage()
    {
        _cloud.Dispose();

        Assert.Equal(CallFailure.CredentialsUnreachable, (await Refused(RegistryCredentials.Ecr, Ecr)).Failure);
    }

    [Fact]
    public async Task Slow_cloud_is_an_outage_after_its_time()
    {
        _cloud.Gate = new TaskCompletionSource().Task;
        var asking = Find(RegistryCredentials.Ecr, Ecr).AsTask();
        await Eventually.Holds("it was asked", () => !_cloud.Requests.IsEmpty);

        _clock.Advance(Limits.CloudTokenTime);

        Assert.Equal(CallFailure.CredentialsUnreachable, (await Assert.ThrowsAsync<CredentialsException>(() => asking)).Failure);
    }

    [Fact]
    public void Key_does_not_tell_its_secret() => Canary.AssertAbsent("its text", _key.ToString());

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static string Jwt(DateTimeOffset end) => $"e30.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes($$"""{"exp": {{end.ToUnixTimeSeconds()}}}"""))}.{Canary.Marker}";

    private string EcrAnswer(TimeSpan life, bool isList = true)
    {
        var end = _clock.GetUtcNow().Add(life).ToUnixTimeMilliseconds() / 1000.0;
        var entry = $$"""{"authorizationToken": "{{Convert.ToBase64String(Encoding.UTF8.GetBytes($"AWS:{Secret}"))}}", "expiresAt": {{end.ToString(CultureInfo.InvariantCulture)}}, "proxyEndpoint": "https://evil.example.com"}""";
        return $$"""{"authorizationData": {{(isList ? $"[{entry}]" : entry)}}}""";
    }

    /// <summary>Computes the signature of what came, with the key derivation of Amazon's own library.</summary>
    private void AssertSigned(TokenRequest request, string region, string service)
    {
        var time = request.Headers["x-amz-date"];
        Assert.Equal("20261123T120000Z", time);
        string[] names = ["content-type", "host", "x-amz-date", .. _key.SessionToken is null ? (string[])[] : ["x-amz-security-token"], "x-amz-target"];
        var canonical = $"POST\n/\n\n{string.Concat(names.Select(name => $"{name}:{request.Headers[name]}\n"))}\n{string.Join(';', names)}\n{Hash(request.Body)}";
        var scope = $"20261123/{region}/{service}/aws4_request";
        var signature = HMACSHA256.HashData(AWS4Signer.ComposeSigningKey(_key.Secret, region, "20261123", service), Encoding.UTF8.GetBytes($"AWS4-HMAC-SHA256\n{time}\n{scope}\n{Hash(canonical)}"));

        Assert.Equal($"AWS4-HMAC-SHA256 Credential={_key.Id}/{scope}, SignedHeaders={string.Join(';', names)}, Signature={Convert.ToHexStringLower(signature)}", request.Headers["authorization"]);
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private Task<T> Give<T>(T value) => _failure is default(CallFailure) ? Task.FromResult(value) : Task.FromException<T>(new CredentialsException(_failure));

    private ValueTask<RegistryCredential?> Find(RegistryCredentials kind, string host) => _store.GetAsync(kind, host, isRefused: false, Cancellation);

    private async Task<CredentialsException> Refused(RegistryCredentials kind, string host)
    {
        var exception = await Assert.ThrowsAsync<CredentialsException>(() => Find(kind, host).AsTask());
        Canary.AssertAbsent("the exception", exception.ToString());
        return exception;
    }
}
