using System.Collections.Concurrent;
using PolicyService.Core;
using PolicyService.Evidence.Http;
using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Registries;

/// <summary>A bearer token, or why there is none.</summary>
internal sealed record RegistryToken(string? Value, RemoteFailure Failure)
{
    public override string ToString() => "a token";
}

/// <summary>
/// Bearer tokens of one registry host, each for one repository and to pull only (OCI distribution's token authentication; RFC 6749 section 6
/// for identity tokens). However many need one, its realm is asked once, on nobody's account; redirections of a realm are not followed.
/// </summary>
/// <param name="guard">Says which realms may be asked.</param>
/// <param name="http">Carries the questions.</param>
/// <param name="patience">Time for one question.</param>
/// <param name="metrics">Counts them.</param>
/// <param name="time">The clock.</param>
internal sealed class RegistryTokens(AddressGuard guard, HttpMessageInvoker http, TimeSpan patience, RegistryMetrics metrics, TimeProvider time)
{
    /// <summary>How long before its end a token is no longer used: it has to arrive.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<Question, Held> _held = new();
    private readonly ConcurrentDictionary<Question, Lazy<Task<RegistryToken>>> _flights = new();

    /// <summary>Tokens in memory.</summary>
    internal int Count => _held.Count;

    /// <summary>The token at hand; null: none that still counts.</summary>
    public string? Find(AuthChallenge challenge, string repository, RegistryCredential? credential) => Find(new Question(challenge, repository, credential));

    /// <summary>The token at hand, or a new one.</summary>
    /// <param name="challenge">Names the realm.</param>
    /// <param name="repository">The path of the repository.</param>
    /// <param name="credential">What the realm is shown; null: nothing.</param>
    /// <param name="refused">A token that the registry did not take; null: none.</param>
    /// <param name="cancellation">This caller's patience.</param>
    public async Task<RegistryToken> GetAsync(AuthChallenge challenge, string repository, RegistryCredential? credential, string? refused, CancellationToken cancellation)
    {
        if (!Uri.TryCreate(challenge.Realm, UriKind.Absolute, out var realm) || !guard.Permits(realm) || realm.Fragment.Length > 0)
        {
            return new RegistryToken(null, RemoteFailure.RealmRefused);
        }

        var question = new Question(challenge, repository, credential);
        if (Find(question) is { } token && token != refused)
        {
            return new RegistryToken(token, default);
        }

        return await _flights.GetOrAdd(question, asked => new Lazy<Task<RegistryToken>>(() => Task.Run(() => FlyAsync(realm, asked), CancellationToken.None))).Value.WaitAsync(cancellation);
    }

    private string? Find(Question question) => _held.TryGetValue(question, out var held) && time.GetElapsedTime(held.Since) < held.Life ? held.Token : null;

    private async Task<RegistryToken> FlyAsync(Uri realm, Question question)
    {
        try
        {
            using var timer = new CancellationTokenSource(patience, time);
            var token = await AskAsync(realm, question, timer.Token);
            metrics.CountToken(token.Failure);
            return token;
        }
        finally
        {
            _flights.TryRemove(question, out _);
        }
    }

    private async Task<RegistryToken> AskAsync(Uri realm, Question question, CancellationToken cancellation)
    {
        try
        {
            var since = time.GetTimestamp();
            using var message = RealmMessage.Of(realm, question.Challenge.Service, question.Repository, question.Credential);
            using var response = await http.SendAsync(message, cancellation);
            if (FailureOf((int)response.StatusCode) is var refusal && refusal is not RemoteFailure.None)
            {
                return new RegistryToken(null, refusal);
            }

            var body = (await BoundedBody.ReadAsync(response, Limits.RegistryReplyBytes, cancellation)).Body;
            if (body is null || RealmMessage.Read(body) is not { } given)
            {
                return new RegistryToken(null, RemoteFailure.CredentialsUnreachable);
            }

            Keep(question, new Held(given.Token, since, given.Life - Margin));
            return new RegistryToken(given.Token, default);
        }
        catch (OperationCanceledException)
        {
            return new RegistryToken(null, RemoteFailure.CredentialsUnreachable);
        }
        catch (HttpRequestException exception)
        {
            return new RegistryToken(null, exception.InnerException is AddressRefusedException ? RemoteFailure.RealmRefused : RemoteFailure.CredentialsUnreachable);
        }
    }

    private void Keep(Question question, Held held)
    {
        if (_held.Count >= Limits.RegistryTokens)
        {
            foreach (var (other, old) in _held)
            {
                if (time.GetElapsedTime(old.Since) >= old.Life)
                {
                    _held.TryRemove(other, out _);
                }
            }
        }

        if (_held.Count >= Limits.RegistryTokens)
        {
            _held.Clear();
        }

        _held[question] = held;
    }

    /// <summary>A refusal of the realm is a 401 of the registry; what it cannot say now is nobody's refusal.</summary>
    private static RemoteFailure FailureOf(int status) => status switch
    {
        200 => RemoteFailure.None,
        429 => RemoteFailure.RateLimited,
        >= 300 and < 400 => RemoteFailure.RealmRefused,
        >= 400 and < 500 => RemoteFailure.Unauthenticated,
        _ => RemoteFailure.CredentialsUnreachable,
    };

    private sealed record Question(AuthChallenge Challenge, string Repository, RegistryCredential? Credential);

    private sealed record Held(string Token, long Since, TimeSpan Life);
}
