using PolicyService.LoadTests.Calls;
using PolicyService.LoadTests.Measuring;

namespace PolicyService.LoadTests.Tests.Measuring;

public sealed class LoopTests
{
    private const double Rate = 1000;
    private const int Stalled = 200;
    private static readonly TimeSpan Duration = TimeSpan.FromMilliseconds(400);

    [Fact]
    public async Task Server_that_stalls_shows_in_the_latency_of_every_call_due_meanwhile()
    {
        // It answers none of 200 calls, due in 200 ms, until the last of them has come. No sooner, however slow the machine: half of them wait 100 ms.
        var (arrived, answers) = (0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        var caller = new FakeCaller(async () =>
        {
            if (Interlocked.Increment(ref arrived) == Stalled)
            {
                answers.SetResult();
            }

            await answers.Task;
            return new Answer(1);
        });

        var slice = await OpenAsync(caller);

        Assert.Equal(400, slice.Decisions);
        Assert.True(slice.Latencies.Percentile(0.75) > 95, $"p75 is {slice.Latencies.Percentile(0.75)} ms");
    }

    [Fact]
    public async Task Sender_that_stalls_shows_as_well()
    {
        // The first call blocks the sender itself for 200 ms: the calls that it could not send were due all the same.
        var (first, time) = (0, TimeProvider.System);
        var caller = new FakeCaller(() =>
        {
            if (Interlocked.Exchange(ref first, 1) == 0)
            {
                Pause.Until(time.GetTimestamp() + (time.TimestampFrequency / 5), time);
            }

            return Task.FromResult(new Answer(1));
        });

        var slice = await OpenAsync(caller);

        Assert.True(slice.Latencies.Percentile(0.75) > 95, $"p75 is {slice.Latencies.Percentile(0.75)} ms");
    }

    [Fact]
    public async Task Closed_loop_ends_when_enough_is_decided()
    {
        var tally = new Tally();
        var slice = await ClosedLoop.RunAsync([new FakeCaller(() => Task.FromResult(new Answer(10)))], TimeSpan.FromMinutes(10), 1000, tally, TimeProvider.System, TestContext.Current.CancellationToken);

        Assert.Equal(1000, slice.Decisions);
        Assert.Equal(100, slice.Latencies.Count);
        Assert.True(tally.IsClean);
    }

    [Fact]
    public async Task Server_that_is_gone_is_not_asked_a_million_times()
    {
        var tally = new Tally();
        await ClosedLoop.RunAsync([new FakeCaller(() => Task.FromResult(Answer.Failed("ConnectionError")))], TimeSpan.FromMinutes(10), 1000, tally, TimeProvider.System, TestContext.Current.CancellationToken);

        Assert.Equal(20, tally.Errors);
        Assert.Equal(20, tally.Kinds["ConnectionError"]);
    }

    [Fact]
    public async Task Call_that_is_never_answered_is_an_error()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        var tally = new Tally();
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var running = ClosedLoop.RunAsync(
            [new FakeCaller(cancellation =>
            {
                asked.TrySetResult();
                return Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation).ContinueWith(_ => new Answer(1), cancellation, TaskContinuationOptions.None, TaskScheduler.Default);
            })],
            TimeSpan.FromSeconds(1), 1000, tally, time, TestContext.Current.CancellationToken);
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(60), TimeProvider.System, TestContext.Current.CancellationToken);
        time.Advance(TimeSpan.FromSeconds(32));
        await running.WaitAsync(TimeSpan.FromSeconds(60), TimeProvider.System, TestContext.Current.CancellationToken);

        Assert.Equal(1, tally.Errors);
    }

    private static Task<Slice> OpenAsync(ICaller caller) =>
        OpenLoop.RunAsync([caller], Rate, Duration, new Tally(), TimeProvider.System, TestContext.Current.CancellationToken);

    private sealed class FakeCaller(Func<CancellationToken, Task<Answer>> ask) : ICaller
    {
        public FakeCaller(Func<Task<Answer>> ask)
            : this(_ => ask())
        {
        }

        public int DecisionsPerCall => 1;

        public ValueTask<Answer> AskAsync(CancellationToken cancellation) => new(ask(cancellation));
    }
}
