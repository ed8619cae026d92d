using Microsoft.Extensions.Primitives;
using PolicyService.Server.Access.Certificates;
using PolicyService.Server.Access.Tokens;

namespace PolicyService.Server.Access;

/// <summary>Who a request is from, or why nobody can tell.</summary>
internal readonly record struct Authentication(Caller? Caller, string? Problem);

/// <summary>Finds out who asks: by a bearer token (RFC 6750), by the certificate of the connection, or by both, which then must both be right.</summary>
internal sealed class Authenticator(AuthenticationSettings settings, TokenVerifier tokens, TimeProvider time)
{
    private const string Scheme = "Bearer ";

    public bool IsOn => settings.IsOn;

    /// <summary>There is something to look at, right or wrong.</summary>
    public static bool HasCredentials(HttpContext context) =>
        context.Request.Headers.Authorization.Count > 0 || context.Features.Get<ConnectionCertificate>() is { IsShown: true };

    /// <summary>Looks at all credentials of a request.</summary>
    public async ValueTask<Authentication> AuthenticateAsync(HttpContext context)
    {
        var (credentials, members) = (new List<ICredential>(2), new List<string>());
        if (context.Features.Get<ConnectionCertificate>() is { IsShown: true } certificate)
        {
            var outcome = certificate.Outcome(time.GetUtcNow());
            if (outcome.Problem is not null)
            {
                return Refused(outcome.Problem);
            }

            members.Add(outcome.Member!);
            credentials.Add(new CertificateCredential(certificate, outcome.Member!, outcome.Until));
        }

        if (context.Request.Headers.Authorization is { Count: > 0 } header)
        {
            if (TokenOf(header, out var problem) is not { } token)
            {
                return Refused(problem!);
            }

            var outcome = await tokens.VerifyAsync(token, context.RequestAborted);
            if (outcome.Token is null)
            {
                return Refused(outcome.Problem!);
            }

            members.AddRange(outcome.Token.Members);
            credentials.Add(outcome.Token);
        }

        return credentials.Count > 0
            ? new Authentication(new Caller(members[0], members) { Credentials = credentials }, null)
            : Refused(settings.ClientCa is null
                ? "the request has no credentials: send `authorization: Bearer <token>`"
                : "the request has no credentials: send `authorization: Bearer <token>`, or connect with a client certificate");
    }

    private static Authentication Refused(string problem) => new(null, problem);

    private static string? TokenOf(StringValues header, out string? problem)
    {
        // Of two, another reader of the same request might take the other one.
        problem = header.Count > 1 ? "the request has more than one `authorization`: send one"
            : !header[0]!.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? "the request's `authorization` has another scheme: send `Bearer <token>`"
            : null;
        return problem is null ? header[0]![Scheme.Length..].Trim(' ') : null;
    }
}
