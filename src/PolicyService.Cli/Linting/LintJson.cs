using PolicyService.Cli.Outputs;
using PolicyService.Core.Linting;

namespace PolicyService.Cli.Linting;

/// <summary>Findings for programs: an array, empty where there is nothing to say.</summary>
internal static class LintJson
{
    public static void Write(Stream output, IReadOnlyList<LintFinding> findings) => Json.Write(output, writer =>
    {
        writer.WriteStartArray();
        foreach (var finding in findings)
        {
            writer.WriteStartObject();
            writer.WriteString("code", finding.Rule.Code);
            writer.WriteString("severity", LintText.LevelOf(finding));
            writer.WriteString("file", finding.File);
            writer.WriteNumber("line", finding.Mark.Line);
            writer.WriteNumber("column", finding.Mark.Column);
            writer.WriteString("message", finding.Message);
            writer.WriteString("remedy", finding.Remedy);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    });
}
