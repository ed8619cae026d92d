using System.Collections.Concurrent;
using PolicyService.Core;
using PolicyService.Core.Attestors;
using PolicyService.Core.Images;
using PolicyService.Evidence.Caching;
using PolicyService.Evidence.Http;

namespace PolicyService.Evidence.Keys;

/// <summary>
/// Pinned public keys: this process over the shared cache over the key service. What is not the pinned key is never kept, wherever it
/// came from. A key that is kept stays while its source is down: its pin says that it is right, and a version never changes its key.
/// </summary>
public sealed class PublicKeyCache
{
    private static readonly KeyResolution.Missing[] Missings = [.. KeyFailures.All.Select(failure => new KeyResolution.Missing(failure))];

    private readonly IKeyManagement _source;
    private readonly ISharedCache _shared;
    private readonly KeyMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly KeyLifetimes _lifetimes;
    private readonly ConcurrentDictionary<Identity, Kept> _kept = new();
    private readonly ConcurrentDictionary<Identity, Failed> _failed = new();
    private readonly ConcurrentDictionary<Identity, Lazy<Task>> _flights = new();
    private readonly ConcurrentDictionary<Identity, KeyFailure> _unavailable = new();

    public PublicKeyCache(IKeyManagement source, ISharedCache shared, KeyMetrics metrics, TimeProvider time, KeyLifetimes? lifetimes = null)
    {
        (_source, _shared, _metrics, _time, _lifetimes) = (source, shared, metrics, time, lifetimes ?? new KeyLifetimes());
        States = new KeyStates(source, metrics, time, _lifetimes.Negative);
        // Made once: the hot path hands them on without making any.
        (Lookup, IsKnown) = (Find, Knows);
    }

    /// <summary>Told when the key service gives a key no more, and when it does again; must not throw.</summary>
    public event Action<KeyChange>? Changed;

    public KeyStates States { get; }

    /// <summary>What this process knows of a key, without IO.</summary>
    public KeyLookup Lookup { get; }

    /// <summary>Whether <see cref="Lookup"/> has the answer: a key, or a failure that is not old. Counts what it finds.</summary>
    public Predicate<RemoteKey> IsKnown { get; }

    /// <summary>Keys held.</summary>
    public int Count => _kept.Count;

    /// <summary>Names whose key the service does not give now as it is pinned, and why.</summary>
    public IEnumerable<KeyValuePair<KmsKeyName, KeyFailure>> Unavailable =>
        _unavailable.Select(pair => KeyValuePair.Create(pair.Key.Name, pair.Value)).DistinctBy(pair => pair.Key);

    /// <summary>
    /// Gets a pinned key. However many ask at once, it is fetched once, and on nobody's account: a caller who goes away takes nothing
    /// with it.
    /// </summary>
    /// <exception cref="OperationCanceledException">This caller waits no longer.</exception>
    public async Task<KeyResolution> ResolveAsync(RemoteKey remote, CancellationToken cancellation)
    {
        if (remote.Pin is null)
        {
            return Missing(KeyFailure.NotPinned);
        }

        await Flight(remote).WaitAsync(cancellation);
        if (!IsHeld(remote, Identity.Of(remote)))
        {
            // It may have joined a flight of somebody who does not care for the state, or has the key.
            await Flight(remote).WaitAsync(cancellation);
        }

        return Find(remote);
    }

    /// <summary>Begins to fetch a key that is not known, and does not wait for it.</summary>
    public void Prefetch(RemoteKey remote)
    {
        if (remote.Pin is not null && !Knows(remote))
        {
            _ = Flight(remote);
        }
    }

    /// <summary>Fetches again the keys whose time has come or whose source failed, and reads the states of all. What fails leaves things as they are.</summary>
    public Task MaintainAsync(CancellationToken cancellation) => Parallel.ForEachAsync(
        _kept.Keys.Select(identity => identity.Name).Concat(States.All.Select(pair => pair.Key)).Distinct().ToArray(),
        // As many as there are connections: keys that hang hold up the others for as long as an attempt takes, and no longer.
        new ParallelOptions { MaxDegreeOfParallelism = ApiTransport.Connections, CancellationToken = cancellation },
        async (name, ending) =>
        {
            await States.ReadAsync(name, ending);
            foreach (var (identity, kept) in _kept.Where(pair => pair.Key.Name == name))
            {
                if (_unavailable.ContainsKey(identity) || _time.GetElapsedTime(kept.Since) >= _lifetimes.RefreshAfter)
                {
                    await FetchFromSourceAsync(identity, ending);
                }
            }
        });

    /// <summary>Forgets what no document names any more.</summary>
    public void Retain(IEnumerable<RemoteKey> inForce)
    {
        var identities = inForce.Where(key => key.Pin is not null).Select(Identity.Of).ToHashSet();
        var names = identities.Select(identity => identity.Name).ToHashSet();
        foreach (var identity in _kept.Keys.Concat(_failed.Keys).Where(identity => !identities.Contains(identity)))
        {
            _kept.TryRemove(identity, out _);
            _failed.TryRemove(identity, out _);
        }

        foreach (var identity in _unavailable.Keys.Where(identity => !identities.Contains(identity)))
        {
            _unavailable.TryRemove(identity, out _);
        }

        States.Retain(names);
    }

    private static KeyResolution.Missing Missing(KeyFailure failure) => Missings[(int)failure];

    private KeyResolution Find(RemoteKey remote)
    {
        if (remote.Pin is null)
        {
            return Missing(KeyFailure.NotPinned);
        }

        var identity = Identity.Of(remote);
        if ((remote.Given ?? _kept.GetValueOrDefault(identity)?.Found) is not { } found)
        {
            return Missing(_failed.TryGetValue(identity, out var failed) ? failed.Failure : KeyFailure.NotFetched);
        }

        return !remote.RevokeOnDisable ? found : States.Of(remote.Name) switch
        {
            KeyState.Enabled => found,
            KeyState.Disabled => Missing(KeyFailure.Disabled),
            KeyState.Destroyed => Missing(KeyFailure.Destroyed),
            // It may have been disabled before this process began: what is not known does not count.
            _ => Missing(KeyFailure.StateUnknown),
        };
    }

    /// <summary>Whether key and state are there, as far as they matter to who asks.</summary>
    private bool IsHeld(RemoteKey remote, Identity identity) =>
        (remote.Given is not null || _kept.ContainsKey(identity)) && (!remote.RevokeOnDisable || States.IsKnown(remote.Name));

    private bool Knows(RemoteKey remote)
    {
        var identity = Identity.Of(remote);
        if (IsHeld(remote, identity))
        {
            _metrics.CountMemoryHit();
            return true;
        }

        if (IsFailed(identity))
        {
            _metrics.CountNegative();
            return true;
        }

        _metrics.CountMemoryMiss();
        return false;
    }

    /// <summary>The flight that is under way for this key, or a new one.</summary>
    private Task Flight(RemoteKey remote) => _flights.GetOrAdd(
        Identity.Of(remote),
        (identity, asked) => new Lazy<Task>(() => Task.Run(() => FlyAsync(identity, asked.Given is null, asked.RevokeOnDisable), CancellationToken.None)),
        remote).Value;

    private bool IsFailed(Identity identity) => _failed.TryGetValue(identity, out var failed) && _time.GetElapsedTime(failed.Since) < _lifetimes.Negative;

    private async Task FlyAsync(Identity identity, bool withKey, bool withState)
    {
        using var bound = new CancellationTokenSource(_lifetimes.Fetch, _time);
        try
        {
            var state = withState && !States.IsKnown(identity.Name) ? States.ReadAsync(identity.Name, bound.Token) : Task.CompletedTask;
            // Another flight may have landed between this caller's look into memory and its start.
            if (withKey && !_kept.ContainsKey(identity) && !IsFailed(identity) && !await FetchFromSharedAsync(identity, bound.Token))
            {
                await FetchFromSourceAsync(identity, bound.Token);
            }

            await state;
        }
        catch (OperationCanceledException) when (bound.IsCancellationRequested)
        {
            Fail(identity, KeyFailure.Timeout);
        }
        finally
        {
            _flights.TryRemove(identity, out _);
        }
    }

    private async Task<bool> FetchFromSharedAsync(Identity identity, CancellationToken cancellation)
    {
        SharedValue? value = null;
        using var timer = new CancellationTokenSource(_lifetimes.SharedWait, _time);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timer.Token);
        try
        {
            value = await _shared.GetAsync(SharedKeyValue.KeyOf(identity.Name, identity.Pin), ending.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // A cache that takes longer than the source is none.
        }

        var key = value is { } found ? SharedKeyValue.Read(found, identity.Pin, identity.Algorithm) : null;
        if (key is null)
        {
            CountNoSharedKey(value is not null);
            return false;
        }

        _metrics.CountSharedHit();
        Keep(identity, key);
        return true;
    }

    private void CountNoSharedKey(bool isRefused)
    {
        if (isRefused)
        {
            _metrics.CountSharedRefused();
        }
        else
        {
            _metrics.CountSharedMiss();
        }
    }

    private async Task FetchFromSourceAsync(Identity identity, CancellationToken cancellation)
    {
        KeyFailure? failure = null;
        try
        {
            var key = await _source.GetPublicKeyAsync(identity.Name, cancellation);
            failure = key.Fingerprint != identity.Pin ? KeyFailure.OtherKey
                : identity.Algorithm is not SignatureAlgorithm.Unspecified && identity.Algorithm != key.Algorithm ? KeyFailure.OtherAlgorithm
                : null;
            if (failure is null)
            {
                Keep(identity, key);
                _shared.Set(SharedKeyValue.KeyOf(identity.Name, identity.Pin), SharedKeyValue.Write(key), _lifetimes.Shared);
            }
        }
        catch (KeyServiceException exception)
        {
            failure = exception.Failure;
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // A defect in reading one answer must not reach the other keys, nor what else a request has.
            failure = KeyFailure.Malformed;
        }

        _metrics.CountKms(failure);
        if (failure is { } why)
        {
            Fail(identity, why);
        }
        else if (_unavailable.TryRemove(identity, out _))
        {
            Changed?.Invoke(new KeyChange.Availability(identity.Name, null));
        }
    }

    private void Keep(Identity identity, PublicKey key)
    {
        if (_kept.Count >= Limits.RemoteKeys && !_kept.ContainsKey(identity))
        {
            // Documents hold fewer; should they hold more, some key is fetched more often.
            _kept.TryRemove(_kept.MinBy(pair => pair.Value.Since).Key, out _);
        }

        _kept[identity] = new Kept(new KeyResolution.Found(key), _time.GetTimestamp());
        _failed.TryRemove(identity, out _);
    }

    /// <summary>Remembered apart from the keys, so that no failure replaces one.</summary>
    private void Fail(Identity identity, KeyFailure failure)
    {
        if (!_kept.ContainsKey(identity))
        {
            _failed[identity] = new Failed(failure, _time.GetTimestamp());
        }

        var before = _unavailable.TryGetValue(identity, out var known) ? known : (KeyFailure?)null;
        _unavailable[identity] = failure;
        if (before != failure)
        {
            Changed?.Invoke(new KeyChange.Availability(identity.Name, failure));
        }
    }

    /// <summary>What a key must be: two documents that agree on this share it.</summary>
    private readonly record struct Identity(KmsKeyName Name, Digest Pin, SignatureAlgorithm Algorithm)
    {
        public static Identity Of(RemoteKey remote) => new(remote.Name, remote.Pin.GetValueOrDefault(), remote.Algorithm);
    }

    private sealed record Kept(KeyResolution.Found Found, long Since);

    private sealed record Failed(KeyFailure Failure, long Since);
}
