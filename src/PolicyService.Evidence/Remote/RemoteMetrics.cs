namespace PolicyService.Evidence.Remote;

/// <summary>Where an answer about remote evidence came from.</summary>
public enum RemoteLevel
{
    /// <summary>This process.</summary>
    Memory,

    /// <summary>The cache of the fleet.</summary>
    Redis,

    /// <summary>The source.</summary>
    Source,
}

/// <summary>What became of a change to the archive.</summary>
public enum ArchiveOutcome
{
    /// <summary>Written.</summary>
    Written,

    /// <summary>Not written; it is tried again.</summary>
    Failed,

    /// <summary>There was no room for it to wait.</summary>
    Dropped,

    /// <summary>The archive spoke for a source that was down.</summary>
    Used,
}

/// <summary>Counts questions about remote evidence. All labels are closed sets.</summary>
public sealed class RemoteMetrics
{
    private readonly long[] _answers = new long[Enum.GetValues<RemoteLevel>().Length];
    private readonly long[,] _lists = new long[Enum.GetValues<RemoteSource>().Length, RemoteFailures.All.Count];
    private readonly long[] _archive = new long[Enum.GetValues<ArchiveOutcome>().Length];
    private long _retries;

    /// <summary>Calls that were repeated.</summary>
    public long Retries => Interlocked.Read(ref _retries);

    public void CountRetry() => Interlocked.Increment(ref _retries);

    public void Count(RemoteLevel level) => Interlocked.Increment(ref _answers[(int)level]);

    /// <summary>One list asked of a source.</summary>
    public void Count(RemoteSource source, RemoteFailure failure) => Interlocked.Increment(ref _lists[(int)source, (int)failure]);

    public void Count(ArchiveOutcome outcome) => Interlocked.Increment(ref _archive[(int)outcome]);

    public long Of(RemoteLevel level) => Interlocked.Read(ref _answers[(int)level]);

    public long Of(RemoteSource source, RemoteFailure failure) => Interlocked.Read(ref _lists[(int)source, (int)failure]);

    public long Of(ArchiveOutcome outcome) => Interlocked.Read(ref _archive[(int)outcome]);
}
