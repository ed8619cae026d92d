using PolicyService.Kubernetes.Decisions;
using PolicyService.Kubernetes.Postures;
using Prometheus;

namespace PolicyService.Kubernetes.Running;

/// <summary>What operators watch. Every label comes from a closed set, never from a caller.</summary>
internal sealed class AdapterMetrics
{
    private static readonly string[] Paths = ["/validate", "/validate/fail-open", "/imagereview", "/mutate"];
    private static readonly bool[] Answered = [true, false];
    private readonly Dictionary<string, Counter.Child> _reviews;
    private readonly Dictionary<(Admission, AdmissionBasis), Counter.Child> _images = [];
    private readonly Histogram _latency;
    private readonly Gauge.Child _up;
    private readonly Gauge.Child _isDryRun;
    private readonly Gauge.Child _age;

    public AdapterMetrics(CollectorRegistry registry)
    {
        Registry = registry;
        var factory = Metrics.WithCustomRegistry(registry);
        var reviews = factory.CreateCounter("policyservice_adapter_reviews_total", "Reviews that were answered, by the webhook's path and whether with status 200.", "path", "answered");
        _reviews = Paths.SelectMany(path => Answered.Select(isOk => (Key: path + isOk, Child: reviews.WithLabels(path, isOk ? "true" : "false")))).ToDictionary(pair => pair.Key, pair => pair.Child);
        var images = factory.CreateCounter("policyservice_adapter_images_total", "Images by what was done with them, and what that rests on.", "admission", "basis");
        foreach (var (admission, basis) in Enum.GetValues<Admission>().SelectMany(admission => Enum.GetValues<AdmissionBasis>().Select(basis => (admission, basis))))
        {
            _images[(admission, basis)] = images.WithLabels(admission.ToString(), basis.ToString());
        }

        _latency = factory.CreateHistogram("policyservice_adapter_decision_seconds", "Time from a question to its decisions.", new HistogramConfiguration { Buckets = Histogram.ExponentialBuckets(0.000_5, 2.5, 13) });
        _up = factory.CreateGauge("policyservice_adapter_service_up", "1 while the service is heard.").WithLabels();
        _isDryRun = factory.CreateGauge("policyservice_adapter_posture_dry_run", "1 while the cluster would go on admitting without the service, because nothing is enforced on it.").WithLabels();
        _age = factory.CreateGauge("policyservice_adapter_posture_age_seconds", "Time since the service last told how the cluster stands; -1: it never did.").WithLabels();
        Retries = factory.CreateCounter("policyservice_adapter_retries_total", "Questions that were asked again.").WithLabels();
        Forwarded = factory.CreateCounter("policyservice_adapter_findings_forwarded_total", "Findings that the service has recorded.").WithLabels();
        Dropped = factory.CreateCounter("policyservice_adapter_findings_dropped_total", "Findings that were not recorded: refusals beyond one a second, and what found the journal full.").WithLabels();
        RefusedByService = factory.CreateCounter("policyservice_adapter_findings_refused_total", "Findings that the service will not have.").WithLabels();
        JournalLines = factory.CreateGauge("policyservice_adapter_journal_findings", "Findings that wait for the service.").WithLabels();
        JournalBytes = factory.CreateGauge("policyservice_adapter_journal_bytes", "Bytes of them.").WithLabels();
        CertificateExpiry = factory.CreateGauge("policyservice_adapter_certificate_expiry_seconds", "Time until the adapter's certificate expires.").WithLabels();
        CertificateProblem = factory.CreateGauge("policyservice_adapter_certificate_problem", "1 while the certificate files cannot be used as they are.").WithLabels();
        EventFailures = factory.CreateCounter("policyservice_adapter_event_failures_total", "Events that could not be written to the cluster.").WithLabels();
    }

    public CollectorRegistry Registry { get; }

    public Counter.Child Retries { get; }

    public Counter.Child Forwarded { get; }

    public Counter.Child Dropped { get; }

    public Counter.Child RefusedByService { get; }

    public Gauge.Child JournalLines { get; }

    public Gauge.Child JournalBytes { get; }

    public Gauge.Child CertificateExpiry { get; }

    public Gauge.Child CertificateProblem { get; }

    public Counter.Child EventFailures { get; }

    /// <summary>Counts one review.</summary>
    public void Reviewed(string path, int status)
    {
        if (_reviews.TryGetValue(path + (status == StatusCodes.Status200OK), out var counter))
        {
            counter.Inc();
        }
    }

    /// <summary>Counts the decisions of one question.</summary>
    public void Decided(IReadOnlyList<ImageDecision> decisions, TimeSpan elapsed)
    {
        _latency.Observe(elapsed.TotalSeconds);
        foreach (var decision in decisions)
        {
            _images[(decision.Admission, decision.Basis)].Inc();
        }
    }

    /// <summary>Shows, from now on, what is known of the service.</summary>
    public void Watch(ServiceWatch watch, TimeProvider time) => Registry.AddBeforeCollectCallback(() =>
    {
        _up.Set(watch.IsSilent ? 0 : 1);
        _isDryRun.Set(watch.Posture?.IsDryRunAt(time.GetUtcNow()) is true ? 1 : 0);
        _age.Set(watch.Posture is { } posture ? (time.GetUtcNow() - posture.HeardAt).TotalSeconds : -1);
    });
}
