using PolicyService.Core.Documents;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Documents;

namespace PolicyService.Server.Policies;

/// <summary>
/// Keeps the snapshot in force up to date: looks at the directory every half second, and once before the server listens. When the
/// directory cannot be read the last version stays, marked stale.
/// </summary>
public sealed partial class DocumentsWatcher(ServerSettings settings, SnapshotInForce inForce, TimeProvider time, ILogger<DocumentsWatcher> logger)
    : BackgroundService
{
    private readonly DocumentDirectory _directory = new(settings.PoliciesDirectory, time);
    private readonly PeriodicTimer _timer = new(settings.PollInterval, time);
    private long _generation;

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        // Before anything listens: a service that is up has documents.
        Poll();
        return base.StartAsync(cancellationToken);
    }

    /// <summary>One look at the directory.</summary>
    internal void Poll()
    {
        var current = inForce.Current;
        try
        {
            var reading = _directory.Read();
            var now = time.GetUtcNow();
            if (current is null || reading.Changed)
            {
                var snapshot = PolicySnapshot.Build(reading.Documents, ++_generation);
                inForce.Replace(new PolicyVersion(snapshot, now, false, reading.Problems));
                LogLoaded(logger, snapshot.Generation, snapshot.Projects.Count, reading.Problems.Count);
                LogProblems(reading.Problems, current?.Problems ?? []);
            }
            else
            {
                inForce.Replace(current with { ReadAt = now, IsStale = false });
            }

            if (current is { IsStale: true })
            {
                LogReachable(logger, settings.PoliciesDirectory);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            if (current is null)
            {
                throw new SettingsException($"the documents directory `{settings.PoliciesDirectory}` cannot be read ({exception.Message}): let it rest, or give the service the right to read it");
            }

            if (!current.IsStale)
            {
                LogUnreachable(logger, settings.PoliciesDirectory, exception.Message);
                inForce.Replace(current with { IsStale = true });
            }
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (await _timer.WaitForNextTickAsync(stoppingToken))
        {
            Poll();
        }
    }

    public override void Dispose()
    {
        _timer.Dispose();
        base.Dispose();
    }

    private void LogProblems(IReadOnlyList<DocumentProblem> problems, IReadOnlyList<DocumentProblem> known)
    {
        foreach (var problem in problems.Except(known))
        {
            LogProblem(logger, problem.ToString());
        }
    }

    [LoggerMessage(1, LogLevel.Information, "Documents of generation {Generation} are in force: {Projects} projects, {Problems} problems")]
    private static partial void LogLoaded(ILogger logger, long generation, int projects, int problems);

    [LoggerMessage(2, LogLevel.Warning, "{Problem}")]
    private static partial void LogProblem(ILogger logger, string problem);

    [LoggerMessage(3, LogLevel.Error, "The documents directory {Directory} cannot be read ({Error}); the last version stays in force, marked stale")]
    private static partial void LogUnreachable(ILogger logger, string directory, string error);

    [LoggerMessage(4, LogLevel.Information, "The documents directory {Directory} can be read again")]
    private static partial void LogReachable(ILogger logger, string directory);
}
