namespace PolicyService.Evidence.Remote;

/// <summary>
/// Keeps the archive up to date in the background: nobody waits for it and nothing fails by it. What waits is bounded. What a source no
/// longer shows must not come back, so such news is never dropped: where there is no room for it the whole archive is forgotten.
/// </summary>
public sealed class EvidenceArchive : IAsyncDisposable
{
    /// <summary>Lists whose changes may wait.</summary>
    internal const int MaxPending = 10_000;

    /// <summary>Changes that are written together.</summary>
    private const int Batch = 100;

    /// <summary>Characters of verified content that may wait.</summary>
    private const long MaxCharacters = 32 * 1024 * 1024;

    /// <summary>
    /// Verified content that has waited for longer is not written: another replica may have seen since that its source shows it no more.
    /// </summary>
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PatienceAtEnd = TimeSpan.FromSeconds(2);

    /// <summary>What no source has shown for so long is forgotten.</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(400);
    private static readonly TimeSpan PruneEvery = TimeSpan.FromDays(1);

    private readonly IEvidenceArchive _store;
    private readonly RemoteMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly Dictionary<ArchiveKey, ArchiveChange> _pending = [];
    private readonly SemaphoreSlim _work = new(0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _writing;
    private long _characters;
    private bool _forgetAll;
    private bool _isForgetting;
    private Dictionary<ArchiveKey, ArchiveChange> _beingWritten = [];
    private DateTimeOffset _prunedAt = DateTimeOffset.MinValue;

    public EvidenceArchive(IEvidenceArchive store, RemoteMetrics metrics, TimeProvider time)
    {
        (_store, _metrics, _time) = (store, metrics, time);
        _writing = Task.Run(WriteAllAsync);
    }

    /// <summary>Nothing waits to be written.</summary>
    internal bool IsIdle
    {
        get
        {
            lock (_lock)
            {
                return _pending.Count == 0 && _beingWritten.Count == 0 && !_forgetAll && !_isForgetting;
            }
        }
    }

    /// <summary>What the archive has, with the news that still wait.</summary>
    /// <returns>Nothing where it cannot be read: it is a help in need and no source.</returns>
    public async Task<IReadOnlyList<ArchivedOccurrence>> ReadAsync(ArchiveKey key, CancellationToken cancellation)
    {
        try
        {
            // Before and after: what is being written now may be in the store by the end of the reading, and not at its beginning.
            var before = IsGone(key);
            var kept = await _store.ReadAsync(key, cancellation).WaitAsync(cancellation);
            var after = IsGone(key);
            return [.. kept.Where(one => !before(one.Identity) && !after(one.Identity))];
        }
        catch (Exception exception) when (exception is EvidenceSourceException or OperationCanceledException)
        {
            return [];
        }
    }

    /// <summary>What news that are not written yet say of an occurrence.</summary>
    private Predicate<string> IsGone(ArchiveKey key)
    {
        lock (_lock)
        {
            var all = _forgetAll || _isForgetting;
            var shown = (_pending.GetValueOrDefault(key) ?? _beingWritten.GetValueOrDefault(key))?.Shown;
            return identity => all || shown?.Contains(identity) is false;
        }
    }

    /// <summary>The source was read.</summary>
    /// <param name="key">The list.</param>
    /// <param name="seenAt">When the reading began.</param>
    /// <param name="shown">Identities of all it has.</param>
    public void Saw(ArchiveKey key, DateTimeOffset seenAt, IEnumerable<string> shown) =>
        Put(new ArchiveChange(key, seenAt, shown.ToHashSet(StringComparer.Ordinal), new Dictionary<string, string>()), mustBeKept: true);

    /// <summary>A signature of a piece of evidence verified.</summary>
    /// <param name="key">The list.</param>
    /// <param name="seenAt">When the reading of it began.</param>
    /// <param name="item">The piece.</param>
    public void Keep(ArchiveKey key, DateTimeOffset seenAt, RemoteItem item) => Put(
        new ArchiveChange(key, seenAt, null, new Dictionary<string, string> { [item.Identity] = System.Text.Encoding.UTF8.GetString(item.Content.Span) }), mustBeKept: false);

    /// <summary>Writes what waits, if the store takes it at once.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _writing;
        using var ending = new CancellationTokenSource(PatienceAtEnd, _time);
        while (!ending.IsCancellationRequested && await WriteBatchAsync(ending.Token))
        {
        }

        _stopping.Dispose();
        _work.Dispose();
    }

    private void Put(ArchiveChange change, bool mustBeKept)
    {
        lock (_lock)
        {
            var merged = Merge(_pending.GetValueOrDefault(change.Key), change);
            var isFull = (_pending.Count >= MaxPending && !_pending.ContainsKey(change.Key)) || (!mustBeKept && _characters + Characters(change) > MaxCharacters);
            if (isFull && !mustBeKept)
            {
                _metrics.Count(ArchiveOutcome.Dropped);
                return;
            }

            if (isFull)
            {
                _metrics.Count(ArchiveOutcome.Dropped);
                _forgetAll = true;
                _pending.Clear();
                _characters = 0;
            }
            else
            {
                _characters += Characters(merged) - Characters(_pending.GetValueOrDefault(change.Key));
                _pending[change.Key] = merged;
            }
        }

        if (_work.CurrentCount == 0)
        {
            _work.Release();
        }
    }

    /// <summary>The later reading says what there is; content of an earlier one is not added behind its back.</summary>
    private static ArchiveChange Merge(ArchiveChange? waiting, ArchiveChange change)
    {
        if (waiting is null)
        {
            return change;
        }

        var (older, newer) = waiting.SeenAt <= change.SeenAt ? (waiting, change) : (change, waiting);
        return older.SeenAt < newer.SeenAt && newer.Shown is not null
            ? newer
            : newer with { SeenAt = newer.Shown is null && older.Shown is not null ? older.SeenAt : newer.SeenAt, Shown = newer.Shown ?? older.Shown, Verified = older.Verified.Concat(newer.Verified).DistinctBy(pair => pair.Key).ToDictionary() };
    }

    private static long Characters(ArchiveChange? change) => change?.Verified.Values.Sum(content => (long)content.Length) ?? 0;

    private async Task WriteAllAsync()
    {
        try
        {
            while (true)
            {
                await _work.WaitAsync(_stopping.Token);
                while (!IsIdle)
                {
                    if (!await WriteBatchAsync(_stopping.Token))
                    {
                        await Task.Delay(PauseAfterFailure, _time, _stopping.Token);
                    }
                }
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The service stops.
        }
    }

    /// <returns>Whether there is more to do and it makes sense to go on.</returns>
    private async Task<bool> WriteBatchAsync(CancellationToken cancellation)
    {
        var (changes, forgetAll) = Take();
        if (changes.Count == 0 && !forgetAll)
        {
            return false;
        }

        try
        {
            if (forgetAll)
            {
                await _store.ForgetAsync(null, cancellation);
            }

            var now = _time.GetUtcNow();
            await _store.WriteAsync([.. changes.Select(change => now - change.SeenAt > Fresh ? change with { Verified = new Dictionary<string, string>() } : change)], cancellation);
            if (now - _prunedAt > PruneEvery)
            {
                _prunedAt = now;
                await _store.ForgetAsync(now - Lifetime, cancellation);
            }

            _metrics.Count(ArchiveOutcome.Written);
            Done();
            return true;
        }
        catch (Exception exception) when (exception is EvidenceSourceException or OperationCanceledException)
        {
            _metrics.Count(ArchiveOutcome.Failed);
            PutBack(changes, forgetAll);
            return false;
        }
    }

    private (List<ArchiveChange> Changes, bool ForgetAll) Take()
    {
        lock (_lock)
        {
            var changes = _pending.Values.Take(Batch).ToList();
            foreach (var change in changes)
            {
                _pending.Remove(change.Key);
                _characters -= Characters(change);
            }

            (_isForgetting, _forgetAll) = (_forgetAll, false);
            _beingWritten = changes.ToDictionary(change => change.Key);
            return (changes, _isForgetting);
        }
    }

    private void Done()
    {
        lock (_lock)
        {
            (_isForgetting, _beingWritten) = (false, []);
        }
    }

    private void PutBack(List<ArchiveChange> changes, bool forgetAll)
    {
        lock (_lock)
        {
            _forgetAll |= forgetAll;
            _isForgetting = false;
        }

        changes.ForEach(change => Put(change, mustBeKept: change.Shown is not null));
        Done();
    }
}
