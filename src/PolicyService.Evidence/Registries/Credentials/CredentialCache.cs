using PolicyService.Core;

namespace PolicyService.Evidence.Registries.Credentials;

/// <summary>What was given, and until when it may be given again.</summary>
/// <param name="Credential">Null: there is none.</param>
/// <param name="Until">The end of its life here.</param>
internal sealed record CredentialLease(RegistryCredential? Credential, DateTimeOffset Until);

/// <summary>
/// Remembers credentials until they end. Whoever gives them is asked once at a time for each host, and at most once in
/// <see cref="Limits.RegistryCredentialPause"/>, however many callers were refused or failed meanwhile. Thread-safe.
/// </summary>
/// <param name="patience">The time for one question; callers may leave earlier, and it goes on for those who wait.</param>
/// <param name="time">The clock.</param>
internal sealed class CredentialCache(TimeSpan patience, TimeProvider time)
{
    private readonly Dictionary<string, Slot> _slots = new(StringComparer.Ordinal);

    /// <param name="key">What is asked for, and whom.</param>
    /// <param name="isRefused">What is remembered was refused.</param>
    /// <param name="fetch">Asks for it; its token ends with the patience.</param>
    /// <param name="cancellation">The end of this caller's own patience.</param>
    /// <exception cref="Http.CredentialsException">It cannot be had.</exception>
    public async ValueTask<RegistryCredential?> GetAsync(string key, bool isRefused, Func<CancellationToken, Task<CredentialLease>> fetch, CancellationToken cancellation)
    {
        Task<CredentialLease> flight;
        lock (_slots)
        {
            if (!_slots.TryGetValue(key, out var slot) || !IsGood(slot, isRefused))
            {
                // Hosts come from the registries of the projects: hardly ever so many.
                if (_slots.Count >= Limits.RegistryCredentials)
                {
                    _slots.Clear();
                }

                _slots[key] = slot = new Slot(Task.Run(() => FlyAsync(fetch), CancellationToken.None), time.GetUtcNow());
            }

            flight = slot.Flight;
        }

        return (await flight.WaitAsync(cancellation)).Credential;
    }

    private bool IsGood(Slot slot, bool isRefused)
    {
        var now = time.GetUtcNow();
        var isYoung = now - slot.Began < Limits.RegistryCredentialPause;
        return !slot.Flight.IsCompleted || isYoung || (slot.Flight.IsCompletedSuccessfully && !isRefused && now < slot.Flight.Result.Until);
    }

    private async Task<CredentialLease> FlyAsync(Func<CancellationToken, Task<CredentialLease>> fetch)
    {
        using var timer = new CancellationTokenSource(patience, time);
        try
        {
            return await fetch(timer.Token).WaitAsync(timer.Token);
        }
        catch (OperationCanceledException)
        {
            throw new Http.CredentialsException(Http.CallFailure.CredentialsUnreachable);
        }
    }

    private sealed record Slot(Task<CredentialLease> Flight, DateTimeOffset Began);
}
