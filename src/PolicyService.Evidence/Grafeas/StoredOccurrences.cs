using System.Collections.Concurrent;
using PolicyService.Core.Images;

namespace PolicyService.Evidence.Grafeas;

/// <summary>
/// Remembers what a source said of (parent, digest) for as long as its content has one version, so that a hot decision does no IO. Callers
/// that want the same at once share one question; a failure is told to all of them and remembered by none.
/// </summary>
public sealed class StoredOccurrences(IOccurrenceSource source, TimeProvider time)
{
    /// <summary>Answers after which all are forgotten: callers choose digests, and each one asked about is an answer.</summary>
    private const int MaxAnswers = 50_000;

    /// <summary>Bytes of payloads and signatures after which all are forgotten.</summary>
    private const long MaxBytes = 128L * 1024 * 1024;

    /// <summary>How long the source may take; below the default deadline, so that its failure has a name by then.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private Answers _answers = new(0);

    /// <summary>Answers held now.</summary>
    internal int Count => Volatile.Read(ref _answers).Known.Count;

    /// <summary>What is remembered, without asking anybody; null: not all of it is.</summary>
    /// <inheritdoc cref="OfAsync"/>
    public FoundOccurrences? Known(long version, Digest digest, IReadOnlyList<OccurrenceParent> parents)
    {
        var answers = Of(version);
        var found = new ParentOccurrences[parents.Count];
        for (var index = 0; index < found.Length; index++)
        {
            if (!answers.Known.TryGetValue((parents[index], digest), out var known) || !known.IsCompletedSuccessfully)
            {
                return null;
            }

            found[index] = known.Result;
        }

        return new FoundOccurrences(parents, found);
    }

    /// <param name="version">Version of the source's content: a later one forgets what was remembered of an earlier one.</param>
    /// <param name="digest">The image's.</param>
    /// <param name="parents">The notes of all attestors, and the projects of all checks, whose evidence is needed.</param>
    /// <param name="caller">Who asks; a question that several share is asked for the first of them.</param>
    /// <param name="cancellation">The end of the time for the evaluation; the shared question goes on without this caller.</param>
    /// <exception cref="EvidenceSourceException">The source failed.</exception>
    public async ValueTask<FoundOccurrences> OfAsync(
        long version, Digest digest, IReadOnlyList<OccurrenceParent> parents, string caller, CancellationToken cancellation)
    {
        if (Known(version, digest, parents) is { } known)
        {
            return known;
        }

        // Those that are remembered are not asked about again: their answers are there.
        var asked = Ask(Of(version), digest, parents, caller);
        var found = new ParentOccurrences[parents.Count];
        for (var index = 0; index < found.Length; index++)
        {
            found[index] = await asked[index].WaitAsync(cancellation);
        }

        return new FoundOccurrences(parents, found);
    }

    /// <summary>What is known of the version, or of a later one, which is as good: it is fresher.</summary>
    private Answers Of(long version)
    {
        var answers = Volatile.Read(ref _answers);
        while (answers.Version < version || answers.IsFull)
        {
            Interlocked.CompareExchange(ref _answers, new Answers(Math.Max(version, answers.Version)), answers);
            answers = Volatile.Read(ref _answers);
        }

        return answers;
    }

    /// <summary>One question for all parents nobody has asked about yet; the answers in their order.</summary>
    private List<Task<ParentOccurrences>> Ask(Answers answers, Digest digest, IReadOnlyList<OccurrenceParent> parents, string caller)
    {
        var asked = new TaskCompletionSource<IReadOnlyDictionary<OccurrenceParent, ParentOccurrences>>(TaskCreationOptions.RunContinuationsAsynchronously);
        var (own, all) = (new List<OccurrenceParent>(), new List<Task<ParentOccurrences>>(parents.Count));
        foreach (var parent in parents)
        {
            var answer = OneOfAsync(asked.Task, parent);
            var shared = answers.Known.GetOrAdd((parent, digest), answer);
            all.Add(shared);
            if (ReferenceEquals(shared, answer))
            {
                own.Add(parent);
            }
        }

        if (own.Count > 0)
        {
            _ = CompleteAsync(answers, digest, own, caller, asked);
        }

        return all;
    }

    private async Task CompleteAsync(
        Answers answers, Digest digest, List<OccurrenceParent> parents, string caller, TaskCompletionSource<IReadOnlyDictionary<OccurrenceParent, ParentOccurrences>> asked)
    {
        // Not on the caller's thread: a database that works synchronously must not hold up the asking for others.
        await Task.Yield();
        try
        {
            using var timeout = new CancellationTokenSource(Patience, time);
            // A driver that is told to stop may take its time about it, when nobody answers.
            var read = await source.ReadAsync(digest, parents, caller, timeout.Token).WaitAsync(timeout.Token);
            answers.Add(parents.Count, read.Values.Sum(one => one.Attestations.Sum(attestation => (long)attestation.Payload.Length + attestation.Signatures.Sum(signature => signature.Value.Length))));
            asked.SetResult(read);
        }
        catch (Exception exception)
        {
            // Forgotten first: whoever asks after the news asks anew.
            parents.ForEach(parent => answers.Known.TryRemove((parent, digest), out _));
            asked.SetException(exception switch
            {
                EvidenceSourceException failure => Judged(failure.Class, failure.Message, failure),
                OperationCanceledException => Judged(EvidenceSourceException.Timeout, "the source did not answer in time", exception),
                _ => Judged(EvidenceSourceException.Other, "reading it failed", exception),
            });
        }
    }

    /// <summary>
    /// The time that attestations take to be read is their authors' doing, and so may be what nobody foresaw: neither may open the gate
    /// (SEMANTICS section 3). A source that answers nothing else either is our own.
    /// </summary>
    private EvidenceSourceException Judged(string failureClass, string problem, Exception exception) => new(failureClass, problem, exception)
    {
        IsOwnFault = failureClass switch
        {
            EvidenceSourceException.Timeout => !source.HasAnswered(Patience),
            EvidenceSourceException.Other => false,
            _ => true,
        },
    };

    private static async Task<ParentOccurrences> OneOfAsync(Task<IReadOnlyDictionary<OccurrenceParent, ParentOccurrences>> asked, OccurrenceParent parent) =>
        (await asked).GetValueOrDefault(parent) ?? ParentOccurrences.None;

    private sealed class Answers(long version)
    {
        private int _count;
        private long _bytes;

        public long Version => version;

        public ConcurrentDictionary<(OccurrenceParent Parent, Digest Digest), Task<ParentOccurrences>> Known { get; } = new();

        public bool IsFull => Volatile.Read(ref _count) >= MaxAnswers || Volatile.Read(ref _bytes) >= MaxBytes;

        public void Add(int count, long bytes)
        {
            Interlocked.Add(ref _count, count);
            Interlocked.Add(ref _bytes, bytes);
        }
    }
}
