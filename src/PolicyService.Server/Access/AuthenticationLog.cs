namespace PolicyService.Server.Access;

/// <summary>Logs refused callers, at most a line every ten seconds: whoever has no credentials must not be able to fill the log.</summary>
internal sealed partial class AuthenticationLog(TimeProvider time, ILogger<AuthenticationLog> logger)
{
    private static readonly TimeSpan Gap = TimeSpan.FromSeconds(10);

    private readonly Lock _counting = new();
    private DateTimeOffset _next = DateTimeOffset.MinValue;
    private long _refused;

    /// <param name="problem">What was told to the caller; nothing in it is the caller's.</param>
    public void Refused(string problem)
    {
        long count;
        lock (_counting)
        {
            _refused++;
            if (time.GetUtcNow() < _next)
            {
                return;
            }

            (count, _refused, _next) = (_refused, 0, time.GetUtcNow() + Gap);
        }

        LogRefused(logger, count, problem);
    }

    [LoggerMessage(63, LogLevel.Warning, "{Count} requests were UNAUTHENTICATED since the last such line; the last one because {Problem}")]
    private static partial void LogRefused(ILogger logger, long count, string problem);
}
