using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Api.V1;
using PolicyService.Kubernetes.Decisions;
using PolicyService.Kubernetes.Events;
using PolicyService.Kubernetes.Findings;
using PolicyService.Kubernetes.Postures;
using PolicyService.Kubernetes.Running;

namespace PolicyService.Kubernetes.Tests.Decisions;

/// <summary>The adapter's decisions with a scripted service, a clock of the test's, and a real directory.</summary>
internal sealed class Bench : IAsyncDisposable
{
    public const string Cluster = "dc1.edge";
    public const string Image = "r.example/a@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("policyservice-test-");

    private Bench(Func<AdapterSettings, AdapterSettings>? change)
    {
        var settings = new AdapterSettings { Service = new Uri("http://127.0.0.1:1"), Cluster = Cluster, StateDirectory = _directory.FullName };
        Settings = change?.Invoke(settings) ?? settings;
        Metrics = new AdapterMetrics(Prometheus.Metrics.NewCustomRegistry());
        var events = new EventWriter(Settings, Metrics, Time, NullLogger<EventWriter>.Instance);
        Journal = new FindingJournal(Settings, NullLogger<FindingJournal>.Instance);
        Watch = NewWatch(events);
        Decisions = new DecisionService(new ServiceCall(Service, Watch, Metrics, Time), new Fallback(Watch, Journal, Metrics, events, Time), Settings, Metrics, Time);
    }

    public AdapterSettings Settings { get; }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 6, 1, 12, 0, 0, TimeSpan.Zero));

    public ScriptedService Service { get; } = new();

    public AdapterMetrics Metrics { get; }

    public FindingJournal Journal { get; }

    public ServiceWatch Watch { get; }

    public DecisionService Decisions { get; }

    public string Folder => _directory.FullName;

    public static AdmissionQuestion Question { get; } = new([Image], "shop", "app", new AdmissionSubject("Pod", "web", "CREATE", "alice"));

    public static ClusterPosture DryRun => Posture(Enforcement.DryRun);

    /// <param name="posture">What was heard; null: nothing.</param>
    /// <param name="change">The settings that matter.</param>
    public static async Task<Bench> StartAsync(ClusterPosture? posture = null, Func<AdapterSettings, AdapterSettings>? change = null)
    {
        var bench = new Bench(change);
        await bench.Watch.StartAsync(TestContext.Current.CancellationToken);
        if (posture is not null)
        {
            await bench.HearAsync(posture);
        }

        return bench;
    }

    public static ClusterPosture Posture(Enforcement enforcement) => new()
    {
        Cluster = Cluster,
        Project = "acme",
        Enforcement = enforcement,
        MaxAge = Google.Protobuf.WellKnownTypes.Duration.FromTimeSpan(TimeSpan.FromHours(24)),
        HonoursBreakGlass = true,
    };

    public async Task HearAsync(ClusterPosture posture)
    {
        var heard = Watch.NextHeard;
        Service.Watch.Say(posture);
        await heard.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
    }

    public async Task<ImageDecision> DecideAsync(AdmissionQuestion? question = null) =>
        Assert.Single(await Decisions.DecideAsync(question ?? Question, TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));

    /// <summary>What the journal holds, as it stands on disk.</summary>
    public async Task<IReadOnlyList<Finding>> FindingsAsync() =>
        [.. (await Journal.ReadAsync(1000, 1_000_000, TestContext.Current.CancellationToken)).Lines.Select(line => Finding.Parser.ParseJson(line))];

    /// <summary>As after a restart.</summary>
    public ServiceWatch NewWatch(AdapterSettings? settings = null) => NewWatch(new EventWriter(Settings, Metrics, Time, NullLogger<EventWriter>.Instance), settings);

    public async ValueTask DisposeAsync()
    {
        await Watch.StopAsync(CancellationToken.None);
        Watch.Dispose();
        Journal.Dispose();
        _directory.Delete(recursive: true);
    }

    private ServiceWatch NewWatch(EventWriter events, AdapterSettings? settings = null) => new(
        Service.Watch, settings ?? Settings, new PostureFile(settings ?? Settings, NullLogger<PostureFile>.Instance), Metrics, events, Time, NullLogger<ServiceWatch>.Instance);
}
