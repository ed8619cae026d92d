using PolicyService.Core.Access;
using PolicyService.Core.Documents;
using PolicyService.Core.Policies;

namespace PolicyService.Server.Policies;

/// <summary>
/// Keeps the snapshot in force up to date: looks at each source every half second, sooner when a bell rings, and once before the server
/// listens. When a source does not answer, its last version stays, and everything is marked stale. Sources do not wait for each other.
/// </summary>
public sealed partial class DocumentsWatcher(
    ServerSettings settings,
    IEnumerable<IDocumentSource> sources,
    SnapshotInForce inForce,
    PollSignal signal,
    IChangeBell bell,
    TimeProvider time,
    ILogger<DocumentsWatcher> logger)
    : BackgroundService
{
    private readonly Watched[] _sources = [.. sources.Select(source => new Watched(source, new PeriodicTimer(settings.PollInterval, time)))];
    private readonly Lock _merging = new();
    private int _looks;

    /// <summary>Looks at sources so far.</summary>
    internal int Looks => Volatile.Read(ref _looks);

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

    /// <remarks>What ends one of the loops ends them all, and with them the service: it must not decide by documents that nobody looks after.</remarks>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken) =>
        await await Task.WhenAny([RelayAsync(stoppingToken), .. _sources.Select(watched => WatchAsync(watched, stoppingToken))]);

    /// <summary>A bell rings for every source.</summary>
    private async Task RelayAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await signal.WaitAsync(cancellation);
            foreach (var watched in _sources)
            {
                watched.Early.Raise();
            }
        }
    }

    private async Task WatchAsync(Watched watched, CancellationToken cancellation)
    {
        var tick = watched.Timer.WaitForNextTickAsync(cancellation).AsTask();
        var bells = watched.Early.WaitAsync(cancellation);
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

                tick = watched.Timer.WaitForNextTickAsync(cancellation).AsTask();
                if (await PollAsync(watched, cancellation))
                {
                    bell.Ring();
                }
            }
            else
            {
                await bells;
                // Whoever woke this replica has told the others too.
                var started = time.GetTimestamp();
                await PollAsync(watched, cancellation);
                bells = NextBellAsync(watched, time.GetElapsedTime(started), cancellation);
            }
        }
    }

    /// <summary>Deaf for a while after an early look, at least for as long as the look took: a storm of bells cannot keep a large directory busy.</summary>
    private async Task NextBellAsync(Watched watched, TimeSpan looked, CancellationToken cancellation)
    {
        await Task.Delay(looked > PollSignal.Gap ? looked : PollSignal.Gap, time, cancellation);
        await watched.Early.WaitAsync(cancellation);
    }

    public override void Dispose()
    {
        foreach (var watched in _sources)
        {
            watched.Timer.Dispose();
            watched.Early.Dispose();
        }

        base.Dispose();
    }

    /// <returns>The source has changed.</returns>
    private async Task<bool> PollAsync(Watched watched, CancellationToken cancellation)
    {
        Interlocked.Increment(ref _looks);
        try
        {
            var reading = await ReadAsync(watched.Source, cancellation);
            lock (_merging)
            {
                var (isNew, wasStale) = (watched.Reading is null || reading.Changed, watched.IsStale);
                var hasNews = isNew || reading.ContentVersion != watched.Reading?.ContentVersion;
                (watched.Reading, watched.ReadAt, watched.IsStale) = (reading, time.GetUtcNow(), false);
                Merge(isNew);
                if (wasStale)
                {
                    LogReachable(logger, watched.Source.Place);
                }

                return hasNews;
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
                    LogUnreachable(logger, watched.Source.Place, exception.Message, exception);
                    watched.IsStale = true;
                    Merge(isNew: false);
                }

                return false;
            }
        }
    }

    /// <summary>Whatever a source fails at, it is unavailable: nothing that happens to it may end the service.</summary>
    private static async Task<SourceReading> ReadAsync(IDocumentSource source, CancellationToken cancellation)
    {
        try
        {
            return await source.ReadAsync(cancellation);
        }
        catch (Exception exception) when (exception is not SourceUnavailableException && !cancellation.IsCancellationRequested)
        {
            throw new SourceUnavailableException($"OTHER: {exception.GetType().Name}", "look at what else the log says", exception);
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
            snapshot = PolicySnapshot.Build(documents, readings.Sum(reading => reading.Generation), AccessOf(readings));
            LogLoaded(logger, snapshot.Generation, snapshot.Projects.Count, problems.Count);
            LogProblems(problems, current?.Problems ?? []);
        }

        inForce.Replace(new PolicyVersion(snapshot, _sources.Min(watched => watched.ReadAt), _sources.Any(watched => watched.IsStale), problems)
        {
            ContentVersion = readings.Sum(reading => reading.ContentVersion),
            EvidenceVersion = readings.Sum(reading => reading.EvidenceVersion),
        });
    }

    /// <summary>The access file with the IAM policies of the store; null where everybody may do everything.</summary>
    private AccessRules? AccessOf(SourceReading[] readings)
    {
        if (!settings.RequiresCallers)
        {
            return null;
        }

        var rules = Array.Find(readings, reading => reading.Access is not null)?.Access ?? AccessRules.Nothing;
        if (Array.Find(readings, reading => reading.IamPolicies is not null) is not { IamPolicies: { } policies } store)
        {
            return rules;
        }

        // Of a project whose documents come from elsewhere nobody can see or change the IAM policies of the store: they grant nothing.
        var elsewhere = readings.Where(reading => reading != store).SelectMany(reading => reading.Documents.Projects).Select(project => $"projects/{project.Id}").ToHashSet(StringComparer.Ordinal);
        return rules.With(elsewhere.Count == 0 ? policies : policies
            .Where(policy => !elsewhere.Contains(AccessResource.ProjectOf(policy.Key) ?? "")).ToDictionary(StringComparer.Ordinal));
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
    private static partial void LogUnreachable(ILogger logger, string place, string error, Exception exception);

    [LoggerMessage(4, LogLevel.Information, "The {Place} can be read again")]
    private static partial void LogReachable(ILogger logger, string place);

    /// <summary>A source and what it said last.</summary>
    private sealed class Watched(IDocumentSource source, PeriodicTimer timer)
    {
        public IDocumentSource Source => source;

        public PeriodicTimer Timer => timer;

        /// <summary>Asks for a look before the timer's next.</summary>
        public PollSignal Early { get; } = new();

        public SourceReading? Reading { get; set; }

        public DateTimeOffset ReadAt { get; set; }

        public bool IsStale { get; set; }
    }
}
