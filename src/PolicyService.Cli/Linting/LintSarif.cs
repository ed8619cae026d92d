using System.Text.Json;
using PolicyService.Cli.Outputs;
using PolicyService.Cli.Verbs;
using PolicyService.Core.Linting;

namespace PolicyService.Cli.Linting;

/// <summary>Findings as SARIF 2.1.0, which code scanning services take.</summary>
internal static class LintSarif
{
    private const string Schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

    public static void Write(Stream output, IReadOnlyList<LintFinding> findings) => Json.Write(output, writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("$schema", Schema);
        writer.WriteString("version", "2.1.0");
        writer.WriteStartArray("runs");
        writer.WriteStartObject();
        WriteTool(writer);
        // What counts columns in our marks: .NET strings.
        writer.WriteString("columnKind", "utf16CodeUnits");
        writer.WriteStartArray("results");
        foreach (var finding in findings)
        {
            WriteResult(writer, finding);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteEndArray();
        writer.WriteEndObject();
    });

    private static void WriteTool(Utf8JsonWriter writer)
    {
        writer.WriteStartObject("tool");
        writer.WriteStartObject("driver");
        writer.WriteString("name", "policyctl");
        writer.WriteString("version", VersionVerb.Version);
        writer.WriteStartArray("rules");
        foreach (var rule in LintRule.All)
        {
            writer.WriteStartObject();
            writer.WriteString("id", rule.Code);
            WriteText(writer, "shortDescription", rule.Summary);
            writer.WriteStartObject("defaultConfiguration");
            writer.WriteString("level", LintText.LevelOf(rule.Severity));
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteResult(Utf8JsonWriter writer, LintFinding finding)
    {
        writer.WriteStartObject();
        writer.WriteString("ruleId", finding.Rule.Code);
        writer.WriteNumber("ruleIndex", LintRule.All.Index().First(rule => rule.Item == finding.Rule).Index);
        writer.WriteString("level", LintText.LevelOf(finding));
        WriteText(writer, "message", $"{finding.Message}; {finding.Remedy}");
        writer.WriteStartArray("locations");
        writer.WriteStartObject();
        writer.WriteStartObject("physicalLocation");
        writer.WriteStartObject("artifactLocation");
        writer.WriteString("uri", UriOf(finding.File));
        writer.WriteEndObject();
        writer.WriteStartObject("region");
        writer.WriteNumber("startLine", finding.Mark.Line);
        writer.WriteNumber("startColumn", finding.Mark.Column);
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteText(Utf8JsonWriter writer, string name, string text)
    {
        writer.WriteStartObject(name);
        writer.WriteString("text", text);
        writer.WriteEndObject();
    }

    /// <summary>A relative path stays relative: code scanning resolves it against the repository.</summary>
    private static string UriOf(string file)
    {
        var path = string.Join('/', file.Split('/').Where(part => part is not ".").Select(Uri.EscapeDataString));
        return Path.IsPathRooted(file) ? $"file://{path}" : path;
    }
}
