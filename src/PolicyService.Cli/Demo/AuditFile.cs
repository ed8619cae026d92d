namespace PolicyService.Cli.Demo;

/// <summary>The decision records of the demo's server: one JSON line each.</summary>
internal static class AuditFile
{
    private const string Violation = "VIOLATES_POLICY";

    /// <summary>The record of a violation.</summary>
    public static string RecordOf(string path, string decisionId)
    {
        if (decisionId.Length == 0)
        {
            throw new DemoException("the denial has no decision id, so no record can be found for it");
        }

        return File.Exists(path) && File.ReadLines(path).FirstOrDefault(line => IsRecord(line, decisionId)) is { } record
            ? record
            : throw new DemoException($"the audit file holds no {Violation} record of the denial {decisionId}");
    }

    private static bool IsRecord(string line, string decisionId) =>
        line.Contains(decisionId, StringComparison.Ordinal) && line.Contains(Violation, StringComparison.Ordinal);
}
