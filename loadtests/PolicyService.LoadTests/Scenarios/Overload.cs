using System.Globalization;
using PolicyService.LoadTests.Calls;
using PolicyService.LoadTests.Measuring;

namespace PolicyService.LoadTests.Scenarios;

/// <summary>Asks for more than a service can do, and tells what became of it. A refusal, or an answer that is late, is no error here.</summary>
internal sealed class Overload(IReadOnlyList<ICaller> modest, IReadOnlyList<ICaller> greedy, TestBed bed)
{
    /// <summary>RESOURCE_EXHAUSTED.</summary>
    private const string Shed = "grpc-status 8";

    /// <summary>DEADLINE_EXCEEDED.</summary>
    private const string Late = "grpc-status 4";

    private static readonly TimeSpan Before = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan After = TimeSpan.FromSeconds(4);

    /// <param name="modestRate">Calls a second of the modest caller: before, during and after.</param>
    /// <param name="rate">Calls a second of both, during the overload.</param>
    /// <param name="capacity">Decisions a second that the service can make.</param>
    /// <param name="tally">Where wrong verdicts are counted, and errors other than those an overload may bring.</param>
    /// <param name="cancellation">The end of everything.</param>
    /// <returns>Lines to be told.</returns>
    public async Task<IReadOnlyList<string>> RunAsync(double modestRate, double rate, double capacity, Tally tally, CancellationToken cancellation)
    {
        var time = bed.Time;
        var (small, large) = (new Calls(tally), new Calls(tally));
        var started = time.GetTimestamp();
        var lasting = OpenLoop.RunAsync(modest, modestRate, Before + bed.Plan.OverloadTime + After, small.See, time, cancellation);
        await Task.Delay(Before, time, cancellation);
        var begun = time.GetTimestamp();
        await OpenLoop.RunAsync(greedy, rate - modestRate, bed.Plan.OverloadTime, large.See, time, cancellation);
        await lasting;
        // The schedule ended then, whenever the last answer came.
        var ended = begun + (long)(bed.Plan.OverloadTime.TotalSeconds * time.TimestampFrequency);
        var during = small.All.Where(call => call.Due >= begun && call.Due < ended).Concat(large.All).ToList();
        var goodput = during.Count(call => call.IsGood) / bed.Plan.OverloadTime.TotalSeconds;
        return
        [
            Line($"asked for {during.Count / bed.Plan.OverloadTime.TotalSeconds:0}/s, {during.Count / bed.Plan.OverloadTime.TotalSeconds / capacity:0.00} of what it can do, for {bed.Plan.OverloadTime.TotalSeconds:0.#} s; answered in time {goodput:0}/s, {goodput / capacity:0.00} of what it can do"),
            Describe("greedy", large.All),
            Describe("modest", [.. small.All.Where(call => call.Due >= begun && call.Due < ended)]),
            Recovery([.. small.All.Where(call => call.Due >= started && call.Due < begun)], [.. small.All.Where(call => call.Due >= ended)], ended),
        ];
    }

    private static string Describe(string who, IReadOnlyList<Call> calls)
    {
        var latencies = new LatencyHistogram();
        foreach (var call in calls.Where(call => call.IsAnswer))
        {
            latencies.Add(call.Latency);
        }

        var (good, shed) = (calls.Count(call => call.IsGood), calls.Count(call => call.IsShed));
        return Line($"{who}: {calls.Count} calls, {good} answered within {OverloadScenario.Deadline.TotalMilliseconds:0} ms ({Share(good)}), {shed} shed ({Share(shed)}), {calls.Count - good - shed} late ({Share(calls.Count - good - shed)}); the answered p50 {latencies.Percentile(0.5) ?? 0:0.0} ms, p99 {latencies.Percentile(0.99) ?? 0:0.0} ms");

        string Share(int some) => Line($"{100.0 * some / Math.Max(1, calls.Count):0.0} %");
    }

    /// <summary>The last call of the modest caller that took longer than the calls before, or was shed: how long after the end it was due.</summary>
    private string Recovery(IReadOnlyList<Call> before, IReadOnlyList<Call> after, long ended)
    {
        var usual = before.Count == 0 ? TimeSpan.Zero : before.Max(call => call.Latency);
        var slow = after.Where(call => !call.IsGood || call.Latency > usual).ToList();
        return Line($"normal again {(slow.Count == 0 ? 0 : bed.Time.GetElapsedTime(ended, slow.Max(call => call.Due)).TotalMilliseconds):0} ms after its end: later no call was shed or took longer than {usual.TotalMilliseconds:0.0} ms, the longest before it");
    }

    private static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private readonly record struct Call(long Due, Answer Answer, TimeSpan Latency)
    {
        public bool IsShed => Answer.Error == Shed;

        public bool IsAnswer => Answer.Error is null;

        public bool IsGood => IsAnswer && Latency <= OverloadScenario.Deadline;
    }

    /// <summary>What became of the calls of one caller.</summary>
    private sealed class Calls(Tally tally)
    {
        private readonly Lock _adding = new();
        private readonly List<Call> _all = [];

        /// <summary>In the order of their ends; read when all have ended.</summary>
        public IReadOnlyList<Call> All => _all;

        public void See(long due, Answer answer, TimeSpan latency)
        {
            if (answer.Error is not (Shed or Late))
            {
                tally.Count(answer);
            }

            lock (_adding)
            {
                _all.Add(new Call(due, answer, latency));
            }
        }
    }
}
