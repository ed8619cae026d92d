using System.Text.Json.Nodes;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Caching;
using PolicyService.Evidence.Grafeas;
using PolicyService.Evidence.Http;
using PolicyService.Evidence.Remote;
using PolicyService.Evidence.Tests;

namespace PolicyService.Tests.ContainerAnalysis;

/// <summary>A stand-in, our memory over it, and one image judged by what it has. The clock stands still unless a test moves it.</summary>
internal sealed class RemoteBench : IAsyncDisposable
{
    public const string Note = "projects/acme/notes/qa";

    private readonly List<ContainerAnalysisClient> _clients = [];

    public RemoteBench(SharedEvidence? shared = null, IEvidenceArchive? archive = null, RemoteLifetimes? lifetimes = null, TimeProvider? time = null, AccessTokenSource? tokens = null, string? url = null)
    {
        Clock = time as FakeTimeProvider ?? new FakeTimeProvider(Attestations.Start.AddHours(1));
        StandIn.AddNote(Note);
        Archive = archive is null ? null : new EvidenceArchive(archive, Metrics, time ?? Clock);
        var clients = new ContainerAnalysisClients(endpoint => Connect(endpoint, tokens, lifetimes, time));
        Remote = new RemoteAnswers(
            (question, _, cancellation) => clients.ListAsync((ContainerAnalysisQuestion)question, cancellation), shared ?? new SharedEvidence(null, null, new CacheCounters(), time ?? Clock), Metrics, time ?? Clock, lifetimes, Archive);
        Evaluation = new Evaluation { Remote = Remote, Options = Options(url ?? StandIn.Url), Now = Clock.GetUtcNow() };
    }

    public ContainerAnalysisStandIn StandIn { get; } = new();

    public FakeTimeProvider Clock { get; }

    public RemoteMetrics Metrics { get; } = new();

    public RemoteAnswers Remote { get; }

    public EvidenceArchive? Archive { get; }

    public Evaluation Evaluation { get; }

    public static string Options(string url, string more = "", string projects = "[acme]") => $"containerAnalysis: {{endpoint: '{url}', projects: {projects}}}\n{more}";

    /// <summary>Adds a good attestation to the stand-in; <paramref name="change"/> makes it another one.</summary>
    public string Add(Action<JsonObject>? change = null, TestKey? key = null)
    {
        var occurrence = Occurrence(key ?? Evaluation.Key);
        change?.Invoke(occurrence);
        return StandIn.Add(occurrence);
    }

    public static JsonObject Occurrence(TestKey key, bool flipped = false, Digest? digest = null, string note = Note) => new()
    {
        ["kind"] = "ATTESTATION",
        ["noteName"] = note,
        ["resourceUri"] = $"https://a.test/i@{digest ?? Attestations.Image}",
        ["attestation"] = new JsonObject
        {
            ["serializedPayload"] = Convert.ToBase64String(Attestations.Payload),
            ["signatures"] = new JsonArray(new JsonObject
            {
                ["publicKeyId"] = key.Id.ToString(),
                ["signature"] = Convert.ToBase64String(key.Signature(Attestations.Payload, flipped).Value.Span),
            }),
        },
    };

    public Task<string> AnswerAsync(CancellationToken? ending = null)
    {
        Evaluation.Now = Clock.GetUtcNow();
        return Evaluation.AnswerAsync(ending);
    }

    public static ContainerAnalysisQuestion Question(string url, OccurrenceParent? parent = null, Digest? digest = null, string project = "acme") => new(
        project,
        ContainerAnalysisEndpoint.TryParse(url, out var endpoint) ? endpoint : throw new ArgumentException(url),
        parent ?? OccurrenceParent.Of(Attestations.Note()),
        digest ?? Attestations.Image);

    public ContainerAnalysisQuestion Question(Digest digest) => Question(StandIn.Url, digest: digest);

    /// <summary>Waits until the archive has written everything.</summary>
    public Task ArchivedAsync() => Eventually.Holds("the archive is written", () => Archive!.IsIdle);

    public async ValueTask DisposeAsync()
    {
        if (Archive is not null)
        {
            await Archive.DisposeAsync();
        }

        _clients.ForEach(client => client.Dispose());
        await StandIn.DisposeAsync();
    }

    private ContainerAnalysisClient Connect(ContainerAnalysisEndpoint endpoint, AccessTokenSource? tokens, RemoteLifetimes? lifetimes, TimeProvider? time)
    {
        var client = new ContainerAnalysisClient(endpoint, tokens, (lifetimes ?? new RemoteLifetimes()).Attempt, Metrics, time ?? Clock);
        lock (_clients)
        {
            _clients.Add(client);
        }

        return client;
    }
}
