using System.Collections.Concurrent;

namespace PolicyService.Evidence.Remote;

/// <summary>Answers by question, bounded in number and bytes: callers choose digests, and each one asked about is an answer. The older half goes first.</summary>
internal sealed class RemoteMemory
{
    /// <summary>Answers of one half.</summary>
    private const int MaxAnswers = 25_000;

    /// <summary>Bytes of one half.</summary>
    private const long MaxBytes = 64L * 1024 * 1024;

    private Halves _halves = new(new Half(), new Half());

    public int Count => Volatile.Read(ref _halves).Young.Answers.Count + Volatile.Read(ref _halves).Old.Answers.Count;

    public RemoteAnswer? Find(RemoteQuestion question)
    {
        var halves = Volatile.Read(ref _halves);
        return halves.Young.Answers.GetValueOrDefault(question) ?? halves.Old.Answers.GetValueOrDefault(question);
    }

    public void Keep(RemoteQuestion question, RemoteAnswer answer)
    {
        var halves = Volatile.Read(ref _halves);
        halves.Young.Answers[question] = answer;
        var size = answer.Items.Sum(item => (long)item.Content.Length) + answer.Archived.Sum(attestation => (long)attestation.Payload.Length + attestation.Signatures.Sum(signature => signature.Value.Length));
        // Counted with whatever it replaced: an estimate that is too high forgets sooner.
        if (halves.Young.Answers.Count > MaxAnswers || Interlocked.Add(ref halves.Young.Bytes, size) > MaxBytes)
        {
            Interlocked.CompareExchange(ref _halves, new Halves(new Half(), halves.Young), halves);
        }
    }

    public void Forget(RemoteQuestion question)
    {
        var halves = Volatile.Read(ref _halves);
        halves.Young.Answers.TryRemove(question, out _);
        halves.Old.Answers.TryRemove(question, out _);
    }

    private sealed class Half
    {
        public long Bytes;

        public ConcurrentDictionary<RemoteQuestion, RemoteAnswer> Answers { get; } = new();
    }

    private sealed record Halves(Half Young, Half Old);
}
