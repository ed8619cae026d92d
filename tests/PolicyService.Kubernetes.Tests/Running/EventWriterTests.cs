using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Kubernetes.Connections;
using PolicyService.Kubernetes.Events;
using PolicyService.Kubernetes.Running;
using PolicyService.Tests.OpenId;

namespace PolicyService.Kubernetes.Tests.Running;

/// <summary>What happens often is told once a minute, with how often it happened.</summary>
public sealed class EventWriterTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());
    private readonly AdapterMetrics _metrics = new(Prometheus.Metrics.NewCustomRegistry());
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("policyservice-test-");
    private EventsApi? _cluster;
    private EventWriter? _events;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private EventsApi Cluster => _cluster!;

    private EventWriter Events => _events!;

    private AdapterSettings Settings => new() { Service = new Uri("http://127.0.0.1:1"), Cluster = "dc1.edge", WritesEvents = true, EventsApi = _cluster?.Url };

    public async ValueTask InitializeAsync()
    {
        _cluster = await EventsApi.StartAsync();
        _events = New(Settings);
        await Events.StartAsync(Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await Events.StopAsync(CancellationToken.None);
        Events.Dispose();
        await Cluster.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task Event_of_a_kind_comes_once_a_minute_and_counts_the_others()
    {
        Events.Offer(AdapterEvent.BreakGlass, "one");
        Events.Offer(AdapterEvent.BreakGlass, "two");
        Events.Offer(AdapterEvent.FailedOpen, "another kind");
        await WrittenAsync(2);
        _time.Advance(TimeSpan.FromSeconds(59));
        Events.Offer(AdapterEvent.BreakGlass, "three");
        _time.Advance(TimeSpan.FromSeconds(1));
        Events.Offer(AdapterEvent.BreakGlass, "four");
        await WrittenAsync(3);
        _time.Advance(TimeSpan.FromMinutes(1));
        Events.Offer(AdapterEvent.BreakGlass, new string('x', 5000));

        await WrittenAsync(4);

        var notes = Cluster.Written.Select(one => one.GetProperty("note").GetString()!).ToArray();
        Assert.Equal(["one", "another kind", "four (and 2 more since the last event)"], notes[..^1]);
        // A cluster takes 1024 bytes.
        Assert.Equal(1000, notes[^1].Length);
    }

    [Fact]
    public async Task Adapter_outside_a_cluster_counts_a_failure_and_goes_on()
    {
        using var outside = New(Settings with { EventsApi = null });

        await outside.StartAsync(Cancellation);
        await outside.ExecuteTask!;

        Assert.Equal(1, _metrics.EventFailures.Value);
        outside.Offer(AdapterEvent.BreakGlass, "nobody hears");
    }

    [Fact]
    public async Task Certificate_is_told_of_in_its_last_week()
    {
        using var authority = new TestAuthority();
        using var issued = authority.Issue(new CertificateText { Purposes = [CertificateText.ForServers], Until = _time.GetUtcNow().AddDays(8) });
        var files = new TlsFiles(Path.Combine(_directory.FullName, "tls.crt"), Path.Combine(_directory.FullName, "tls.key"));
        LinkedAdapter.Write(files.Certificate, issued.ExportCertificatePem());
        LinkedAdapter.Write(files.Key, TestAuthority.KeyPem(issued));
        var certificate = new AdapterCertificate(Settings with { Tls = files }, _metrics, Events, _time, NullLogger<AdapterCertificate>.Instance);

        certificate.Look();
        Assert.InRange(_metrics.CertificateExpiry.Value, 8 * 86_400 - 60, 8 * 86_400);
        Events.Offer(AdapterEvent.ServiceBack, "what comes after it");
        await Eventually.Holds("it is written", () => Cluster.Reasons.Contains("ServiceBack"));
        _time.Advance(TimeSpan.FromDays(1) + TimeSpan.FromMinutes(1));
        certificate.Look();
        certificate.Look();
        Events.Offer(AdapterEvent.ServiceLost, "what comes after them");

        await Eventually.Holds("they are written", () => Cluster.Reasons.Contains("ServiceLost"));
        Assert.Equal(["ServiceBack", "CertificateExpiring", "ServiceLost"], Cluster.Reasons);
        Assert.Contains("--Tls:Certificate", Cluster.Written.ElementAt(1).GetProperty("note").GetString(), StringComparison.Ordinal);
        Assert.InRange(_metrics.CertificateExpiry.Value, 7 * 86_400 - 120, 7 * 86_400);
    }

    /// <summary>Before the clock is moved: that ends a call that is under way.</summary>
    private Task<TimeSpan> WrittenAsync(int count) => Eventually.Holds("they are written", () => Cluster.Written.Count >= count);

    private EventWriter New(AdapterSettings settings) => new(settings, _metrics, _time, NullLogger<EventWriter>.Instance);
}
