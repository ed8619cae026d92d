using System.Text;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Core.Images;
using PolicyService.Evidence.Remote;
using PolicyService.Tests.ContainerAnalysis;

namespace PolicyService.Evidence.Tests.Grafeas;

/// <summary>The queue before the archive: bounded, in nobody's way, and never losing the news that something is gone.</summary>
public sealed class EvidenceArchiveTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _clock = new(Attestations.Start);
    private readonly RemoteMetrics _metrics = new();
    private readonly FakeStore _store = new();
    private readonly EvidenceArchive _archive;

    public EvidenceArchiveTests() => _archive = new EvidenceArchive(_store, _metrics, _clock);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private DateTimeOffset Now => _clock.GetUtcNow();

    public ValueTask DisposeAsync()
    {
        // A test that failed may have left the store waiting.
        _store.Gate = Task.CompletedTask;
        return _archive.DisposeAsync();
    }

    [Fact]
    public async Task Store_that_hangs_or_fails_delays_and_fails_no_decision()
    {
        await using var bench = new RemoteBench(archive: _store);
        var gate = new TaskCompletionSource();
        _store.Gate = gate.Task;
        bench.Add();
        Assert.Equal("Allow: Attested", await bench.AnswerAsync());

        _store.IsFailing = true;
        gate.SetResult();
        bench.Clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal("Allow: Attested", await bench.AnswerAsync());
        bench.StandIn.Fault = ContainerAnalysisFault.Hangup;
        bench.Clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal("Deny: EvidenceUnavailable CONTAINER_ANALYSIS:CONNECTION", await bench.AnswerAsync());
    }

    [Fact]
    public async Task Change_that_fails_is_written_when_the_store_is_back()
    {
        _store.IsFailing = true;
        _archive.Saw(Key(1), Now, []);
        await Eventually.Holds("it failed", () => _metrics.Of(ArchiveOutcome.Failed) > 0);
        _store.IsFailing = false;
        await Eventually.Holds("it is written", () =>
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            return _archive.IsIdle;
        });
        Assert.Equal(Key(1), Assert.Single(_store.Changes).Key);
    }

    [Fact, Trait("attack", "93")]
    public async Task News_that_wait_are_known_to_readers()
    {
        _store.Kept = [new ArchivedOccurrence("a", "x", Now), new ArchivedOccurrence("b", "x", Now)];
        var gate = new TaskCompletionSource();
        _store.Gate = gate.Task;
        _archive.Saw(Key(1), Now, ["b"]);
        Assert.Equal(["b"], (await _archive.ReadAsync(Key(1), Cancellation)).Select(one => one.Identity));

        // While it is being written too.
        await Eventually.Holds("it is being written", () => _store.Began > 0);
        Assert.Equal(["b"], (await _archive.ReadAsync(Key(1), Cancellation)).Select(one => one.Identity));
        Assert.Equal(2, (await _archive.ReadAsync(Key(2), Cancellation)).Count);
        gate.SetResult();
    }

    [Fact, Trait("attack", "93")]
    public async Task Verified_content_that_waited_is_not_written_behind_the_back_of_others()
    {
        await using var bench = new RemoteBench(archive: null);
        bench.Add();
        var answer = await bench.Remote.OfAsync(bench.Question(Attestations.Image), Cancellation);
        _store.IsFailing = true;
        _archive.Keep(Key(1), Now, answer.Items[0]);
        await Eventually.Holds("it failed", () => _metrics.Of(ArchiveOutcome.Failed) > 0);
        _clock.Advance(TimeSpan.FromSeconds(31));
        _store.IsFailing = false;
        await Eventually.Holds("it is written", () =>
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            return _archive.IsIdle;
        });
        Assert.Empty(Assert.Single(_store.Changes).Verified);
    }

    [Fact, Trait("attack", "93")]
    public async Task Where_there_is_no_room_for_news_all_is_forgotten()
    {
        var gate = new TaskCompletionSource();
        _store.Gate = gate.Task;
        _store.Kept = [new ArchivedOccurrence("a", "x", Now)];
        for (var number = 0; number < EvidenceArchive.MaxPending + 200; number++)
        {
            _archive.Saw(Key(number), Now, []);
        }

        Assert.True(_metrics.Of(ArchiveOutcome.Dropped) > 0);
        Assert.Empty(await _archive.ReadAsync(Key(1_000_000), Cancellation));
        gate.SetResult();
        await Eventually.Holds("all is written", () => _archive.IsIdle);
        Assert.Equal(1, _store.Forgotten);
    }

    [Fact]
    public async Task Where_there_is_no_room_for_content_it_is_dropped_and_nothing_forgotten()
    {
        await using var bench = new RemoteBench(archive: null);
        bench.Add(one => one["attestation"]!["serializedPayload"] = Convert.ToBase64String(new byte[60_000]));
        var answer = await bench.Remote.OfAsync(bench.Question(Attestations.Image), Cancellation);
        var gate = new TaskCompletionSource();
        _store.Gate = gate.Task;
        for (var number = 0; number < 1000; number++)
        {
            _archive.Keep(Key(number), Now, answer.Items[0]);
        }

        Assert.True(_metrics.Of(ArchiveOutcome.Dropped) > 0);
        gate.SetResult();
        await Eventually.Holds("all is written", () => _archive.IsIdle);
        Assert.Equal(0, _store.Forgotten);
        Assert.InRange(_store.Changes.Count, 300, 999);
    }

    [Fact]
    public async Task What_waits_at_the_end_of_the_service_is_written()
    {
        var archive = new EvidenceArchive(_store, _metrics, _clock);
        archive.Saw(Key(1), Now, []);
        archive.Saw(Key(2), Now, []);
        await archive.DisposeAsync();
        Assert.Equal(2, _store.Changes.Count);
    }

    private static ArchiveKey Key(int number) => new("source", Digest.Of(Encoding.UTF8.GetBytes($"{number}")));

    /// <summary>A store that fails and hangs as it is told.</summary>
    private sealed class FakeStore : IEvidenceArchive
    {
        public Task Gate { get; set; } = Task.CompletedTask;

        public bool IsFailing { get; set; }

        public int Began { get; private set; }

        public int Forgotten { get; private set; }

        public IReadOnlyList<ArchivedOccurrence> Kept { get; set; } = [];

        public List<ArchiveChange> Changes { get; } = [];

        public Task<IReadOnlyList<ArchivedOccurrence>> ReadAsync(ArchiveKey key, CancellationToken cancellation) =>
            IsFailing ? Task.FromException<IReadOnlyList<ArchivedOccurrence>>(new EvidenceSourceException("IO", "it fails")) : Task.FromResult(Kept);

        public async Task WriteAsync(IReadOnlyList<ArchiveChange> changes, CancellationToken cancellation)
        {
            Began++;
            await Gate.WaitAsync(cancellation);
            if (IsFailing)
            {
                throw new EvidenceSourceException("IO", "it fails");
            }

            Changes.AddRange(changes);
        }

        public Task ForgetAsync(DateTimeOffset? before, CancellationToken cancellation)
        {
            Forgotten += before is null ? 1 : 0;
            return Task.CompletedTask;
        }
    }
}
