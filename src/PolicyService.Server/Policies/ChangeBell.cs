namespace PolicyService.Server.Policies;

/// <summary>
/// Tells the other replicas that there is something to look at (SEMANTICS section 5). It only shortens their waiting: each finds the
/// change by itself within 500 ms if it hears nothing.
/// </summary>
public interface IChangeBell
{
    /// <summary>Never waits and never fails.</summary>
    void Ring();
}

/// <summary>The bell of a service that has nobody to tell.</summary>
public sealed class NoChangeBell : IChangeBell
{
    public void Ring()
    {
    }
}

/// <summary>What became of a message on the bell's channel.</summary>
public enum BellOutcome
{
    /// <summary>Not of this fleet, or no message at all.</summary>
    Forged,

    /// <summary>Rung by this replica.</summary>
    Rung,

    /// <summary>Heard from another, and answered with a look at the documents.</summary>
    Heard,

    /// <summary>Of this fleet, and rung long ago.</summary>
    Old,
}

/// <summary>Counts messages on the bell's channel.</summary>
public sealed class BellCounters
{
    private readonly long[] _counts = new long[Enum.GetValues<BellOutcome>().Length];

    public void Count(BellOutcome outcome) => Interlocked.Increment(ref _counts[(int)outcome]);

    public long Of(BellOutcome outcome) => Interlocked.Read(ref _counts[(int)outcome]);
}
