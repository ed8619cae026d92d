namespace PolicyService.Server.Audits;

/// <summary>What becomes one line of the records.</summary>
public interface IAuditRecord
{
    /// <summary>On disk before it is answered, whatever the settings.</summary>
    bool MustBeDurable { get; }

    /// <summary>What it tells has happened, recorded or not: it is written however late, and not dropped with whoever waits for it.</summary>
    bool IsFact { get; }

    /// <summary>About how many characters it holds, for bounding what waits to be written.</summary>
    int Weight { get; }

    /// <summary>Writes the line without its end.</summary>
    void WriteTo(RecordBuffer line);
}
