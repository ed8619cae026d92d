using System.Collections.Concurrent;
using PolicyService.Core.Attestors;

namespace PolicyService.Evidence.Keys;

/// <summary>
/// What has become of the key versions in use. A state that can be read no more changes nothing: whoever can cut the way to the key service
/// must not be able to revoke a key, nor to keep one alive that was seen disabled. One that was never read is unknown.
/// </summary>
public sealed class KeyStates(IKeyManagement source, KeyMetrics metrics, TimeProvider time, TimeSpan patience)
{
    private readonly ConcurrentDictionary<KmsKeyName, Reading> _states = new();

    /// <summary>Told of every change; must not throw.</summary>
    public event Action<KeyChange>? Changed;

    /// <summary>Last read; <see cref="KeyState.Unknown"/> if never.</summary>
    public KeyState Of(KmsKeyName name) => _states.GetValueOrDefault(name)?.State ?? KeyState.Unknown;

    /// <summary>Whether it was read, or tried in vain a moment ago.</summary>
    public bool IsKnown(KmsKeyName name) =>
        _states.TryGetValue(name, out var reading) && (reading.State is not KeyState.Unknown || time.GetElapsedTime(reading.TriedAt) < patience);

    /// <summary>Versions by state, for gauges and the readiness detail.</summary>
    public IEnumerable<KeyValuePair<KmsKeyName, KeyState>> All => _states.Select(pair => KeyValuePair.Create(pair.Key, pair.Value.State));

    /// <summary>Versions whose state can not be read now, and why.</summary>
    public IEnumerable<KeyValuePair<KmsKeyName, KeyFailure>> Unreadable =>
        _states.Where(pair => pair.Value.Failure is not null).Select(pair => KeyValuePair.Create(pair.Key, pair.Value.Failure!.Value));

    /// <summary>Reads it anew.</summary>
    public async Task ReadAsync(KmsKeyName name, CancellationToken cancellation)
    {
        var (now, failure) = (KeyState.Unknown, (KeyFailure?)null);
        try
        {
            now = await source.GetStateAsync(name, cancellation);
        }
        catch (KeyServiceException exception)
        {
            failure = exception.Failure;
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // A defect in reading one answer must not reach the other keys.
            failure = KeyFailure.Malformed;
        }

        metrics.CountState(failure);
        var before = _states.GetValueOrDefault(name);
        var state = now is KeyState.Unknown ? before?.State ?? KeyState.Unknown : now;
        _states[name] = new Reading(state, failure, time.GetTimestamp());
        Tell(name, before, state, failure);
    }

    /// <summary>Forgets the versions nobody uses any more.</summary>
    public void Retain(IReadOnlySet<KmsKeyName> names)
    {
        foreach (var name in _states.Keys.Where(name => !names.Contains(name)))
        {
            _states.TryRemove(name, out _);
        }
    }

    private void Tell(KmsKeyName name, Reading? before, KeyState state, KeyFailure? failure)
    {
        var earlier = before?.State ?? KeyState.Unknown;
        // The first reading is news only if it is bad.
        if (earlier != state && (earlier is not KeyState.Unknown || state is not KeyState.Enabled))
        {
            Changed?.Invoke(new KeyChange.State(name, earlier, state));
        }

        if (failure != before?.Failure)
        {
            Changed?.Invoke(new KeyChange.Readability(name, failure));
        }
    }

    /// <param name="State">The last that was read.</param>
    /// <param name="Failure">Why the last attempt read nothing; null: it did.</param>
    /// <param name="TriedAt">When the last attempt ended.</param>
    private sealed record Reading(KeyState State, KeyFailure? Failure, long TriedAt);
}
