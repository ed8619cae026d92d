using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;

namespace PolicyService.Evidence.Remote;

/// <summary>Why a source elsewhere, a Container Analysis or a registry, did not say all it has. Each is a class of its own in answers and metrics; none is an absence.</summary>
public enum RemoteFailure
{
    /// <summary>It said all.</summary>
    None = 0,

    /// <summary>Nobody asked it: offline.</summary>
    NotFetched,

    /// <summary>The caller's time ended while it was asked.</summary>
    Deadline,

    /// <summary>No credentials, or whoever gives tokens refuses them.</summary>
    NoCredentials,

    /// <summary>Whoever gives tokens did not answer.</summary>
    CredentialsUnreachable,

    /// <summary>HTTP 401.</summary>
    Unauthenticated,

    /// <summary>HTTP 403.</summary>
    PermissionDenied,

    /// <summary>HTTP 404.</summary>
    NotFound,

    /// <summary>HTTP 429.</summary>
    RateLimited,

    /// <summary>HTTP 5xx.</summary>
    ServerError,

    /// <summary>Any other HTTP status but 200.</summary>
    Refused,

    /// <summary>No whole answer within the time for a call, or for all pages.</summary>
    Timeout,

    /// <summary>No connection.</summary>
    Connection,

    /// <summary>The server is not who it should be.</summary>
    Tls,

    /// <summary>An answer that is not what the API sends.</summary>
    Malformed,

    /// <summary>An answer that ends before its end.</summary>
    Truncated,

    /// <summary>A page token that came before.</summary>
    Circular,

    /// <summary>It says itself that it could not reach all it has; or a registry has more than it gives in the time for a look.</summary>
    Partial,

    /// <summary>Content of a registry that is not what its digest says.</summary>
    WrongDigest,

    /// <summary>A registry sends us where we do not go: too far, in a circle, to plain HTTP, or to a private address.</summary>
    RedirectRefused,

    /// <summary>Whoever should give tokens for a registry is where we do not go.</summary>
    RealmRefused,

    /// <summary>A manifest of a registry names content that the registry does not have.</summary>
    MissingContent,
}

/// <summary>How the failures are written for programs.</summary>
public static class RemoteFailures
{
    private static readonly string[] Names =
    [
        "OK", "NOT_FETCHED", "DEADLINE", "NO_CREDENTIALS", "CREDENTIALS_UNREACHABLE", "UNAUTHENTICATED", "PERMISSION_DENIED", "NOT_FOUND", "RATE_LIMITED", "SERVER_ERROR", "REFUSED",
        "TIMEOUT", "CONNECTION", "TLS", "MALFORMED", "TRUNCATED", "CIRCULAR", "PARTIAL", "WRONG_DIGEST", "REDIRECT_REFUSED", "REALM_REFUSED", "MISSING_CONTENT",
    ];

    /// <summary>Every failure, in the order of its values.</summary>
    public static IReadOnlyList<RemoteFailure> All { get; } = Enum.GetValues<RemoteFailure>();

    /// <summary>Its name in details and metrics: <c>PERMISSION_DENIED</c>.</summary>
    public static string Name(RemoteFailure failure) => Names[(int)failure];

    /// <summary>
    /// Whether nobody can know what the source has, so that the archive may speak for it. A refusal is an answer: who took a note, a repository or a
    /// permission away meant it. So is content that is not what its digest says: somebody changed it.
    /// </summary>
    internal static bool IsOutage(RemoteFailure failure) => failure is
        RemoteFailure.CredentialsUnreachable or RemoteFailure.RateLimited or RemoteFailure.ServerError or RemoteFailure.Timeout
        or RemoteFailure.Connection or RemoteFailure.Tls or RemoteFailure.Malformed or RemoteFailure.Truncated or RemoteFailure.Partial;

    /// <summary>A failure as a decision has it; never our own fault.</summary>
    internal static EvidenceFailure Tell(string source, RemoteFailure failure, string why, string remedy) => failure is RemoteFailure.Deadline
        ? new EvidenceFailure(ReasonCode.Deadline, source, why, IsOwnFault: false)
        : new EvidenceFailure(ReasonCode.EvidenceUnavailable, $"{source}:{Name(failure)}", why, IsOwnFault: false) { Remedy = remedy };
}
