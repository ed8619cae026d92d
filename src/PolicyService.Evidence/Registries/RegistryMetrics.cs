using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Registries;

/// <summary>Counts what registries are asked and what comes of it. All labels are closed sets: no registry, image or caller makes a new series.</summary>
public sealed class RegistryMetrics
{
    public const string NotThere = "NOT_THERE";

    public const string TooLarge = "TOO_LARGE";

    private readonly long[] _answers = new long[RemoteFailures.All.Count];
    private readonly long[] _tokens = new long[RemoteFailures.All.Count];
    private long _notThere;
    private long _tooLarge;
    private long _retries;

    /// <summary>Requests that were repeated.</summary>
    public long Retries => Interlocked.Read(ref _retries);

    public void CountRetry() => Interlocked.Increment(ref _retries);

    /// <summary>One question to one host, however many requests it took.</summary>
    public void Count(RegistryOutcome outcome)
    {
        ref var count = ref _answers[(int)outcome.Failure];
        if (outcome.IsNotThere)
        {
            count = ref _notThere;
        }
        else if (outcome.IsTooLarge)
        {
            count = ref _tooLarge;
        }

        Interlocked.Increment(ref count);
    }

    /// <summary>One request for a token.</summary>
    public void CountToken(RemoteFailure failure) => Interlocked.Increment(ref _tokens[(int)failure]);

    /// <summary>Every outcome of questions with its count, those at zero included.</summary>
    public IEnumerable<(string Outcome, long Count)> Read() =>
        Named(_answers).Append((NotThere, Interlocked.Read(ref _notThere))).Append((TooLarge, Interlocked.Read(ref _tooLarge)));

    /// <summary>The same for tokens.</summary>
    public IEnumerable<(string Outcome, long Count)> ReadTokens() => Named(_tokens);

    private static IEnumerable<(string Outcome, long Count)> Named(long[] counts) =>
        RemoteFailures.All.Select(failure => (RemoteFailures.Name(failure), Interlocked.Read(ref counts[(int)failure])));
}
