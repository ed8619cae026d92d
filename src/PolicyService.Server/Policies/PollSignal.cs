namespace PolicyService.Server.Policies;

/// <summary>Asks for an early look at the documents. However often it is raised, it is one wish until it is taken.</summary>
public sealed class PollSignal : IDisposable
{
    private readonly SemaphoreSlim _raised = new(0, 1);

    /// <summary>The time between the end of one early look and the next: bells without end cost this much and no more.</summary>
    internal static readonly TimeSpan Gap = TimeSpan.FromMilliseconds(50);

    public void Raise()
    {
        try
        {
            if (_raised.CurrentCount == 0)
            {
                _raised.Release();
            }
        }
        catch (SemaphoreFullException)
        {
            // Somebody else raised it in between.
        }
    }

    internal Task WaitAsync(CancellationToken cancellation) => _raised.WaitAsync(cancellation);

    public void Dispose() => _raised.Dispose();
}
