using Grpc.Core;
using PolicyService.Api.V1;
using PolicyService.Kubernetes.Events;
using PolicyService.Kubernetes.Running;

namespace PolicyService.Kubernetes.Postures;

/// <summary>Listens to what the service says of the cluster, and so knows whether it is there.</summary>
internal sealed partial class ServiceWatch(
    ClusterService.ClusterServiceClient client, AdapterSettings settings, PostureFile file, AdapterMetrics metrics, EventWriter events, TimeProvider time, ILogger<ServiceWatch> logger)
    : BackgroundService
{
    /// <summary>Three times the longest silence of a service that is there (<c>WatchChanges</c>).</summary>
    internal static readonly TimeSpan Silence = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    /// <summary>What is on disk may be so much older than what was heard.</summary>
    private static readonly TimeSpan WriteInterval = TimeSpan.FromMinutes(1);

    private readonly TaskCompletionSource _tried = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private KnownPosture? _posture = file.Read();
    private KnownPosture? _written;
    private TaskCompletionSource _heard = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _lastHeard;
    private bool _wasSilent;

    /// <summary>The last posture; null: none is known.</summary>
    public KnownPosture? Posture => Volatile.Read(ref _posture);

    /// <summary>Nothing has been heard for so long that the service is away, as far as this can tell.</summary>
    public bool IsSilent => Interlocked.Read(ref _lastHeard) is var last && (last == 0 || time.GetElapsedTime(last) > Silence);

    /// <summary>Ends when the service has answered, or failed to, for the first time.</summary>
    public Task Tried => _tried.Task;

    /// <summary>Ends when the service is next heard.</summary>
    public Task NextHeard => Volatile.Read(ref _heard).Task;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        metrics.Watch(this, time);
        var pause = FirstPause;
        while (!stoppingToken.IsCancellationRequested)
        {
            var before = Interlocked.Read(ref _lastHeard);
            try
            {
                await ListenAsync(stoppingToken);
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            // Whatever it is: an exception that leaves this service ends the adapter.
            catch (Exception exception)
            {
                LogEnded(logger, exception is RpcException { Status: var status } ? $"{status.StatusCode}: {PlainWords.Line(status.Detail, 300)}" : exception.GetType().Name);
            }

            _tried.TrySetResult();
            pause = Interlocked.Read(ref _lastHeard) != before ? FirstPause : pause * 2 < LongestPause ? pause * 2 : LongestPause;
            // All adapters of a fleet lose their service at the same moment.
            await Task.Delay(pause * (0.5 + (Random.Shared.NextDouble() / 2)), time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            TellSilence();
        }
    }

    private async Task ListenAsync(CancellationToken stopping)
    {
        // A service that vanished without a word is asked anew.
        using var silent = new CancellationTokenSource(Silence, time);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping, silent.Token);
        using var call = client.WatchChanges(new WatchChangesRequest { Cluster = settings.Cluster, Project = settings.Project }, cancellationToken: ending.Token);
        while (await call.ResponseStream.MoveNext(ending.Token))
        {
            silent.CancelAfter(Silence);
            Hear(call.ResponseStream.Current);
        }
    }

    private void Hear(WatchChangesResponse message)
    {
        if (message.Posture is not { } posture || posture.Cluster != settings.Cluster)
        {
            // An answer about another cluster says nothing of this one.
            LogForeign(logger);
            return;
        }

        var known = new KnownPosture(posture, time.GetUtcNow());
        Volatile.Write(ref _posture, known);
        Interlocked.Exchange(ref _lastHeard, Math.Max(1, time.GetTimestamp()));
        _tried.TrySetResult();
        Interlocked.Exchange(ref _heard, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
        if (_wasSilent)
        {
            _wasSilent = false;
            LogBack(logger);
            events.Offer(AdapterEvent.ServiceBack, "the decision service is heard again");
        }

        if (_written is null || known.HeardAt - _written.HeardAt >= WriteInterval || !_written.Message.Equals(posture))
        {
            // What could not be written is written with the next word of the service.
            _written = file.Write(known) ? known : null;
        }
    }

    private void TellSilence()
    {
        if (!_wasSilent && IsSilent)
        {
            _wasSilent = true;
            LogSilent(logger);
            events.Offer(AdapterEvent.ServiceLost, "the decision service is not heard: what can be admitted without it says docs/kubernetes.md");
        }
    }

    [LoggerMessage(3221, LogLevel.Information, "The stream of the service's changes ended ({Status}); it is opened anew")]
    private static partial void LogEnded(ILogger logger, string status);

    [LoggerMessage(3222, LogLevel.Error, "The decision service is not heard")]
    private static partial void LogSilent(ILogger logger);

    [LoggerMessage(3223, LogLevel.Information, "The decision service is heard again")]
    private static partial void LogBack(ILogger logger);

    [LoggerMessage(3224, LogLevel.Error, "The service told of another cluster than it was asked about; that is not used")]
    private static partial void LogForeign(ILogger logger);
}
