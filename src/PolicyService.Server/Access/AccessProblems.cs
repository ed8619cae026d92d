using System.Collections.Concurrent;

namespace PolicyService.Server.Access;

/// <summary>What of the configuration of access cannot be used as it stands now; the last good version is in force. Shown by <c>/healthz/ready</c>.</summary>
internal sealed partial class AccessProblems(ILogger<AccessProblems> logger)
{
    private readonly ConcurrentDictionary<string, string> _problems = new(StringComparer.Ordinal);

    /// <summary>Problems by what has them, such as a flag.</summary>
    public IReadOnlyDictionary<string, string> All => _problems;

    /// <summary>Keeps what is known of one thing, and logs it when it is new.</summary>
    /// <param name="what">The flag, or the issuer.</param>
    /// <param name="problem">What is wrong with it, without any secret; null: nothing.</param>
    public void Set(string what, string? problem)
    {
        if (problem is null)
        {
            if (_problems.TryRemove(what, out _))
            {
                LogMended(logger, what);
            }

            return;
        }

        if (!_problems.TryGetValue(what, out var known) || known != problem)
        {
            _problems[what] = problem;
            LogProblem(logger, what, problem);
        }
    }

    /// <summary>It is configured no more.</summary>
    public void Forget(string what) => _problems.TryRemove(what, out _);

    [LoggerMessage(60, LogLevel.Error, "{What} cannot be used as it is: {Problem}; the last good version stays in force")]
    private static partial void LogProblem(ILogger logger, string what, string problem);

    [LoggerMessage(61, LogLevel.Information, "{What} can be used again")]
    private static partial void LogMended(ILogger logger, string what);
}
