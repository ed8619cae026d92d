using Microsoft.Extensions.Time.Testing;
using PolicyService.Core.Images;
using PolicyService.Evidence.Grafeas;

namespace PolicyService.Evidence.Tests.Grafeas;

/// <summary>What is remembered of a source of occurrences, and what never is.</summary>
public sealed class StoredOccurrencesTests
{
    private static readonly Digest Other = Digest.Of("other"u8);
    private static readonly OccurrenceParent Qa = OccurrenceParent.Of(Attestations.Note());
    private static readonly OccurrenceParent Build = OccurrenceParent.Of(Attestations.Note("build"));
    private static readonly OccurrenceParent Project = OccurrenceParent.OfProject("acme");

    private readonly FakeSource _source = new();
    private readonly FakeTimeProvider _time = new(Attestations.Start);
    private readonly StoredOccurrences _stored;

    public StoredOccurrencesTests() => _stored = new StoredOccurrences(_source, _time);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact, Trait("attack", "85")]
    public async Task One_question_serves_all_notes_and_every_later_decision()
    {
        var found = await _stored.OfAsync(1, Attestations.Image, [Qa, Build, Project], "", Cancellation);
        Assert.Single(found[Qa].Attestations);
        Assert.Empty(found[Build].Attestations);
        for (var turn = 0; turn < 100; turn++)
        {
            await _stored.OfAsync(1, Attestations.Image, [Qa], "", Cancellation);
            await _stored.OfAsync(1, Attestations.Image, [Project, Build], "", Cancellation);
        }

        Assert.Equal([3], _source.Asked.Select(asked => asked.Count));
    }

    [Fact, Trait("attack", "96"), Trait("attack", "97")]
    public async Task Thousands_at_once_ask_one_question_and_one_that_leaves_takes_nobody_along()
    {
        _source.Wait();
        using var leaving = new CancellationTokenSource();
        var first = _stored.OfAsync(1, Attestations.Image, [Qa], "", leaving.Token).AsTask();
        var others = Enumerable.Range(0, 5_000).Select(_ => _stored.OfAsync(1, Attestations.Image, [Qa], "", Cancellation).AsTask()).ToArray();

        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        _source.Answer();

        Assert.All(await Task.WhenAll(others), found => Assert.Single(found[Qa].Attestations));
        Assert.Single(_source.Asked);
    }

    [Fact, Trait("attack", "93")]
    public async Task New_version_asks_anew_and_an_old_one_is_served_from_the_newer()
    {
        Assert.Single((await _stored.OfAsync(1, Attestations.Image, [Qa], "", Cancellation))[Qa].Attestations);
        _source.IsEmpty = true;

        Assert.Single((await _stored.OfAsync(1, Attestations.Image, [Qa], "", Cancellation))[Qa].Attestations);
        Assert.Empty((await _stored.OfAsync(2, Attestations.Image, [Qa], "", Cancellation))[Qa].Attestations);
        Assert.Empty((await _stored.OfAsync(1, Attestations.Image, [Qa], "", Cancellation))[Qa].Attestations);
        Assert.Equal(2, _source.Asked.Count);
    }

    [Fact, Trait("attack", "92")]
    public async Task Failure_is_told_to_all_who_wait_and_remembered_by_none()
    {
        _source.Failure = new EvidenceSourceException("CONNECTION", "it is gone");
        var failures = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ =>
            Assert.ThrowsAsync<EvidenceSourceException>(() => _stored.OfAsync(1, Attestations.Image, [Qa, Build], "", Cancellation).AsTask())));
        Assert.All(failures, failure => Assert.Equal("CONNECTION", failure.Class));

        _source.Failure = null;

        Assert.Single((await _stored.OfAsync(1, Attestations.Image, [Qa], "", Cancellation))[Qa].Attestations);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Source_that_never_answers_is_a_timeout_and_our_own_fault_only_if_it_answers_nothing_else(bool answersElse)
    {
        _source.Answers = answersElse;
        _source.Wait();
        var asking = _stored.OfAsync(1, Attestations.Image, [Qa], "", Cancellation).AsTask();
        while (!asking.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(500));
            await Task.Yield();
        }

        var failure = await Assert.ThrowsAsync<EvidenceSourceException>(() => asking);
        Assert.Equal(("TIMEOUT", !answersElse), (failure.Class, failure.IsOwnFault));
    }

    [Fact]
    public async Task Failure_that_nobody_foresaw_is_a_failure_of_the_source_and_not_our_own_fault()
    {
        foreach (var (thrown, name, isOwn) in new (Exception, string, bool)[]
        {
            (new InvalidOperationException("x"), "OTHER", false), (new EvidenceSourceException("OTHER", "x"), "OTHER", false), (new EvidenceSourceException("IO", "x"), "IO", true),
        })
        {
            _source.Failure = thrown;
            var failure = await Assert.ThrowsAsync<EvidenceSourceException>(() => _stored.OfAsync(1, Attestations.Image, [Qa], "", Cancellation).AsTask());
            Assert.Equal((name, isOwn), (failure.Class, failure.IsOwnFault));
        }
    }

    [Fact, Trait("attack", "88")]
    public async Task Answers_are_kept_apart_by_digest_note_and_project()
    {
        // A note and a project whose names join to one text.
        var note = OccurrenceParent.Of(Attestations.Note("x"));
        var project = OccurrenceParent.OfProject("projects/acme/notes/x");

        await _stored.OfAsync(1, Attestations.Image, [note], "", Cancellation);
        await _stored.OfAsync(1, Attestations.Image, [project], "", Cancellation);
        await _stored.OfAsync(1, Other, [note], "", Cancellation);

        Assert.Equal(3, _source.Asked.Count);
    }

    [Fact]
    public async Task Memory_is_bounded_however_many_digests_are_asked_about()
    {
        for (var number = 0; number < 60_000; number++)
        {
            await _stored.OfAsync(1, Digest.Of(BitConverter.GetBytes(number)), [Build], "", Cancellation);
        }

        Assert.InRange(_stored.Count, 1, 50_000);
        Assert.Equal(60_000, _source.Asked.Count);
    }

    /// <summary>One attestation under the note "qa" of every digest.</summary>
    private sealed class FakeSource : IOccurrenceSource
    {
        private TaskCompletionSource _answer = new();

        public FakeSource() => _answer.SetResult();

        public List<IReadOnlyCollection<OccurrenceParent>> Asked { get; } = [];

        public bool IsEmpty { get; set; }

        public Exception? Failure { get; set; }

        /// <summary>Whether it answers other questions.</summary>
        public bool Answers { get; set; }

        public bool HasAnswered(TimeSpan within) => Answers;

        public void Wait() => _answer = new TaskCompletionSource();

        public void Answer() => _answer.SetResult();

        public async Task<IReadOnlyDictionary<OccurrenceParent, ParentOccurrences>> ReadAsync(
            Digest digest, IReadOnlyCollection<OccurrenceParent> parents, string caller, CancellationToken cancellation)
        {
            lock (Asked)
            {
                Asked.Add(parents);
            }

            await _answer.Task.WaitAsync(cancellation);
            return Failure is not null ? throw Failure
                : IsEmpty || !parents.Contains(Qa) ? new Dictionary<OccurrenceParent, ParentOccurrences>()
                : new Dictionary<OccurrenceParent, ParentOccurrences> { [Qa] = new([Attestations.Of(Attestations.Payload)], false) };
        }
    }
}
