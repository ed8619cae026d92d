using PolicyService.LoadTests.Calls;

namespace PolicyService.LoadTests.Measuring;

/// <summary>
/// Calls on a fixed schedule, whatever became of those before. Latency counts from the scheduled time, so that a stall shows in every call that it
/// delays, not only in those that were under way (no "coordinated omission").
/// </summary>
internal static class OpenLoop
{
    /// <summary>Calls under way beyond which the next one waits; its latency counts all the same.</summary>
    private const int MaxUnderWay = 20_000;

    /// <param name="callers">Who asks, in turn.</param>
    /// <param name="rate">Calls a second.</param>
    /// <param name="duration">How long calls are sent.</param>
    /// <param name="tally">Where what goes wrong is counted.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellation">The end of everything.</param>
    public static Task<Slice> RunAsync(
        IReadOnlyList<ICaller> callers, double rate, TimeSpan duration, Tally tally, TimeProvider time, CancellationToken cancellation) =>
        RunAsync(callers, rate, duration, (_, answer, _) => tally.Count(answer), time, cancellation);

    /// <param name="callers">Who asks, in turn.</param>
    /// <param name="rate">Calls a second.</param>
    /// <param name="duration">How long calls are sent.</param>
    /// <param name="seen">Told of each call when it was due (a timestamp of the clock), what it gave, and its latency; by many threads.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellation">The end of everything.</param>
    public static async Task<Slice> RunAsync(
        IReadOnlyList<ICaller> callers, double rate, TimeSpan duration, Action<long, Answer, TimeSpan> seen, TimeProvider time, CancellationToken cancellation)
    {
        using var hanging = new CancellationTokenSource(duration + ClosedLoop.Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, hanging.Token);
        var calls = new CallsUnderWay(seen, time);
        var count = Math.Max(1, (long)(rate * duration.TotalSeconds));
        var started = time.GetTimestamp();
        // A thread of its own: one of the pool would be busy with answers when the next call is due.
        await Task.Factory.StartNew(() => Send(), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await calls.AllAnsweredAsync();
        cancellation.ThrowIfCancellationRequested();
        return new Slice(calls.Decisions, time.GetElapsedTime(started), calls.Latencies);

        void Send()
        {
            for (var number = 0L; number < count && !either.IsCancellationRequested; number++)
            {
                var due = started + (long)(number / rate * time.TimestampFrequency);
                Pause.Until(due, time);
                while (calls.Count >= MaxUnderWay && !either.IsCancellationRequested)
                {
                    Pause.For(TimeSpan.FromMilliseconds(1));
                }

                calls.Start(callers[(int)(number % callers.Count)], due, either.Token);
            }
        }
    }

    private sealed class CallsUnderWay(Action<long, Answer, TimeSpan> seen, TimeProvider time)
    {
        private readonly Lock _counting = new();
        private readonly TaskCompletionSource _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private long _decisions;
        private int _count = 1; // the sender's own, so that it does not end before all are sent

        public int Count => Volatile.Read(ref _count);

        public long Decisions => Interlocked.Read(ref _decisions);

        public LatencyHistogram Latencies { get; } = new();

        public void Start(ICaller caller, long due, CancellationToken cancellation)
        {
            Interlocked.Increment(ref _count);
            _ = AskAsync(caller, due, cancellation);
        }

        public Task AllAnsweredAsync()
        {
            End();
            return _answered.Task;
        }

        private async Task AskAsync(ICaller caller, long due, CancellationToken cancellation)
        {
            try
            {
                var answer = await caller.AskAsync(cancellation);
                var latency = time.GetElapsedTime(due);
                seen(due, answer, latency);
                Interlocked.Add(ref _decisions, answer.Decisions);
                lock (_counting)
                {
                    Latencies.Add(latency);
                }
            }
            catch (OperationCanceledException)
            {
                seen(due, Answer.Failed($"no answer in {ClosedLoop.Patience.TotalSeconds:0} s"), time.GetElapsedTime(due));
            }
            finally
            {
                End();
            }
        }

        private void End()
        {
            if (Interlocked.Decrement(ref _count) == 0)
            {
                _answered.TrySetResult();
            }
        }
    }
}
