namespace PolicyService.Server.Access;

/// <summary>Who asks, as authentication found it (docs/access.md).</summary>
/// <param name="Name">One line for people, records and histories: the first member, or <c>anonymous</c>.</param>
/// <param name="Members">Everything bindings may call this caller; <c>allAuthenticatedUsers</c> is not among them, it is implied.</param>
public sealed record Caller(string Name, IReadOnlyList<string> Members)
{
    /// <summary>The caller where no authentication is configured. It holds every grant; only loopback addresses are bound then.</summary>
    public static Caller Anonymous { get; } = new("anonymous", []);

    /// <summary>Whoever asks without credentials for one of the few things that need none. It holds no grant and is no <c>allAuthenticatedUsers</c>.</summary>
    public static Caller Unauthenticated { get; } = new("unauthenticated", []);

    public bool IsAnonymous => ReferenceEquals(this, Anonymous);

    public bool IsUnauthenticated => ReferenceEquals(this, Unauthenticated);

    /// <summary>What it authenticated with.</summary>
    internal IReadOnlyList<ICredential> Credentials { get; init; } = [];

    /// <summary>From then on it must authenticate anew.</summary>
    internal DateTimeOffset Until => Credentials.Count == 0 ? DateTimeOffset.MaxValue : Credentials.Min(credential => credential.Until);

    /// <summary>Why it is not who it was any more; null while it is. A request takes a moment, a stream may go on for days.</summary>
    internal string? ProblemAt(DateTimeOffset now)
    {
        for (var index = 0; index < Credentials.Count; index++)
        {
            if (Credentials[index].ProblemAt(now) is { } problem)
            {
                return problem;
            }
        }

        return null;
    }
}

/// <summary>The caller of a request over HTTP or gRPC.</summary>
public static class CallerOfRequest
{
    public static Caller Caller(this HttpContext context) => context.Features.Get<Caller>()
        // Whoever forgets the middleware gets no answer rather than every grant.
        ?? throw new InvalidOperationException("nobody has looked at who asks");

    public static void SetCaller(this HttpContext context, Caller caller) => context.Features.Set(caller);
}
