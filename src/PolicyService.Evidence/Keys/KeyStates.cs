using System.Collections.Concurrent;
using PolicyService.Core.Attestors;

namespace PolicyService.Evidence.Keys;

/// <summary>
/// What has become of the key versions in use. A state that cannot be read changes nothing: whoever can cut the way to the key service
/// must not be able to revoke a key, nor to keep one alive that was seen disabled.
/// </summary>
public sealed class KeyStates(IKeyManagement source, KeyMetrics metrics)
{
    private readonly ConcurrentDictionary<KmsKeyName, KeyState> _states = new();

    /// <summary>Told of every change; must not throw.</summary>
    public event Action<KeyChange>? Changed;

    /// <summary>Last read; <see cref="KeyState.Unknown"/> if never.</summary>
    public KeyState Of(KmsKeyName name) => _states.GetValueOrDefault(name);

    /// <summary>Whether it was tried to read it.</summary>
    public bool IsKnown(KmsKeyName name) => _states.ContainsKey(name);

    /// <summary>Versions by state, for gauges and the readiness detail.</summary>
    public IEnumerable<KeyValuePair<KmsKeyName, KeyState>> All => _states;

    /// <summary>Reads it anew.</summary>
    public async Task ReadAsync(KmsKeyName name, CancellationToken cancellation)
    {
        try
        {
            var now = await source.GetStateAsync(name, cancellation);
            metrics.CountState(null);
            Set(name, now);
        }
        catch (KeyServiceException exception)
        {
            metrics.CountState(exception.Failure);
            _states.TryAdd(name, KeyState.Unknown);
        }
    }

    /// <summary>Forgets the versions nobody uses any more.</summary>
    public void Retain(IReadOnlySet<KmsKeyName> names)
    {
        foreach (var name in _states.Keys.Where(name => !names.Contains(name)))
        {
            _states.TryRemove(name, out _);
        }
    }

    private void Set(KmsKeyName name, KeyState now)
    {
        var before = Of(name);
        if (now is KeyState.Unknown)
        {
            _states.TryAdd(name, now);
            return;
        }

        _states[name] = now;
        // The first reading is news only if it is bad.
        if (before != now && (before is not KeyState.Unknown || now is not KeyState.Enabled))
        {
            Changed?.Invoke(new KeyChange.State(name, before, now));
        }
    }
}
