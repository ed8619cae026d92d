using System.Diagnostics.Tracing;
using Microsoft.Diagnostics.NETCore.Client;
using Microsoft.Diagnostics.Tracing;

namespace PolicyService.LoadTests.Soaks;

/// <summary>What the runtime of another process said of itself, since it was asked.</summary>
/// <param name="AllocatedBytes">Allocated so far.</param>
/// <param name="HeapMiB">The managed heap; MiB.</param>
/// <param name="Gen0">Garbage collections of generation 0 so far.</param>
/// <param name="Gen1">Of generation 1.</param>
/// <param name="Gen2">Of generation 2.</param>
internal sealed record RuntimeReading(double AllocatedBytes, double HeapMiB, long Gen0, long Gen1, long Gen2);

/// <summary>
/// Event counters of <c>System.Runtime</c> over the diagnostics port, as dotnet-counters reads them: the metrics page of the service has none
/// about its runtime. They come once a second.
/// </summary>
internal sealed class RuntimeCounters : IDisposable
{
    private readonly EventPipeSession _session;
    private readonly EventPipeEventSource _source;
    private readonly Task _reading;
    private TaskCompletionSource _told = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _counting = new();
    private RuntimeReading _latest = new(0, 0, 0, 0, 0);

    private RuntimeCounters(int process)
    {
        _session = new DiagnosticsClient(process).StartEventPipeSession(
            [new EventPipeProvider("System.Runtime", EventLevel.Informational, 0, new Dictionary<string, string> { ["EventCounterIntervalSec"] = "1" })], requestRundown: false);
        _source = new EventPipeEventSource(_session.EventStream);
        _source.Dynamic.All += Count;
        _reading = Task.Factory.StartNew(() => _source.Process(), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    public static RuntimeCounters Of(int process) => new(process);

    public RuntimeReading Read()
    {
        lock (_counting)
        {
            return _latest;
        }
    }

    /// <summary>Waits until the runtime has told twice what it did: the first may have begun before now.</summary>
    public async Task NextAsync()
    {
        for (var times = 0; times < 2; times++)
        {
            var next = Volatile.Read(ref _told).Task;
            await Task.WhenAny(next, _reading);
        }
    }

    public void Dispose()
    {
        try
        {
            _session.Stop();
        }
        catch (Exception exception) when (exception is IOException or ServerNotAvailableException or EndOfStreamException)
        {
            // The process is gone, and the session with it.
        }

        _reading.ContinueWith(_ => { }, TaskScheduler.Default).Wait();
        _source.Dispose();
        _session.Dispose();
    }

    private void Count(TraceEvent counter)
    {
        if (counter.EventName != "EventCounters" || counter.PayloadValue(0) is not IDictionary<string, object> { } wrapped || wrapped["Payload"] is not IDictionary<string, object> values)
        {
            return;
        }

        var name = (string)values["Name"];
        var value = Convert.ToDouble(values.TryGetValue("Increment", out var increment) ? increment : values["Mean"], System.Globalization.CultureInfo.InvariantCulture);
        lock (_counting)
        {
            _latest = name switch
            {
                "alloc-rate" => _latest with { AllocatedBytes = _latest.AllocatedBytes + value },
                "gc-heap-size" => _latest with { HeapMiB = value * 1e6 / 1024 / 1024 },
                "gen-0-gc-count" => _latest with { Gen0 = _latest.Gen0 + (long)value },
                "gen-1-gc-count" => _latest with { Gen1 = _latest.Gen1 + (long)value },
                "gen-2-gc-count" => _latest with { Gen2 = _latest.Gen2 + (long)value },
                _ => _latest,
            };
        }

        if (name == "alloc-rate")
        {
            Interlocked.Exchange(ref _told, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
        }
    }
}
