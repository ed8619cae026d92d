using Microsoft.Extensions.Time.Testing;
using PolicyService.Server.Decisions;

namespace PolicyService.Server.Tests.Decisions;

public sealed class TimedCancellationTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public void Token_ends_when_the_time_is_over_and_not_before()
    {
        var time = new FakeTimeProvider();
        using var timed = new TimedCancellation(Second, time, TestContext.Current.CancellationToken);

        time.Advance(Second - TimeSpan.FromMilliseconds(1));
        Assert.False(timed.Token.IsCancellationRequested);
        time.Advance(TimeSpan.FromMilliseconds(1));

        Assert.True(timed.Token.IsCancellationRequested);
    }

    [Fact]
    public void Token_has_ended_where_no_time_is_left()
    {
        using var timed = new TimedCancellation(TimeSpan.Zero, new FakeTimeProvider(), TestContext.Current.CancellationToken);

        Assert.True(timed.Token.IsCancellationRequested);
    }

    [Fact]
    public async Task Token_ends_with_the_caller()
    {
        using var caller = new CancellationTokenSource();
        using var timed = new TimedCancellation(Second, new FakeTimeProvider(), caller.Token);

        await caller.CancelAsync();

        Assert.True(timed.Token.IsCancellationRequested);
    }

    /// <summary>A timer may be disposed while its callback begins; what the callback then throws would end the process.</summary>
    [Fact]
    public void Timer_that_fires_after_the_end_harms_nothing()
    {
        var time = new LateTimers();
        new TimedCancellation(Second, time, TestContext.Current.CancellationToken).Dispose();

        Assert.Equal(1, time.Fire());
    }

    /// <summary>Timers that fire when told, disposed or not.</summary>
    private sealed class LateTimers : TimeProvider
    {
        private readonly List<Action> _callbacks = [];

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _callbacks.Add(() => callback(state));
            return new Timer();
        }

        public int Fire()
        {
            _callbacks.ForEach(callback => callback());
            return _callbacks.Count;
        }

        private sealed class Timer : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
