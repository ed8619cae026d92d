using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Registries;

/// <summary>One thing to ask of a registry.</summary>
/// <param name="Repository">The path of the repository: <c>acme/api</c>.</param>
/// <param name="Below">What is asked for within it: <c>manifests/latest</c>.</param>
/// <param name="Query">With its question mark; empty: none.</param>
/// <param name="Accept">Media types; empty: any.</param>
/// <param name="MaxBytes">The longest answer.</param>
internal sealed record RegistryRequest(string Repository, string Below, string Query, IReadOnlyList<string> Accept, int MaxBytes);

/// <summary>What a host answered to it, its redirections followed.</summary>
internal sealed record RegistryReply
{
    /// <summary>The status of HTTP; 0: there was no answer.</summary>
    public int Status { get; init; }

    /// <summary>None: there is a body, or the registry said plainly that what was asked for is not there, or it is too large.</summary>
    public RemoteFailure Failure { get; init; }

    public byte[]? Body { get; init; }

    public bool IsNotThere { get; init; }

    public bool IsTooLarge { get; init; }

    /// <summary>Empty where nothing is said.</summary>
    public string MediaType { get; init; } = "";

    /// <summary>The headers <c>Docker-Content-Digest</c>.</summary>
    public IReadOnlyList<string> ContentDigests { get; init; } = [];

    /// <summary>The headers <c>Link</c>.</summary>
    public IReadOnlyList<string> Links { get; init; } = [];

    /// <summary>The headers <c>WWW-Authenticate</c> of the registry itself: whoever it redirects to has no say in who gets its credentials.</summary>
    public IReadOnlyList<string> Challenges { get; init; } = [];

    /// <summary>How long the host asks to be left alone; null: it does not.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The connection was cut within the answer: another may hold.</summary>
    public bool IsCut { get; init; }

    /// <summary>The host was not asked: it rests.</summary>
    public bool IsLeftAlone { get; init; }

    /// <summary>To ask again may help.</summary>
    public bool MayHeal => !IsLeftAlone && (IsCut || Failure is RemoteFailure.RateLimited || (Failure is RemoteFailure.ServerError && Status != 501));

    public static RegistryReply Failed(RemoteFailure failure) => new() { Failure = failure };

    /// <summary>Why an exchange over HTTP came to nothing.</summary>
    public static RegistryReply Of(HttpRequestException exception) => exception switch
    {
        { InnerException: AddressRefusedException } => Failed(RemoteFailure.RedirectRefused),
        { HttpRequestError: HttpRequestError.SecureConnectionError } => Failed(RemoteFailure.Tls),
        { HttpRequestError: HttpRequestError.InvalidResponse or HttpRequestError.ConfigurationLimitExceeded } => Failed(RemoteFailure.Malformed),
        // A connection that was cut before an answer has been tried again three times by then: that is the base library's way.
        _ => Failed(RemoteFailure.Connection),
    };
}
