using PolicyService.LoadTests.Measuring;
using PolicyService.LoadTests.Processes;
using PolicyService.LoadTests.Soaks;

namespace PolicyService.LoadTests.Scenarios;

/// <summary>Adds up what the slices of one side gave.</summary>
internal sealed class SideMeter(Side side, TestBed bed, long sliceDecisions = long.MaxValue)
{
    private readonly List<double> _rates = [];
    private readonly LatencyHistogram _latencies = new();
    private TimeSpan _cpu;
    private long _decisions;

    public Tally Tally { get; } = new();

    /// <summary>Of each slice, in their order.</summary>
    public IReadOnlyList<double> Rates => _rates;

    public ServerProcess? Server => side.Server;

    public int DecisionsPerCall => side.Callers[0].DecisionsPerCall;

    /// <summary>Processor time of one decision; microseconds.</summary>
    public double? CpuMicros => side.Server is null || _decisions == 0 ? null : _cpu.TotalMicroseconds / _decisions;

    /// <summary>Managed memory allocated for one decision; bytes.</summary>
    public double? AllocatedBytes { get; private set; }

    public LatencyHistogram Latencies => _latencies;

    public double? PeakMemoryMiB => side.Server is { } server ? server.Usage.PeakMemory / 1024.0 / 1024.0 : null;

    /// <summary>Runs the code paths often enough for the compiler to have optimised them.</summary>
    public Task WarmAsync(CancellationToken cancellation) =>
        ClosedLoop.RunAsync(side.Callers, bed.Plan.WarmTime, Math.Min(sliceDecisions, bed.Plan.WarmDecisions), Tally, bed.Time, cancellation);

    public async Task RunAsync(CancellationToken cancellation)
    {
        var before = side.Server?.Usage.Cpu;
        var slice = await ClosedLoop.RunAsync(side.Callers, bed.Plan.SliceTime, sliceDecisions, Tally, bed.Time, cancellation);
        _cpu += side.Server?.Usage.Cpu - before ?? TimeSpan.Zero;
        _decisions += slice.Decisions;
        _rates.Add(slice.Rate);
    }

    /// <summary>Starts to count what the server allocates; the counting ends with what is returned.</summary>
    public IAsyncDisposable CountAllocations()
    {
        var counters = bed.Plan.CountsAllocations && side.Server is { } server ? RuntimeCounters.Of(server.Id) : null;
        return new Counting(async () =>
        {
            if (counters is not null)
            {
                // What was allocated last is told a second later.
                await counters.NextAsync();
                AllocatedBytes = _decisions == 0 ? null : counters.Read().AllocatedBytes / _decisions;
                counters.Dispose();
            }
        });
    }

    /// <param name="rate">Calls a second.</param>
    /// <param name="cancellation">The end of everything.</param>
    public async Task ScheduleAsync(double rate, CancellationToken cancellation) =>
        _latencies.Add((await OpenLoop.RunAsync(side.Callers, rate, bed.Plan.SliceTime, Tally, bed.Time, cancellation)).Latencies);

    private sealed class Counting(Func<Task> end) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync() => await end();
    }
}
