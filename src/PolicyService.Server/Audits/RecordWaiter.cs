using System.Threading.Tasks.Sources;

namespace PolicyService.Server.Audits;

/// <summary>
/// A caller that waits for its record, until it is durable or only until there is room for it. Either the record is done or the caller
/// gives up: whichever comes first, and the other then knows.
/// </summary>
/// <param name="isFact">The record is written although nobody waits for it any more.</param>
/// <param name="until">When the caller gives up.</param>
/// <param name="cancellation">The caller went away.</param>
internal sealed class RecordWaiter(bool isFact, DateTimeOffset until, CancellationToken cancellation) : IValueTaskSource
{
    /// <summary>Callers that go on in one piece of work.</summary>
    private const int AtOnce = 8;

    private const int Waiting = 0;
    private const int Done = 1;
    private const int GivenUp = 2;

    private int _state = Waiting;

    // What follows the wait runs on the thread pool: the writer has the next group to write.
    private ManualResetValueTaskSourceCore<bool> _source = new() { RunContinuationsAsynchronously = true };

    /// <summary>Ends with the wait; may be awaited once.</summary>
    public ValueTask Task => new(this, _source.Version);

    public bool IsFact => isFact;

    public bool IsOver => Volatile.Read(ref _state) != Waiting;

    /// <summary>The caller was told that there is no verdict, so the record must not say that there was one.</summary>
    public bool IsRefused => !isFact && Volatile.Read(ref _state) == GivenUp;

    public bool HasRunOut(DateTimeOffset now) => now >= until || cancellation.IsCancellationRequested;

    public void Complete()
    {
        if (TryFinish())
        {
            _source.SetResult(true);
        }
    }

    /// <summary>
    /// The same for many: the records count as done now, and the callers go on upon the thread pool, several after each other in one piece of
    /// work. To wake a thread for each costs more than all the rest of a record; to let all go on in one would let them wait for the slowest.
    /// </summary>
    public static void Complete(List<RecordEntry> entries)
    {
        var finished = new List<RecordWaiter>(Math.Min(entries.Count, AtOnce));
        foreach (var entry in entries)
        {
            if (entry.Waiter?.TryFinish() != true)
            {
                continue;
            }

            finished.Add(entry.Waiter);
            if (finished.Count == AtOnce)
            {
                GoOn(finished);
                finished = new List<RecordWaiter>(AtOnce);
            }
        }

        if (finished.Count > 0)
        {
            GoOn(finished);
        }
    }

    /// <returns>False: the wait was over before.</returns>
    public bool TryGiveUp()
    {
        if (Interlocked.CompareExchange(ref _state, GivenUp, Waiting) != Waiting)
        {
            return false;
        }

        _source.SetException(cancellation.IsCancellationRequested ? new OperationCanceledException(cancellation) : new AuditUnavailableException());
        return true;
    }

    void IValueTaskSource.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    /// <summary>The record is done; the caller is not told yet.</summary>
    /// <returns>False: it has given up before.</returns>
    private bool TryFinish() => Interlocked.CompareExchange(ref _state, Done, Waiting) == Waiting;

    private static void GoOn(List<RecordWaiter> finished) => ThreadPool.UnsafeQueueUserWorkItem(
        static waiters =>
        {
            foreach (var waiter in waiters)
            {
                waiter._source.RunContinuationsAsynchronously = false;
                waiter._source.SetResult(true);
            }
        },
        finished,
        preferLocal: false);
}
