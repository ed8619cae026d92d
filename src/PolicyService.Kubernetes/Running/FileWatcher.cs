using PolicyService.Kubernetes.Connections;
using PolicyService.Kubernetes.Findings;

namespace PolicyService.Kubernetes.Running;

/// <summary>Looks, four times a second, at the files that certificates and credentials stand in.</summary>
internal sealed class FileWatcher(AdapterCertificate certificate, ClientCertificates clients, ServiceConnection service, FindingJournal journal, AdapterMetrics metrics, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    // Made here, so that a clock moved by hand after the start moves it too.
    private readonly PeriodicTimer _timer = new(Interval, time);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        do
        {
            certificate.Look();
            clients.Look();
            service.Look();
            metrics.JournalLines.Set(journal.Lines);
            metrics.JournalBytes.Set(journal.Bytes);
        }
        while (await _timer.WaitForNextTickAsync(stoppingToken));
    }

    public override void Dispose()
    {
        _timer.Dispose();
        base.Dispose();
    }
}
