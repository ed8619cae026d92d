using PolicyService.Core.Documents;
using PolicyService.Core.Policies;

namespace PolicyService.Server.Policies;

/// <summary>
/// Keeps the snapshot in force up to date: looks at each source every half second, and once before the server listens. When a source does
/// not answer, its last version stays, and everything is marked stale. Sources do not wait for each other.
/// </summary>
public sealed partial class DocumentsWatcher(
    ServerSettings settings, IEnumerable<IDocumentSource> sources, SnapshotInForce inForce, TimeProvider time, ILogger<DocumentsWatcher> logger)
    : BackgroundService
{
    private readonly Watched[] _sources = [.. sources.Select(source => new Watched(source, new PeriodicTimer(settings.PollInterval, time)))];
    private readonly Lock _merging = new();

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        // Before anything listens: a service that is up has documents.
        await PollAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    /// <summary>One look at every source.</summary>
    internal async Task PollAsync(CancellationToken cancellation)
    {
        foreach (var watched in _sources)
        {
            await PollAsync(watched, cancellation);
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(_sources.Select(async watched =>
    {
        while (await watched.Timer.WaitForNextTickAsync(stoppingToken))
        {
            await PollAsync(watched, stoppingToken);
        }
    }));

    public override void Dispose()
    {
        foreach (var watched in _sources)
        {
            watched.Timer.Dispose();
        }

        base.Dispose();
    }

    private async Task PollAsync(Watched watched, CancellationToken cancellation)
    {
        try
        {
            var reading = await watched.Source.ReadAsync(cancellation);
            lock (_merging)
            {
                var (isNew, wasStale) = (watched.Reading is null || reading.Changed, watched.IsStale);
                (watched.Reading, watched.ReadAt, watched.IsStale) = (reading, time.GetUtcNow(), false);
                Merge(isNew);
                if (wasStale)
                {
                    LogReachable(logger, watched.Source.Place);
                }
            }
        }
        catch (SourceUnavailableException exception)
        {
            lock (_merging)
            {
                if (watched.Reading is null)
                {
                    throw new SettingsException($"the {watched.Source.Place} cannot be read ({exception.Message}): {exception.Remedy}");
                }

                if (!watched.IsStale)
                {
                    LogUnreachable(logger, watched.Source.Place, exception.Message);
                    watched.IsStale = true;
                    Merge(isNew: false);
                }
            }
        }
    }

    /// <summary>Puts into force what the sources said last, once each has said something.</summary>
    private void Merge(bool isNew)
    {
        if (_sources.Any(watched => watched.Reading is null))
        {
            return;
        }

        SourceReading[] readings = [.. _sources.Select(watched => watched.Reading!)];
        var current = inForce.Current;
        var (snapshot, problems) = (current?.Snapshot, current?.Problems ?? []);
        if (isNew || snapshot is null)
        {
            (var documents, problems) = SourceMerge.Of(readings);
            snapshot = PolicySnapshot.Build(documents, readings.Sum(reading => reading.Generation));
            LogLoaded(logger, snapshot.Generation, snapshot.Projects.Count, problems.Count);
            LogProblems(problems, current?.Problems ?? []);
        }

        inForce.Replace(new PolicyVersion(snapshot, _sources.Min(watched => watched.ReadAt), _sources.Any(watched => watched.IsStale), problems)
        {
            ContentVersion = readings.Sum(reading => reading.ContentVersion),
        });
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

    [LoggerMessage(3, LogLevel.Error, "The {Place} cannot be read ({Error}); the last version stays in force, marked stale")]
    private static partial void LogUnreachable(ILogger logger, string place, string error);

    [LoggerMessage(4, LogLevel.Information, "The {Place} can be read again")]
    private static partial void LogReachable(ILogger logger, string place);

    /// <summary>A source and what it said last.</summary>
    private sealed class Watched(IDocumentSource source, PeriodicTimer timer)
    {
        public IDocumentSource Source => source;

        public PeriodicTimer Timer => timer;

        public SourceReading? Reading { get; set; }

        public DateTimeOffset ReadAt { get; set; }

        public bool IsStale { get; set; }
    }
}
