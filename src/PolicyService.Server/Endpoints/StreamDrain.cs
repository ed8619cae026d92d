namespace PolicyService.Server.Endpoints;

/// <summary>
/// Ends the open streams before the web server stops. It closes its connections as soon as it stops, and a stream that ends then may
/// lose the status that tells its caller to ask elsewhere.
/// </summary>
public sealed class StreamDrain(TimeProvider time) : IHostedLifecycleService, IDisposable
{
    /// <summary>
    /// Kept between the last stream and the stop of the web server: some clients forget a status they have received and not read when
    /// its connection closes.
    /// </summary>
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(1);

    /// <summary>How long a caller may take to receive its last answers.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource _draining = new();
    private readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _open;

    /// <summary>Cancelled when streams must end.</summary>
    public CancellationToken Draining => _draining.Token;

    /// <summary>Counts a stream until its response, status included, is sent.</summary>
    public void Enter(HttpContext context)
    {
        Interlocked.Increment(ref _open);
        context.Response.OnCompleted(() =>
        {
            Leave();
            return Task.CompletedTask;
        });
    }

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        // Looked at first: a stream that ends while it is told to has a last status on its way too.
        var hasStreams = Volatile.Read(ref _open) > 0;
        await _draining.CancelAsync();
        using var patience = new Decisions.TimedCancellation(Patience, time, cancellationToken);
        if (hasStreams)
        {
            if (Volatile.Read(ref _open) > 0)
            {
                await _empty.Task.WaitAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            await Task.Delay(Linger, time, patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _draining.Dispose();

    private void Leave()
    {
        if (Interlocked.Decrement(ref _open) == 0 && _draining.IsCancellationRequested)
        {
            _empty.TrySetResult();
        }
    }
}
