using PolicyService.Core.Documents;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Documents;

namespace PolicyService.Server.Policies;

/// <summary>
/// Keeps the snapshot in force up to date: looks at the directory every half second, sooner when a bell rings, and once before the
/// server listens. When the directory cannot be read the last version stays, marked stale.
/// </summary>
public sealed partial class DocumentsWatcher(
    ServerSettings settings, SnapshotInForce inForce, PollSignal signal, IChangeBell bell, TimeProvider time, ILogger<DocumentsWatcher> logger)
    : BackgroundService
{
    private readonly DocumentDirectory _directory = new(settings.PoliciesDirectory, time);
    private readonly PeriodicTimer _timer = new(settings.PollInterval, time);
    private long _generation;
    private int _looks;

    /// <summary>Looks at the directory so far.</summary>
    internal int Looks => Volatile.Read(ref _looks);

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        // Before anything listens: a service that is up has documents.
        Poll();
        return base.StartAsync(cancellationToken);
    }

    /// <summary>One look at the directory.</summary>
    /// <returns>There is a new version.</returns>
    internal bool Poll()
    {
        var hasNews = false;
        Interlocked.Increment(ref _looks);
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
                hasNews = true;
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

        return hasNews;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var tick = _timer.WaitForNextTickAsync(stoppingToken).AsTask();
        var bells = signal.WaitAsync(stoppingToken);
        while (true)
        {
            await Task.WhenAny(tick, bells);
            // The timer comes first: bells may add to its looks, never stand in for them.
            if (tick.IsCompleted)
            {
                if (!await tick)
                {
                    return;
                }

                tick = _timer.WaitForNextTickAsync(stoppingToken).AsTask();
                if (Poll())
                {
                    bell.Ring();
                }
            }
            else
            {
                await bells;
                // Whoever woke this replica has told the others too.
                var started = time.GetTimestamp();
                Poll();
                bells = NextBellAsync(time.GetElapsedTime(started), stoppingToken);
            }
        }
    }

    /// <summary>Deaf for a while after an early look, at least for as long as the look took: a storm of bells cannot keep a large directory busy.</summary>
    private async Task NextBellAsync(TimeSpan looked, CancellationToken cancellation)
    {
        await Task.Delay(looked > PollSignal.Gap ? looked : PollSignal.Gap, time, cancellation);
        await signal.WaitAsync(cancellation);
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
