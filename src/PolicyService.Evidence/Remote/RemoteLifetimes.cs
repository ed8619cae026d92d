namespace PolicyService.Evidence.Remote;

/// <summary>How long things are kept (SEMANTICS section 5). The defaults are those of a service.</summary>
public sealed record RemoteLifetimes
{
    /// <summary>How long an answer with attestations counts, in this process and in the fleet together.</summary>
    public TimeSpan Positive { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long an answer without any does.</summary>
    public TimeSpan Negative { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a failure answers for its question.</summary>
    public TimeSpan Failure { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How often a question is asked again at most because its answer would deny.</summary>
    public TimeSpan Again { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Time for one attempt at one page.</summary>
    public TimeSpan Attempt { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Bound of one list, pages and retries included, whoever waits for it.</summary>
    public TimeSpan Fetch { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Bound of a look into the archive.</summary>
    public TimeSpan Archive { get; init; } = TimeSpan.FromSeconds(2);
}
