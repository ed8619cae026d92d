using PolicyService.Server.Decisions;

namespace PolicyService.Server.Access;

/// <summary>Looks again, while a stream goes on, at whether its caller still is who it was.</summary>
public sealed class CallerWatch
{
    /// <summary>Timers may fire a little early, and have a longest time.</summary>
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    private readonly AccessChanges _changes;
    private readonly TimeProvider _time;

    internal CallerWatch(AccessChanges changes, TimeProvider time) => (_changes, _time) = (changes, time);

    /// <summary>Why the caller must authenticate anew; null: it need not.</summary>
    public string? ProblemOf(Caller caller) => caller.ProblemAt(_time.GetUtcNow());

    /// <summary>Waits until the caller must authenticate anew, or for the end.</summary>
    /// <param name="caller">The caller.</param>
    /// <param name="lapsed">Cancelled when it must.</param>
    /// <param name="ending">The end of the stream.</param>
    public async Task WaitAsync(Caller caller, CancellationTokenSource lapsed, CancellationToken ending)
    {
        if (caller.Credentials.Count == 0)
        {
            return;
        }

        while (!ending.IsCancellationRequested)
        {
            var change = _changes.Next;
            if (ProblemOf(caller) is not null)
            {
                await lapsed.CancelAsync();
                return;
            }

            var left = caller.Until - _time.GetUtcNow();
            using var waiting = new TimedCancellation(left < Shortest ? Shortest : left > Longest ? Longest : left, _time, ending);
            await change.WaitAsync(waiting.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
