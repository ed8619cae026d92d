using Prometheus;

namespace PolicyService.Server.Audits;

/// <summary>The decision could not be recorded before the caller's deadline; no verdict is given then.</summary>
public sealed class AuditUnavailableException() : Exception("the decision could not be recorded in time");

/// <summary>
/// Records every decision. One writer takes the records from a bounded queue and writes them in groups; when the sink fails it
/// keeps them and tries again, and when the queue is full callers wait, and then get no verdict.
/// </summary>
public sealed partial class DecisionLog : BackgroundService
{
    /// <summary>A write that takes longer hangs, and the sink with it.</summary>
    private static readonly TimeSpan Hanging = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(200);

    /// <summary>Each thread that decides keeps a buffer up to this size.</summary>
    private const int KeptLineBytes = 64 * 1024;

    /// <summary>A decision's line is written where it is made, and lives no longer than the call: what waited as objects would be moved about by the collector.</summary>
    [ThreadStatic]
    private static RecordBuffer? _line;

    private readonly RecordQueue _queue = new();
    private readonly RecordPatience _patience;
    private readonly IRecordSink _sink;
    private readonly ServerSettings _settings;
    private readonly TimeProvider _time;
    private readonly ILogger<DecisionLog> _logger;
    private readonly Counter.Child _written;
    private readonly Counter.Child _refused;
    private readonly Counter.Child _failures;
    private volatile bool _isFailing;
    private long _writingSince;

    public DecisionLog(IRecordSink sink, ServerSettings settings, CollectorRegistry registry, TimeProvider time, ILogger<DecisionLog> logger)
    {
        (_sink, _settings, _time, _logger) = (sink, settings, time, logger);
        _patience = new RecordPatience(time, OnRefused);
        var factory = Metrics.WithCustomRegistry(registry);
        var records = factory.CreateCounter("policyservice_audit_records_total", "Decision records by outcome.", "outcome");
        (_written, _refused, _failures) = (records.WithLabels("written"), records.WithLabels("refused"), records.WithLabels("sink_failure"));
        var queue = factory.CreateGauge("policyservice_audit_queue_records", "Decision records that wait to be written.");
        var failing = factory.CreateGauge("policyservice_audit_failing", "1 while the sink of the decision records fails.");
        registry.AddBeforeCollectCallback(() =>
        {
            queue.Set(_queue.Count);
            failing.Set(IsFailing ? 1 : 0);
        });
    }

    /// <summary>The sink refused the last group, or hangs over this one.</summary>
    public bool IsFailing => _isFailing || (Interlocked.Read(ref _writingSince) is > 0 and var since && _time.GetElapsedTime(since) > Hanging);

    /// <summary>Hands the record to the writer; waits for the disk where the record must be durable.</summary>
    /// <exception cref="AuditUnavailableException">Neither was possible before the deadline.</exception>
    public ValueTask RecordAsync(IAuditRecord record, Decisions.Deadline deadline, CancellationToken cancellation)
    {
        var isDurable = _settings.AuditDurable || record.MustBeDurable;
        return !isDurable && TryAdd(record) ? ValueTask.CompletedTask : WaitAsync(record, isDurable, deadline, cancellation);
    }

    /// <summary>Hands the record to the writer, who makes it durable where it must be; nobody waits.</summary>
    /// <returns>False: too many wait already.</returns>
    public bool TryRecord(IAuditRecord record) => _queue.TryAdd(new RecordEntry(record, record.MustBeDurable, null));

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        // What was decided is written before the process ends, as far as the sink lets us.
        foreach (var entry in _queue.Close())
        {
            Refuse(entry);
        }

        if (ExecuteTask is { } writer)
        {
            await Task.WhenAny(writer, Task.Delay(Timeout.InfiniteTimeSpan, _time, cancellationToken));
        }

        await base.StopAsync(cancellationToken);
        _sink.Dispose();
    }

    // A thread of its own: it sleeps in the sink and in the queue, and the pool has few threads and is slow to notice one that sleeps.
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.Factory.StartNew(() => WriteAll(stoppingToken), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private bool TryAdd(IAuditRecord record)
    {
        var line = _line ??= new RecordBuffer(KeptLineBytes);
        line.Clear();
        Write(record, line);
        return _queue.TryAdd(line.Written);
    }

    private ValueTask WaitAsync(IAuditRecord record, bool isDurable, Decisions.Deadline deadline, CancellationToken cancellation)
    {
        var now = _time.GetUtcNow();
        var waiter = new RecordWaiter(record.IsFact, now + deadline.RecordingTime(now), cancellation);
        var entry = new RecordEntry(record, isDurable, waiter);
        if (_queue.AddInTurn(entry))
        {
            _patience.Watch(waiter);
        }
        else
        {
            Refuse(entry);
        }

        return waiter.Task;
    }

    /// <summary>The queue is closed: a decision is then none, and a fact is lost.</summary>
    private void Refuse(RecordEntry entry)
    {
        if (entry.Waiter?.TryGiveUp() == true && !entry.Record.IsFact)
        {
            OnRefused(1);
        }

        if (entry.Record.IsFact)
        {
            LogLost(_logger);
        }
    }

    private void OnRefused(int count)
    {
        _refused.Inc(count);
        _queue.DropRefused();
    }

    private void WriteAll(CancellationToken stopping)
    {
        var group = new RecordGroup();
        while (_queue.Take(group))
        {
            while (!TryWriteGroup(group))
            {
                if (stopping.IsCancellationRequested)
                {
                    return;
                }

                Task.Delay(RetryDelay, _time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing).GetAwaiter().GetResult();
            }

            group.Clear();
        }
    }

    private bool TryWriteGroup(RecordGroup group)
    {
        // A record whose caller was told that there is no verdict must not say that there was one.
        group.Entries.RemoveAll(entry => entry.Waiter is { IsRefused: true });
        group.Lines.Cut(group.PlainBytes);
        group.Entries.ForEach(entry => Write(entry.Record, group.Lines));
        if (group.Lines.Written.IsEmpty)
        {
            // Where nothing is left to write, an empty line shows whether the sink works again: writing nothing would always work.
            group.Lines.Raw("\n"u8);
        }

        Interlocked.Exchange(ref _writingSince, Math.Max(1, _time.GetTimestamp()));
        try
        {
            _sink.Write(group.Lines.Written);
            // After a flush that failed, what was written before it may be lost: the group is written again, not only flushed.
            if (_isFailing || group.Entries.Exists(entry => entry.IsDurable))
            {
                _sink.MakeDurable();
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _failures.Inc();
            if (!_isFailing)
            {
                LogFailing(_logger, exception.Message);
                _isFailing = true;
            }

            return false;
        }
        finally
        {
            Interlocked.Exchange(ref _writingSince, 0);
        }

        if (_isFailing)
        {
            _isFailing = false;
            LogMended(_logger);
        }

        RecordWaiter.Complete(group.Entries);
        _written.Inc(group.PlainCount + group.Entries.Count);
        return true;
    }

    private static void Write(IAuditRecord record, RecordBuffer lines)
    {
        record.WriteTo(lines);
        lines.Raw("\n"u8);
    }

    [LoggerMessage(10, LogLevel.Error, "Decision records cannot be written ({Error}); they are kept, and when too many wait decisions end UNAVAILABLE")]
    private static partial void LogFailing(ILogger logger, string error);

    [LoggerMessage(12, LogLevel.Error, "The record of a change of access is lost: too many records waited when the service ended; the history of the store has the change")]
    private static partial void LogLost(ILogger logger);

    [LoggerMessage(11, LogLevel.Information, "Decision records are written again")]
    private static partial void LogMended(ILogger logger);
}
