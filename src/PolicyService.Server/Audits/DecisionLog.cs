using System.Buffers;
using System.Text.Json;
using System.Threading.Channels;
using Prometheus;

namespace PolicyService.Server.Audits;

/// <summary>The decision could not be recorded before the caller's deadline; no verdict is given then.</summary>
public sealed class AuditUnavailableException() : Exception("the decision could not be recorded in time");

/// <summary>
/// Records every decision. One writer takes the records from a bounded channel and writes them in groups; when the sink fails it
/// keeps them and tries again, and when the channel is full callers wait, and then get no verdict.
/// </summary>
public sealed partial class DecisionLog : BackgroundService
{
    private const int Capacity = 8192;
    private const int GroupRecords = 512;

    /// <summary>Characters of the records that wait; some records are a thousand times larger than others.</summary>
    private const long MaxWaitingWeight = 32 * 1024 * 1024;

    /// <summary>Characters after which a group is closed.</summary>
    private const long GroupWeight = 1024 * 1024;

    /// <summary>A buffer that grew beyond this for one group is not kept for the next.</summary>
    private const int KeptBufferBytes = 4 * 1024 * 1024;

    /// <summary>A write that takes longer hangs, and the sink with it.</summary>
    private static readonly TimeSpan Hanging = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(200);

    private readonly Channel<Entry> _channel = Channel.CreateBounded<Entry>(new BoundedChannelOptions(Capacity) { SingleReader = true });
    private readonly IRecordSink _sink;
    private readonly ServerSettings _settings;
    private readonly TimeProvider _time;
    private readonly ILogger<DecisionLog> _logger;
    private readonly Counter.Child _written;
    private readonly Counter.Child _refused;
    private readonly Counter.Child _failures;
    private volatile bool _isFailing;
    private long _writingSince;
    private long _waitingWeight;
    private volatile TaskCompletionSource _room = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public DecisionLog(IRecordSink sink, ServerSettings settings, CollectorRegistry registry, TimeProvider time, ILogger<DecisionLog> logger)
    {
        (_sink, _settings, _time, _logger) = (sink, settings, time, logger);
        var factory = Metrics.WithCustomRegistry(registry);
        var records = factory.CreateCounter("policyservice_audit_records_total", "Decision records by outcome.", "outcome");
        (_written, _refused, _failures) = (records.WithLabels("written"), records.WithLabels("refused"), records.WithLabels("sink_failure"));
        var queue = factory.CreateGauge("policyservice_audit_queue_records", "Decision records that wait to be written.");
        var failing = factory.CreateGauge("policyservice_audit_failing", "1 while the sink of the decision records fails.");
        registry.AddBeforeCollectCallback(() =>
        {
            queue.Set(_channel.Reader.Count);
            failing.Set(IsFailing ? 1 : 0);
        });
    }

    /// <summary>The sink refused the last group, or hangs over this one.</summary>
    public bool IsFailing => _isFailing || (Interlocked.Read(ref _writingSince) is > 0 and var since && _time.GetElapsedTime(since) > Hanging);

    /// <summary>Hands the record to the writer; waits for the disk where the record must be durable.</summary>
    /// <exception cref="AuditUnavailableException">Neither was possible before the deadline.</exception>
    public async ValueTask RecordAsync(IAuditRecord record, Decisions.Deadline deadline, CancellationToken cancellation)
    {
        var entry = new Entry(record, _settings.AuditDurable || record.MustBeDurable);
        var isQueued = TryReserve(entry) && TryQueue(entry);
        if (!isQueued || entry.Written is not null)
        {
            await WaitAsync(entry, isQueued, deadline, cancellation);
        }
    }

    /// <summary>Hands the record to the writer, who makes it durable where it must be; nobody waits.</summary>
    /// <returns>False: too many wait already.</returns>
    public bool TryRecord(IAuditRecord record)
    {
        var entry = new Entry(record, record.MustBeDurable);
        return TryReserve(entry) && TryQueue(entry);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        // What was decided is written before the process ends, as far as the sink lets us.
        _channel.Writer.TryComplete();
        if (ExecuteTask is { } writer)
        {
            await Task.WhenAny(writer, Task.Delay(Timeout.InfiniteTimeSpan, _time, cancellationToken));
        }

        await base.StopAsync(cancellationToken);
        _sink.Dispose();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.Run(() => WriteAllAsync(stoppingToken), CancellationToken.None);

    private async Task WaitAsync(Entry entry, bool isQueued, Decisions.Deadline deadline, CancellationToken cancellation)
    {
        using var ending = new Decisions.TimedCancellation(deadline.RecordingTime(_time.GetUtcNow()), _time, cancellation);
        try
        {
            if (!isQueued)
            {
                await QueueAsync(entry, ending.Token);
                isQueued = true;
            }

            if (entry.Written is { } written)
            {
                await written.Task.WaitAsync(ending.Token);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or ChannelClosedException)
        {
            Forsake(entry, isQueued);
            cancellation.ThrowIfCancellationRequested();
            throw new AuditUnavailableException();
        }
    }

    /// <summary>Nobody waits for it any more: a decision is then none, and a fact is written all the same.</summary>
    private void Forsake(Entry entry, bool isQueued)
    {
        if (!entry.Record.IsFact)
        {
            entry.Abandon();
            _refused.Inc();
        }
        else if (!isQueued)
        {
            _ = KeepAsync(entry);
        }
    }

    private async Task KeepAsync(Entry entry)
    {
        try
        {
            await QueueAsync(entry, CancellationToken.None);
        }
        catch (ChannelClosedException exception)
        {
            LogLost(_logger, exception);
        }
    }

    private bool TryReserve(Entry entry)
    {
        if (Interlocked.Add(ref _waitingWeight, entry.Record.Weight) <= MaxWaitingWeight)
        {
            return true;
        }

        Interlocked.Add(ref _waitingWeight, -entry.Record.Weight);
        return false;
    }

    private bool TryQueue(Entry entry)
    {
        var isQueued = _channel.Writer.TryWrite(entry);
        if (!isQueued)
        {
            Interlocked.Add(ref _waitingWeight, -entry.Record.Weight);
        }

        return isQueued;
    }

    private async Task QueueAsync(Entry entry, CancellationToken ending)
    {
        // Taken before the attempt, so that room made in between is not missed.
        for (var room = _room; !TryReserve(entry); room = _room)
        {
            await room.Task.WaitAsync(ending);
        }

        try
        {
            await _channel.Writer.WriteAsync(entry, ending);
        }
        catch (Exception exception) when (exception is OperationCanceledException or ChannelClosedException)
        {
            Interlocked.Add(ref _waitingWeight, -entry.Record.Weight);
            throw;
        }
    }

    private async Task WriteAllAsync(CancellationToken stopping)
    {
        var group = new List<Entry>(GroupRecords);
        var buffer = new ArrayBufferWriter<byte>(64 * 1024);
        while (await _channel.Reader.WaitToReadAsync(CancellationToken.None))
        {
            var weight = 0L;
            while (group.Count < GroupRecords && weight < GroupWeight && _channel.Reader.TryRead(out var entry))
            {
                group.Add(entry);
                weight += entry.Record.Weight;
            }

            while (!TryWriteGroup(group, buffer))
            {
                if (stopping.IsCancellationRequested)
                {
                    return;
                }

                await Task.Delay(RetryDelay, _time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            group.Clear();
            buffer = buffer.Capacity > KeptBufferBytes ? new ArrayBufferWriter<byte>(64 * 1024) : buffer;
            Interlocked.Add(ref _waitingWeight, -weight);
            Interlocked.Exchange(ref _room, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
        }
    }

    private bool TryWriteGroup(List<Entry> group, ArrayBufferWriter<byte> buffer)
    {
        // A record whose caller was told that there is no verdict must not say that there was one.
        group.RemoveAll(entry => entry.IsAbandoned);
        Serialize(group, buffer);
        if (group.Count == 0)
        {
            // Where nothing is left to write, an empty line shows whether the sink works again: writing nothing would always work.
            buffer.Write("\n"u8);
        }

        Interlocked.Exchange(ref _writingSince, Math.Max(1, _time.GetTimestamp()));
        try
        {
            _sink.Write(buffer.WrittenSpan);
            // After a flush that failed, what was written before it may be lost: the group is written again, not only flushed.
            if (_isFailing || group.Exists(entry => entry.Written is not null))
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

        group.ForEach(entry => entry.Complete());
        _written.Inc(group.Count);
        return true;
    }

    private static void Serialize(List<Entry> group, ArrayBufferWriter<byte> buffer)
    {
        buffer.ResetWrittenCount();
        using var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { SkipValidation = true });
        foreach (var entry in group)
        {
            json.Reset();
            entry.Record.WriteTo(json);
            json.Flush();
            buffer.Write("\n"u8);
        }
    }

    [LoggerMessage(10, LogLevel.Error, "Decision records cannot be written ({Error}); they are kept, and when too many wait decisions end UNAVAILABLE")]
    private static partial void LogFailing(ILogger logger, string error);

    [LoggerMessage(12, LogLevel.Error, "The record of a change of access is lost: too many records waited when the service ended; the history of the store has the change")]
    private static partial void LogLost(ILogger logger, Exception exception);

    [LoggerMessage(11, LogLevel.Information, "Decision records are written again")]
    private static partial void LogMended(ILogger logger);
}
