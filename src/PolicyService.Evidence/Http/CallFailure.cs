namespace PolicyService.Evidence.Http;

/// <summary>Why a call to a service over HTTP gave no body.</summary>
internal enum CallFailure
{
    /// <summary>None.</summary>
    Unspecified = 0,

    /// <summary>There are no credentials, or whoever gives tokens refuses them.</summary>
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

    /// <summary>Any other HTTP status but 200; redirections among them.</summary>
    Refused,

    /// <summary>No whole answer within the time for a call.</summary>
    Timeout,

    /// <summary>No connection: refused, no such host, cut before an answer.</summary>
    Connection,

    /// <summary>The server is not who it should be.</summary>
    Tls,

    /// <summary>No HTTP.</summary>
    Malformed,

    /// <summary>An answer that ends before its end.</summary>
    Truncated,

    /// <summary>An answer beyond the limit on its size.</summary>
    TooLarge,
}

/// <summary>No token could be had. The message holds nothing of the credentials.</summary>
internal sealed class CredentialsException(CallFailure failure) : Exception($"no credentials ({failure})")
{
    public CallFailure Failure => failure;
}

/// <summary>The body of a 200, or why there is none.</summary>
/// <param name="Failure">Why there is none.</param>
/// <param name="Body">The body; null: there is none.</param>
/// <param name="RetryAfter">How long the service asks to be left alone; null: it does not.</param>
internal readonly record struct CallOutcome(CallFailure Failure, byte[]? Body = null, TimeSpan? RetryAfter = null);
