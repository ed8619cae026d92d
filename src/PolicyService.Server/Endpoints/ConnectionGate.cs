using Microsoft.AspNetCore.Server.Kestrel.Core;
using PolicyService.Core;

namespace PolicyService.Server.Endpoints;

/// <summary>
/// Lets connections in. So many at a time to each port; and while work piles up, new ones wait. Whoever opens streams and resets them at once
/// ("rapid reset") is thrown out by the web server after some hundred of them, and comes again on a new connection; faster than what was left behind
/// is cleared away, the memory would fill. Who is connected goes on, and who waits comes in turn.
/// </summary>
internal sealed class ConnectionGate : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>Guards one port.</summary>
    public void Use(ListenOptions listen)
    {
        var open = 0;
        listen.Use(next => async connection =>
        {
            if (Interlocked.Increment(ref open) > Limits.Connections)
            {
                Interlocked.Decrement(ref open);
                return;
            }

            // The web server counts connections too, but some that a rapid reset has broken never end for it: they would take the places for ever.
            var left = 0;
            using var gone = connection.ConnectionClosed.Register(Leave);
            await WaitAsync(connection.ConnectionClosed).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            try
            {
                if (!connection.ConnectionClosed.IsCancellationRequested)
                {
                    await next(connection);
                }
            }
            finally
            {
                Leave();
            }

            void Leave()
            {
                if (Interlocked.Exchange(ref left, 1) == 0)
                {
                    Interlocked.Decrement(ref open);
                }
            }
        });
    }

    public void Dispose() => _turn.Dispose();

    private async Task WaitAsync(CancellationToken closed)
    {
        await _turn.WaitAsync(closed);
        try
        {
            while (ThreadPool.PendingWorkItemCount > Limits.PendingWork)
            {
                // The machine's clock, whatever decisions go by: it is the machine that is busy.
                await Task.Delay(Limits.PendingWorkPause, TimeProvider.System, closed);
            }
        }
        finally
        {
            _turn.Release();
        }
    }
}
