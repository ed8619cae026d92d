using PolicyService.LoadTests.Calls;

namespace PolicyService.LoadTests.Measuring;

/// <summary>
/// As many calls as there are callers, always: each asks again when it has its answer. It finds the greatest rate. Its latencies say little: a server
/// that stalls is asked less.
/// </summary>
internal static class ClosedLoop
{
    /// <summary>How long an answer may take; the call is an error then.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Asks until the time is over or enough was decided, whichever comes first.</summary>
    /// <param name="callers">Who asks.</param>
    /// <param name="duration">How long.</param>
    /// <param name="enough">Decisions after which it ends.</param>
    /// <param name="tally">Where what goes wrong is counted.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellation">The end of everything.</param>
    public static async Task<Slice> RunAsync(
        IReadOnlyList<ICaller> callers, TimeSpan duration, long enough, Tally tally, TimeProvider time, CancellationToken cancellation)
    {
        using var hanging = new CancellationTokenSource(duration + Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, hanging.Token);
        var started = time.GetTimestamp();
        var decided = 0L;
        var latencies = await Task.WhenAll(callers.Select(caller => Task.Run(() => AskAsync(caller, either.Token), CancellationToken.None)));
        cancellation.ThrowIfCancellationRequested();
        var all = new LatencyHistogram();
        foreach (var one in latencies)
        {
            all.Add(one);
        }

        return new Slice(Interlocked.Read(ref decided), time.GetElapsedTime(started), all);

        async Task<LatencyHistogram> AskAsync(ICaller caller, CancellationToken ending)
        {
            var histogram = new LatencyHistogram();
            var failures = 0;
            for (var asked = time.GetTimestamp(); time.GetElapsedTime(started, asked) < duration && Interlocked.Read(ref decided) < enough; asked = time.GetTimestamp())
            {
                try
                {
                    var answer = await caller.AskAsync(ending);
                    histogram.Add(time.GetElapsedTime(asked));
                    tally.Count(answer);
                    Interlocked.Add(ref decided, answer.Decisions);
                    failures = answer.Error is null ? 0 : failures + 1;
                }
                catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
                {
                    tally.Count(Answer.Failed($"no answer in {Patience.TotalSeconds:0} s"));
                    return histogram;
                }

                if (failures >= MaxFailures)
                {
                    // A server that is gone refuses a hundred thousand connections a second: enough is known.
                    return histogram;
                }
            }

            return histogram;
        }
    }

    private const int MaxFailures = 20;
}
