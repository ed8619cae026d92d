namespace PolicyService.Evidence.Tests.Documents;

/// <summary>A clock that stands still until it is set, and that can do something at the moment it is asked.</summary>
internal sealed class TestClock : TimeProvider
{
    public DateTimeOffset Now { get; set; } = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);

    /// <summary>How often a reading has asked: once for every file it reads, just before it reads it.</summary>
    public int Asked { get; private set; }

    /// <summary>Told the number of the question; what it does happens between a reading's scan and the reading of a file.</summary>
    public Action<int> OnAsked { get; set; } = _ => { };

    public override DateTimeOffset GetUtcNow()
    {
        OnAsked(++Asked);
        return Now;
    }
}
