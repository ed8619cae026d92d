using System.Net;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Core;
using PolicyService.Evidence.Registries;
using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Tests.Registries;

/// <summary>Tokens are bounded in length and number, whatever a realm gives.</summary>
[Trait("attack", "77")]
public sealed class RegistryTokensTests : IDisposable
{
    private static readonly AuthChallenge Challenge = new("https://auth.example.com/token", "");

    private readonly FakeTimeProvider _clock = new();
    private readonly Realm _realm = new();
    private readonly HttpMessageInvoker _http;
    private readonly RegistryTokens _tokens;

    public RegistryTokensTests()
    {
        _http = new HttpMessageInvoker(_realm);
        _tokens = new RegistryTokens(new AddressGuard(new Uri("https://registry.example.com/v2/"), [], null), _http, TimeSpan.FromMinutes(2), new RegistryMetrics(), _clock);
    }

    public void Dispose() => _http.Dispose();

    [Theory]
    [InlineData(0, RemoteFailure.None)]
    [InlineData(1, RemoteFailure.CredentialsUnreachable)]
    public async Task Token_is_taken_to_the_edge(int beyond, RemoteFailure failure)
    {
        _realm.Token = new string('t', Limits.RegistryTokenBytes + beyond);
        Assert.Equal(failure, (await AskAsync("acme/api")).Failure);
    }

    [Fact]
    public async Task Tokens_in_memory_are_bounded_and_those_that_ended_go_first()
    {
        _realm.Seconds = 60;
        await AskAsync("acme/old");
        _clock.Advance(TimeSpan.FromMinutes(1));
        _realm.Seconds = 3600;
        foreach (var number in Enumerable.Range(0, Limits.RegistryTokens))
        {
            await AskAsync($"acme/{number}");
        }

        Assert.Equal(Limits.RegistryTokens, _tokens.Count);
        Assert.NotNull(_tokens.Find(Challenge, "acme/0", null));
        await AskAsync("acme/more");
        Assert.InRange(_tokens.Count, 1, Limits.RegistryTokens);
        Assert.NotNull(_tokens.Find(Challenge, "acme/more", null));
    }

    private Task<RegistryToken> AskAsync(string repository) => _tokens.GetAsync(Challenge, repository, null, null, TestContext.Current.CancellationToken);

    /// <summary>Gives tokens without a network.</summary>
    private sealed class Realm : HttpMessageHandler
    {
        public string Token { get; set; } = "t1";

        public int Seconds { get; set; } = 300;

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK)
        {
            Content = new ByteArrayContent(Encoding.UTF8.GetBytes($$"""{"token": "{{Token}}", "expires_in": {{Seconds}}}""")),
        });
    }
}
