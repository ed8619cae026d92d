namespace PolicyService.Evidence.Keys;

/// <summary>How long things are kept. The defaults are those of a service.</summary>
public sealed record KeyLifetimes
{
    /// <summary>Age from which a key is fetched again in the background.</summary>
    public TimeSpan RefreshAfter { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How long a failure answers for its key before the service is asked again.</summary>
    public TimeSpan Negative { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Lifetime in the shared cache; every refresh renews it.</summary>
    public TimeSpan Shared { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Bound of a look into the shared cache: a slow one is a miss.</summary>
    public TimeSpan SharedWait { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Bound of one fetch, shared cache and retries included, whoever waits for it.</summary>
    public TimeSpan Fetch { get; init; } = TimeSpan.FromSeconds(10);
}
