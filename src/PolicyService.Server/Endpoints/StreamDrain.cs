namespace PolicyService.Server.Endpoints;

/// <summary>
/// Ends the open streams before the server closes its connections. Both at the same time would cut off the streams' last words:
/// callers would see a broken connection where they should be told UNAVAILABLE.
/// </summary>
public sealed class StreamDrain(TimeProvider time) : IHostedLifecycleService, IDisposable
{
    /// <summary>A caller that does not read holds the shutdown up no longer than this; the rest of its time belongs to the records.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>A client that meets the end of its connection before it has read the end of a stream reports the former.</summary>
    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(250);

    private readonly CancellationTokenSource _begun = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _open = 1;

    /// <summary>The shutdown has begun: streams read no further.</summary>
    public CancellationToken Begun => _begun.Token;

    /// <summary>Counts a stream until its last byte is written.</summary>
    public void Enter(HttpContext stream)
    {
        Interlocked.Increment(ref _open);
        stream.Response.OnCompleted(() =>
        {
            Leave();
            return Task.CompletedTask;
        });
    }

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        var hasStreams = Volatile.Read(ref _open) > 1;
        await _begun.CancelAsync();
        Leave();
        if (hasStreams)
        {
            await Task.WhenAny(_ended.Task, Task.Delay(Patience, time, cancellationToken));
            await Task.Delay(Linger, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _begun.Dispose();

    private void Leave()
    {
        if (Interlocked.Decrement(ref _open) == 0)
        {
            _ended.TrySetResult();
        }
    }
}
