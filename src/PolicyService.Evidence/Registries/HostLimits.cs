using PolicyService.Evidence.Http;
using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Registries;

/// <summary>What those share who ask one host with the same credentials: how often they ask again, and whether it wants to be left alone.</summary>
/// <param name="places">How many ask at once, whatever their credentials.</param>
/// <param name="time">The clock.</param>
internal sealed class HostLimits(SemaphoreSlim places, TimeProvider time)
{
    /// <summary>How long a host that asks to be left alone is, at most: so long an error may answer for it.</summary>
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(10);

    private Resting? _rest;

    public SemaphoreSlim Places => places;

    public RetryBudget Retries { get; } = new();

    /// <summary>Why the host is left alone now; none: it is not.</summary>
    public RemoteFailure Rest => Volatile.Read(ref _rest) is { } rest && time.GetElapsedTime(rest.Since) < rest.Length ? rest.Failure : RemoteFailure.None;

    /// <summary>The host asked to be left alone. What it answers meanwhile to those who had asked before does not end that.</summary>
    public void Leave(RemoteFailure failure, TimeSpan length) =>
        Volatile.Write(ref _rest, new Resting(failure, time.GetTimestamp(), length < LongestRest ? length : LongestRest));

    private sealed record Resting(RemoteFailure Failure, long Since, TimeSpan Length);
}
