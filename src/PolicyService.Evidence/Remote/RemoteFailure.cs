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

    /// <summary>It says itself that it could not reach all it has.</summary>
    Partial,

    /// <summary>Content of a registry that is not what its digest says.</summary>
    WrongDigest,

    /// <summary>A registry sends us where we do not go: too far, in a circle, to plain HTTP, or to a private address.</summary>
    RedirectRefused,

    /// <summary>Whoever should give tokens for a registry is where we do not go.</summary>
    RealmRefused,
}

/// <summary>How the failures are written for programs and for people.</summary>
public static class RemoteFailures
{
    private const string Ask = "make Container Analysis answer, then ask again";

    private static readonly (string Name, string Why, string Remedy)[] Texts =
    [
        ("OK", "", ""),
        ("NOT_FETCHED", "offline, nothing remote is read", "ask a server, or bring the attestations into the directory"),
        ("DEADLINE", "the time ran out before Container Analysis answered", "ask again with a longer deadline"),
        ("NO_CREDENTIALS", "there are no credentials for Container Analysis", "give the service Application Default Credentials, for example GOOGLE_APPLICATION_CREDENTIALS or workload identity"),
        ("CREDENTIALS_UNREACHABLE", "whoever gives credentials for Container Analysis does not answer", Ask),
        ("UNAUTHENTICATED", "Container Analysis takes the credentials for none (401)", "renew the service's Application Default Credentials"),
        ("PERMISSION_DENIED", "Container Analysis refuses it (403)", "grant the service's identity roles/containeranalysis.notes.occurrences.viewer on the note, and roles/containeranalysis.occurrences.viewer on the project"),
        ("NOT_FOUND", "Container Analysis does not know the note or project (404)", "create the note, or mend the attestor's noteReference"),
        ("RATE_LIMITED", "Container Analysis answers too few requests (429)", "raise the project's Container Analysis quota, then ask again"),
        ("SERVER_ERROR", "Container Analysis failed (5xx)", Ask),
        ("REFUSED", "Container Analysis refused the request", "make sure that containerAnalysis.endpoint names a Container Analysis"),
        ("TIMEOUT", "Container Analysis did not answer in time", Ask),
        ("CONNECTION", "Container Analysis cannot be reached", Ask),
        ("TLS", "the certificate of Container Analysis is not trusted", "mend containerAnalysis.endpoint, or trust the certificate's issuer on this machine"),
        ("MALFORMED", "the answer of Container Analysis is malformed", Ask),
        ("TRUNCATED", "the answer of Container Analysis is cut off", Ask),
        ("CIRCULAR", "the pages of Container Analysis go round in a circle", Ask),
        ("PARTIAL", "Container Analysis could not reach all it has", Ask),
        ("WRONG_DIGEST", "", ""),
        ("REDIRECT_REFUSED", "", ""),
        ("REALM_REFUSED", "", ""),
    ];

    /// <summary>Every failure, in the order of its values.</summary>
    public static IReadOnlyList<RemoteFailure> All { get; } = Enum.GetValues<RemoteFailure>();

    /// <summary>Its name in details and metrics: <c>PERMISSION_DENIED</c>.</summary>
    public static string Name(RemoteFailure failure) => Texts[(int)failure].Name;

    /// <summary>
    /// Whether nobody can know what the source has, so that the archive may speak for it. A refusal is an answer: who took a note or a
    /// permission away meant it.
    /// </summary>
    internal static bool IsOutage(RemoteFailure failure) => failure is
        RemoteFailure.CredentialsUnreachable or RemoteFailure.RateLimited or RemoteFailure.ServerError or RemoteFailure.Timeout
        or RemoteFailure.Connection or RemoteFailure.Tls or RemoteFailure.Malformed or RemoteFailure.Truncated or RemoteFailure.Partial;

    /// <summary>Never our own fault: an image's author may fill a list, or spend the time.</summary>
    internal static EvidenceFailure Of(RemoteFailure failure) => failure is RemoteFailure.Deadline
        ? new EvidenceFailure(ReasonCode.Deadline, "CONTAINER_ANALYSIS", Texts[(int)failure].Why, IsOwnFault: false)
        : new EvidenceFailure(ReasonCode.EvidenceUnavailable, $"CONTAINER_ANALYSIS:{Name(failure)}", Texts[(int)failure].Why, IsOwnFault: false) { Remedy = Texts[(int)failure].Remedy };
}
