namespace PolicyService.Server.Decisions;

/// <summary>A token that ends with the caller or with the time, whichever comes first.</summary>
public sealed class TimedCancellation : IDisposable
{
    // The framework's source keeps its own timer: a timer of ours whose callback had begun when it was disposed would cancel a
    // disposed source, on a thread where an exception ends the process.
    private readonly CancellationTokenSource _elapsed;
    private readonly CancellationTokenSource _either;

    /// <param name="left">After this the token ends; at once if it is zero.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellation">The caller's own.</param>
    public TimedCancellation(TimeSpan left, TimeProvider time, CancellationToken cancellation)
    {
        _elapsed = new CancellationTokenSource(left, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _elapsed.Token);
    }

    public CancellationToken Token => _either.Token;

    public void Dispose()
    {
        _either.Dispose();
        _elapsed.Dispose();
    }
}
