using System.Text.Json;

namespace PolicyService.Server.Audits;

/// <summary>What a cluster's adapter says happened there, as records keep it (docs/kubernetes.md).</summary>
/// <param name="Id">Chosen by the reporter; one that was reported twice stands in the records twice.</param>
/// <param name="Time">When, by the reporter's clock.</param>
/// <param name="Finding">What: <c>BREAK_GLASS</c>, <c>FAILED_OPEN</c>, <c>POSTURE</c> or <c>REFUSED</c>.</param>
/// <param name="Cluster">Where.</param>
/// <param name="Project">The cluster's project; empty: there is none.</param>
/// <param name="Details">Further texts of the reporter by their name in the record; empty ones are left out.</param>
/// <param name="Granted">The reporter may honour break-glass.</param>
/// <param name="Caller">The reporter.</param>
/// <param name="ReportedAt">When it was reported, by our clock.</param>
public sealed record FindingRecord(
    string Id, DateTimeOffset Time, string Finding, string Cluster, string Project, IReadOnlyList<(string Name, string Value)> Details, bool Granted, string Caller, DateTimeOffset ReportedAt)
    : IAuditRecord
{
    /// <summary>The value of <c>kind</c>.</summary>
    public const string Kind = "FINDING";

    public bool MustBeDurable => true;

    /// <summary>It has happened, whoever waits for the record.</summary>
    public bool IsFact => true;

    public int Weight { get; } = 512 + Details.Sum(detail => detail.Value.Length);

    public void WriteTo(RecordBuffer line)
    {
        using var json = new Utf8JsonWriter(line, new JsonWriterOptions { SkipValidation = true });
        json.WriteStartObject();
        json.WriteString("time", Time.UtcDateTime);
        json.WriteString("kind", Kind);
        json.WriteString("findingId", Id);
        json.WriteString("finding", Finding);
        json.WriteString("cluster", Cluster);
        foreach (var (name, value) in (ReadOnlySpan<(string, string)>)[("project", Project), .. Details])
        {
            if (value.Length > 0)
            {
                json.WriteString(name, value);
            }
        }

        if (!Granted)
        {
            json.WriteBoolean("granted", false);
        }

        json.WriteString("caller", Caller);
        json.WriteString("reportedAt", ReportedAt.UtcDateTime);
        json.WriteEndObject();
    }
}
