using System.Net.Http.Headers;
using System.Text;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Http;
using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Registries;

/// <summary>What may be presented to a registry, or why there is nothing.</summary>
internal readonly record struct Authorization(AuthenticationHeaderValue? Header, RemoteFailure Failure)
{
    public override string ToString() => "an authorization";
}

/// <summary>
/// Finds out what one host wants to see. A credential is looked for once the host has asked for one, and goes to that host (Basic) or to
/// the realm it names (Bearer) and to nobody else. Thread-safe.
/// </summary>
/// <param name="kind">Where the credential may come from.</param>
/// <param name="host">As images name it.</param>
/// <param name="credentials">Gives it.</param>
/// <param name="tokens">Those of this host.</param>
internal sealed class RegistryAuthorizer(RegistryCredentials kind, string host, RegistryCredentialSource credentials, RegistryTokens tokens)
{
    private volatile AuthChallenge? _last;

    /// <summary>What the host is likely to ask for, as it did last time; null: nothing that is at hand.</summary>
    public async ValueTask<AuthenticationHeaderValue?> RememberedAsync(string repository, CancellationToken cancellation)
    {
        if (_last is not { } challenge)
        {
            return null;
        }

        try
        {
            var credential = await CredentialAsync(isRefused: false, cancellation);
            return challenge.IsBasic ? Basic(credential) : Bearer(tokens.Find(challenge, repository, credential));
        }
        catch (CredentialsException)
        {
            // Some of what the host has is for everybody; for the rest it asks again.
            return null;
        }
    }

    /// <summary>What answers a 401.</summary>
    /// <param name="repository">The path of the repository.</param>
    /// <param name="challenges">What the host said with it.</param>
    /// <param name="refused">What it was shown; null: nothing.</param>
    /// <param name="isRefused">What was shown was made of the credential just now: only another credential can help.</param>
    /// <param name="cancellation">The end of the patience.</param>
    public async Task<Authorization> AnswerAsync(string repository, IReadOnlyList<string> challenges, AuthenticationHeaderValue? refused, bool isRefused, CancellationToken cancellation)
    {
        if (AuthChallenge.Choose(challenges) is not { } challenge)
        {
            return new Authorization(null, RemoteFailure.Unauthenticated);
        }

        _last = challenge;
        try
        {
            var credential = await CredentialAsync(isRefused: false, cancellation);
            var answer = isRefused ? new Authorization(null, RemoteFailure.Unauthenticated) : await MakeAsync(challenge, repository, credential, refused, cancellation);
            if (answer.Failure is RemoteFailure.Unauthenticated && credential is not null && await CredentialAsync(isRefused: true, cancellation) is { } other && other != credential)
            {
                answer = await MakeAsync(challenge, repository, other, refused, cancellation);
            }

            return answer;
        }
        catch (CredentialsException exception)
        {
            return new Authorization(null, exception.Failure is CallFailure.CredentialsUnreachable ? RemoteFailure.CredentialsUnreachable : RemoteFailure.NoCredentials);
        }
    }

    private async Task<Authorization> MakeAsync(AuthChallenge challenge, string repository, RegistryCredential? credential, AuthenticationHeaderValue? refused, CancellationToken cancellation)
    {
        if (challenge.IsBasic)
        {
            var header = Basic(credential);
            return header is null || header.Equals(refused) ? new Authorization(null, RemoteFailure.Unauthenticated) : new Authorization(header, default);
        }

        var token = await tokens.GetAsync(challenge, repository, credential, refused?.Scheme == "Bearer" ? refused.Parameter : null, cancellation);
        return new Authorization(Bearer(token.Value), token.Failure);
    }

    private async ValueTask<RegistryCredential?> CredentialAsync(bool isRefused, CancellationToken cancellation) =>
        kind is RegistryCredentials.None ? null : await credentials(kind, host, isRefused, cancellation);

    private static AuthenticationHeaderValue? Bearer(string? token) => token is null ? null : new AuthenticationHeaderValue("Bearer", token);

    /// <summary>RFC 7617. An identity token is for the realm alone, and a name with a colon cannot be written.</summary>
    internal static AuthenticationHeaderValue? Basic(RegistryCredential? credential) =>
        credential is null or { IsIdentityToken: true } || credential.User.Contains(':', StringComparison.Ordinal)
            ? null
            : new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{credential.User}:{credential.Secret}")));
}
