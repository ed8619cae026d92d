using PolicyService.Kubernetes.Postures;

namespace PolicyService.Kubernetes.Running;

/// <summary>
/// Whether calls should come here. Not whether the service answers: an adapter without its service still says what its fail mode, the posture and
/// break-glass say, which one that is taken out of rotation cannot; and what flaps with the service takes every replica out at once.
/// </summary>
internal sealed class Readiness(ServiceWatch watch, AdapterSettings settings, TimeProvider time) : BackgroundService, IHostedLifecycleService
{
    /// <summary>How long the first answer of the service is waited for.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private volatile bool _isReady;

    public bool IsReady => _isReady;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Says so first, and goes on listening for a while: who balances the calls learns it a moment later.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        _isReady = false;
        await Task.Delay(settings.Linger, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var late = new CancellationTokenSource(Patience, time);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stoppingToken);
        await watch.Tried.WaitAsync(ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _isReady = !stoppingToken.IsCancellationRequested;
    }
}
