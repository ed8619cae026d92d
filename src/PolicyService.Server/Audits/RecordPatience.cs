namespace PolicyService.Server.Audits;

/// <summary>
/// Ends the waits whose time is over. Nearly all are over within a millisecond, so that a timer for each would cost more than the wait: one
/// look every two milliseconds, and only while somebody waits, sees deadlines and callers that went away.
/// </summary>
/// <param name="time">The clock of deadlines.</param>
/// <param name="gaveUp">Told how many of those who gave up were refused a verdict.</param>
internal sealed class RecordPatience(TimeProvider time, Action<int> gaveUp)
{
    /// <summary>By the real clock, since it only says how often the other one is read. Much less than what a deadline keeps back for the answer.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(2);

    private readonly Lock _gate = new();
    private readonly List<RecordWaiter> _waiters = [];
    private bool _isLooking;

    public void Watch(RecordWaiter waiter)
    {
        lock (_gate)
        {
            _waiters.Add(waiter);
            if (_isLooking)
            {
                return;
            }

            _isLooking = true;
        }

        // The looks outlive the call that begins them, and are none of its business.
        using (ExecutionContext.SuppressFlow())
        {
            _ = LookAsync();
        }
    }

    private async Task LookAsync()
    {
        using var looks = new PeriodicTimer(Look, TimeProvider.System);
        while (SomebodyWaits())
        {
            await looks.WaitForNextTickAsync(CancellationToken.None);
        }
    }

    private bool SomebodyWaits()
    {
        var now = time.GetUtcNow();
        var refused = 0;
        lock (_gate)
        {
            foreach (var waiter in _waiters.Where(waiter => waiter.HasRunOut(now) && waiter.TryGiveUp()))
            {
                refused += waiter.IsRefused ? 1 : 0;
            }

            _waiters.RemoveAll(waiter => waiter.IsOver);
            _isLooking = _waiters.Count > 0;
        }

        if (refused > 0)
        {
            gaveUp(refused);
        }

        return _isLooking;
    }
}
