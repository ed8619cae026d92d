using System.Threading.Channels;
using k8s;
using k8s.Models;
using PolicyService.Kubernetes.Running;

namespace PolicyService.Kubernetes.Events;

/// <summary>What the adapter tells the cluster of.</summary>
internal enum AdapterEvent
{
    ServiceLost,
    ServiceBack,
    BreakGlass,
    FailedOpen,
    CertificateExpiring,
}

/// <summary>
/// Writes events about the adapter's own pod. They are for people who look: nothing waits for one, at most one a minute of a kind is written, and
/// one that cannot be written is counted and forgotten.
/// </summary>
internal sealed partial class EventWriter(AdapterSettings settings, AdapterMetrics metrics, TimeProvider time, ILogger<EventWriter> logger) : BackgroundService
{
    /// <summary>Bytes; the API takes 1024 (events.k8s.io/v1, <c>note</c>).</summary>
    private const int MaxNote = 1000;
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Channel<(AdapterEvent Kind, string Note)> _offered = Channel.CreateBounded<(AdapterEvent, string)>(new BoundedChannelOptions(64) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly long[] _writtenAt = new long[Enum.GetValues<AdapterEvent>().Length];
    private readonly int[] _passedOver = new int[Enum.GetValues<AdapterEvent>().Length];

    /// <summary>Something happened; returns at once.</summary>
    public void Offer(AdapterEvent kind, string note)
    {
        if (!settings.WritesEvents)
        {
            return;
        }

        var last = Interlocked.Read(ref _writtenAt[(int)kind]);
        var isDue = last == 0 || time.GetElapsedTime(last) >= Interval;
        if (isDue && Interlocked.CompareExchange(ref _writtenAt[(int)kind], Math.Max(1, time.GetTimestamp()), last) == last)
        {
            var more = Interlocked.Exchange(ref _passedOver[(int)kind], 0);
            _offered.Writer.TryWrite((kind, PlainWords.Bytes(more > 0 ? $"{PlainWords.Bytes(note, MaxNote - 100)} (and {more} more since the last event)" : note, MaxNote)));
        }
        else
        {
            Interlocked.Increment(ref _passedOver[(int)kind]);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var (space, pod) = (Environment.GetEnvironmentVariable("POD_NAMESPACE"), Environment.GetEnvironmentVariable("POD_NAME"));
        if (!settings.WritesEvents || Connect() is not { } cluster)
        {
            return;
        }

        using (cluster)
        {
            await foreach (var (kind, note) in _offered.Reader.ReadAllAsync(stoppingToken))
            {
                await WriteAsync(cluster, space is { Length: > 0 } ? space : "default", pod is { Length: > 0 } ? pod : "policyservice-adapter", kind, note, stoppingToken);
            }
        }
    }

    private k8s.Kubernetes? Connect()
    {
        try
        {
            return new k8s.Kubernetes(settings.EventsApi is { } url ? new KubernetesClientConfiguration { Host = url.ToString() } : KubernetesClientConfiguration.InClusterConfig());
        }
        // Whatever it is: an exception that leaves this service ends the adapter, and events matter to nothing.
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            metrics.EventFailures.Inc();
            LogFailed(logger, PlainWords.Line(exception.Message, MaxNote));
            return null;
        }
    }

    private async Task WriteAsync(k8s.Kubernetes cluster, string space, string pod, AdapterEvent kind, string note, CancellationToken stopping)
    {
        var now = time.GetUtcNow();
        using var patience = new CancellationTokenSource(Patience, time);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping, patience.Token);
        var written = new Eventsv1Event
        {
            Metadata = new V1ObjectMeta { Name = $"{pod}.{Guid.CreateVersion7(now):n}", NamespaceProperty = space },
            EventTime = now.UtcDateTime,
            ReportingController = "policyservice.dev/adapter",
            ReportingInstance = pod,
            Action = kind.ToString(),
            Reason = kind.ToString(),
            Regarding = new V1ObjectReference { ApiVersion = "v1", Kind = "Pod", Name = pod, NamespaceProperty = space },
            Note = note,
            Type = kind is AdapterEvent.ServiceBack ? "Normal" : "Warning",
        };
        try
        {
            await cluster.EventsV1.CreateNamespacedEventAsync(written, space, cancellationToken: ending.Token);
        }
        // Whatever it is: something on the way may answer what is no JSON.
        catch (Exception exception) when (exception is not OutOfMemoryException && !stopping.IsCancellationRequested)
        {
            metrics.EventFailures.Inc();
            LogFailed(logger, PlainWords.Line(exception.Message, MaxNote));
        }
    }

    [LoggerMessage(3251, LogLevel.Warning, "An event could not be written to the cluster ({Error})")]
    private static partial void LogFailed(ILogger logger, string error);
}
