namespace PolicyService.Evidence.Caching;

/// <summary>
/// Stops asking what does not answer. It starts open: nothing is asked before something has answered. Failures in a row open it, a
/// probe that is answered closes it; probes become rarer while they fail, and again when what they closed does not last.
/// </summary>
internal sealed class CircuitBreaker(TimeProvider time)
{
    /// <summary>Failures in a row that open it.</summary>
    public const int Threshold = 5;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    /// <summary>Closed for so long, it counts as healed.</summary>
    private static readonly TimeSpan Lasting = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private bool _isClosed;
    private int _failures;
    private long _closedAt;
    private TimeSpan _pause = FirstPause;

    public bool IsClosed => Volatile.Read(ref _isClosed);

    /// <summary>How long to wait before the next probe.</summary>
    public TimeSpan Pause
    {
        get
        {
            lock (_lock)
            {
                return _pause;
            }
        }
    }

    public void Succeed()
    {
        if (Volatile.Read(ref _failures) > 0)
        {
            Volatile.Write(ref _failures, 0);
        }
    }

    /// <summary>True if this failure opened it.</summary>
    public bool Fail()
    {
        lock (_lock)
        {
            if (!_isClosed || ++_failures < Threshold)
            {
                return false;
            }

            _isClosed = false;
            _pause = time.GetElapsedTime(_closedAt) >= Lasting ? FirstPause : Longer(_pause);
            return true;
        }
    }

    /// <summary>A probe was answered, or was not.</summary>
    public void Probed(bool isAnswered)
    {
        lock (_lock)
        {
            if (isAnswered)
            {
                (_isClosed, _failures, _closedAt) = (true, 0, time.GetTimestamp());
            }
            else
            {
                (_isClosed, _pause) = (false, Longer(_pause));
            }
        }
    }

    private static TimeSpan Longer(TimeSpan pause) => pause * 2 < LongestPause ? pause * 2 : LongestPause;
}
