namespace PolicyService.Evidence.Http;

/// <summary>
/// Bounds retries by calls: a tenth of them, and a few more after a quiet time. A service that refuses everybody is then asked hardly more
/// often than without retries, however much is wanted at once.
/// </summary>
internal sealed class RetryBudget
{
    /// <summary>Retries in reserve at most.</summary>
    public const int Reserve = 10;

    private const int PerRetry = 10;
    private int _tenths = Reserve * PerRetry;

    /// <summary>A call began: a tenth of a retry is earned.</summary>
    public void Earn()
    {
        if (Volatile.Read(ref _tenths) < Reserve * PerRetry)
        {
            Interlocked.Increment(ref _tenths);
        }
    }

    /// <summary>Takes one retry, if there is one.</summary>
    public bool TrySpend()
    {
        var seen = Volatile.Read(ref _tenths);
        while (seen >= PerRetry)
        {
            var before = Interlocked.CompareExchange(ref _tenths, seen - PerRetry, seen);
            if (before == seen)
            {
                return true;
            }

            seen = before;
        }

        return false;
    }
}
