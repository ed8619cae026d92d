namespace PolicyService.Server.Audits;

/// <summary>What the writer takes at once.</summary>
internal sealed class RecordGroup
{
    private const int KeptBytes = 4 * 1024 * 1024;

    /// <summary>Lines for which nobody waits.</summary>
    public RecordBuffer Lines { get; set; } = new(KeptBytes);

    /// <summary>How many they are, and how long, before the entries are written behind them.</summary>
    public int PlainCount { get; set; }

    public int PlainBytes { get; set; }

    /// <summary>Records that somebody waits for, or that must be durable.</summary>
    public List<RecordEntry> Entries { get; } = [];

    public void Clear()
    {
        Lines.Clear();
        Entries.Clear();
        (PlainCount, PlainBytes) = (0, 0);
    }
}
