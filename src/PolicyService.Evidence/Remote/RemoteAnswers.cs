using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text.Json;
using PolicyService.Core.Attestations;
using PolicyService.Evidence.Caching;

namespace PolicyService.Evidence.Remote;

/// <summary>
/// Evidence of sources elsewhere (SEMANTICS section 5): this process over the cache of the fleet over the source; and while
/// the source is down, the archive. However many ask the same at once, it is asked once, and on nobody's account.
/// </summary>
/// <param name="list">Asks the source of a question.</param>
/// <param name="shared">What replicas share.</param>
/// <param name="metrics">Counts answers.</param>
/// <param name="time">The clock.</param>
/// <param name="lifetimes">How long things are kept; null: as in a service.</param>
/// <param name="archive">Null: there is no store.</param>
public sealed class RemoteAnswers(
    RemoteListing list,
    SharedEvidence shared,
    RemoteMetrics metrics,
    TimeProvider time,
    RemoteLifetimes? lifetimes = null,
    EvidenceArchive? archive = null)
{
    private readonly RemoteLifetimes _lifetimes = lifetimes ?? new RemoteLifetimes();
    private readonly ConcurrentDictionary<RemoteQuestion, Lazy<Task<RemoteAnswer>>> _flights = new();
    private readonly RemoteMemory _answers = new();
    private readonly RemoteMemory _failures = new();

    /// <summary>Answers held now.</summary>
    internal int Count => _answers.Count + _failures.Count;

    /// <summary>The present, to be given to <see cref="AgainAsync"/>.</summary>
    public long Now => time.GetTimestamp();

    /// <summary>Whether <see cref="OfAsync"/> would answer without asking anybody.</summary>
    public bool IsKnown(RemoteQuestion question) => Known(question) is not null;

    /// <summary>What is known, or what the source says now.</summary>
    /// <exception cref="OperationCanceledException">This caller waits no longer.</exception>
    public async ValueTask<RemoteAnswer> OfAsync(RemoteQuestion question, CancellationToken cancellation)
    {
        if (Known(question) is { } known)
        {
            metrics.Count(RemoteLevel.Memory);
            return known;
        }

        return await Flight(question, isAgain: false).WaitAsync(cancellation);
    }

    /// <summary>
    /// Asks the source again, because the answer would deny: unless it was read for this caller, or within the last second, or does not
    /// answer.
    /// </summary>
    /// <param name="question">What was asked.</param>
    /// <param name="answer">What would deny.</param>
    /// <param name="since">When this caller began to ask.</param>
    /// <param name="cancellation">The end of the time for the evaluation.</param>
    /// <exception cref="OperationCanceledException">This caller waits no longer.</exception>
    public async ValueTask<RemoteAnswer> AgainAsync(RemoteQuestion question, RemoteAnswer answer, long since, CancellationToken cancellation)
    {
        var current = Known(question) ?? answer;
        for (var asked = 0; asked < 2 && !IsNew(current, since); asked++)
        {
            // The first may be a flight that began before this caller did.
            current = await Flight(question, isAgain: true).WaitAsync(cancellation);
        }

        return current;
    }

    /// <summary>Tells the archive what had a signature that verified.</summary>
    public void Verified(RemoteQuestion question, RemoteAnswer answer, IReadOnlySet<Attestation> verified)
    {
        // An answer of the fleet is archived by the replica that read the source.
        if (archive is null || !answer.IsFromSource || answer.Failure is not RemoteFailure.None)
        {
            return;
        }

        foreach (var item in answer.Items.Where(item => item.Attestations.Any(verified.Contains)))
        {
            if (item.TryOffer())
            {
                archive.Keep(question.ArchiveKey, answer.ReadAt, item);
            }
        }
    }

    private TimeSpan AgeOf(RemoteAnswer answer) => answer.AgeThen + time.GetElapsedTime(answer.Since);

    private bool IsNew(RemoteAnswer answer, long since) =>
        answer.Failure is not RemoteFailure.None || (answer.IsFromSource && answer.Since >= since) || (answer.IsFromSource && AgeOf(answer) < _lifetimes.Again);

    private RemoteAnswer? Known(RemoteQuestion question)
    {
        // What failed last is not asked again at once, and hides no answer that still counts.
        var answer = _answers.Find(question);
        return answer is not null && AgeOf(answer) < LifetimeOf(answer) ? answer
            : _failures.Find(question) is { } failed && AgeOf(failed) < _lifetimes.Failure ? failed
            : null;
    }

    private TimeSpan LifetimeOf(RemoteAnswer answer) => answer.Items.Count > 0 ? _lifetimes.Positive : _lifetimes.Negative;

    private Task<RemoteAnswer> Flight(RemoteQuestion question, bool isAgain) => _flights.GetOrAdd(
        question, (asked, again) => new Lazy<Task<RemoteAnswer>>(() => Task.Run(() => FlyAsync(asked, again), CancellationToken.None)), isAgain).Value;

    private async Task<RemoteAnswer> FlyAsync(RemoteQuestion question, bool isAgain)
    {
        try
        {
            if (isAgain)
            {
                return _failures.Find(question) is { } failed && AgeOf(failed) < _lifetimes.Failure ? failed : await FromSourceAsync(question, isAgain: true);
            }

            // Another flight may have landed between this caller's look into memory and its start.
            return Known(question) ?? await FromFleetAsync(question) ?? await FromSourceAsync(question, isAgain: false);
        }
        finally
        {
            _flights.TryRemove(question, out _);
        }
    }

    private async Task<RemoteAnswer?> FromFleetAsync(RemoteQuestion question)
    {
        if (await shared.GetAsync(question.Shared, generation: 0, _lifetimes.Positive, CancellationToken.None) is not { } fetched
            || ReadKept(question, fetched.Content) is not { } items)
        {
            return null;
        }

        var age = time.GetUtcNow() - fetched.FetchedAt;
        var answer = new RemoteAnswer(items, IsCut: false, default)
        {
            ReadAt = fetched.FetchedAt,
            Since = time.GetTimestamp(),
            AgeThen = age > TimeSpan.Zero ? age : TimeSpan.Zero,
        };
        if (AgeOf(answer) >= LifetimeOf(answer))
        {
            return null;
        }

        metrics.Count(RemoteLevel.Redis);
        _answers.Keep(question, answer);
        return answer;
    }

    private async Task<RemoteAnswer> FromSourceAsync(RemoteQuestion question, bool isAgain)
    {
        metrics.Count(RemoteLevel.Source);
        var (readAt, since) = (time.GetUtcNow(), time.GetTimestamp());
        using var bound = new CancellationTokenSource(_lifetimes.Fetch, time);
        var said = await list(question, isAgain, bound.Token);
        metrics.Count(question.Source, said.Failure);
        var answer = new RemoteAnswer(said.Items, said.IsCut, said.Failure) { ReadAt = readAt, Since = since, IsFromSource = true };
        if (said.Failure is RemoteFailure.None)
        {
            _answers.Keep(question, answer);
            _failures.Forget(question);
            if (!said.IsCut)
            {
                archive?.Saw(question.ArchiveKey, readAt, said.Items.Select(item => item.Identity));
                shared.Offer(question.Shared, new FetchedEvidence(0, readAt, Write(said.Items)), LifetimeOf(answer));
            }

            return answer;
        }

        if (said.Failure is RemoteFailure.NotFound)
        {
            // A list that is gone has nothing more, and it must not come back when nobody answers.
            archive?.Saw(question.ArchiveKey, readAt, []);
        }

        // It answers for a while from when it failed, not from when it was asked.
        var failed = answer with { Since = time.GetTimestamp(), Archived = await FromArchiveAsync(question, said.Failure) };
        _failures.Keep(question, failed);
        return failed;
    }

    private async Task<IReadOnlyList<Attestation>> FromArchiveAsync(RemoteQuestion question, RemoteFailure failure)
    {
        if (archive is null || !question.IsOutage(failure))
        {
            return [];
        }

        using var bound = new CancellationTokenSource(_lifetimes.Archive, time);
        var kept = await archive.ReadAsync(question.ArchiveKey, bound.Token);
        if (kept.Count > 0)
        {
            metrics.Count(ArchiveOutcome.Used);
        }

        return [.. kept.SelectMany(one => (question.ReadKept(System.Text.Encoding.UTF8.GetBytes(one.Content))?.Attestations ?? [])
            .Select(attestation => attestation.Archived(one.LastSeen)))];
    }

    /// <summary>What was said as a JSON list.</summary>
    private static byte[] Write(IReadOnlyList<RemoteItem> items)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartArray();
            foreach (var item in items)
            {
                writer.WriteRawValue(item.Content.Span);
            }

            writer.WriteEndArray();
        }

        return buffer.ToArray();
    }

    /// <returns>Null: a replica of another version sealed what this one cannot read.</returns>
    private static RemoteItem[]? ReadKept(RemoteQuestion question, ReadOnlyMemory<byte> content)
    {
        try
        {
            using var document = JsonDocument.Parse(content);
            return document.RootElement.ValueKind is JsonValueKind.Array
                ? [.. document.RootElement.EnumerateArray().Select(element => question.ReadKept(JsonMarshal.GetRawUtf8Value(element).ToArray())).OfType<RemoteItem>()]
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
