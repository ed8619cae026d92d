using System.Globalization;
using PolicyService.Cli.Outputs;

namespace PolicyService.Cli.Doctor;

/// <summary>Findings for people, and for programs. Names of a cluster are anybody's: each is one printable line.</summary>
internal static class DoctorOutput
{
    public static void WriteText(TextWriter output, IReadOnlyList<Finding> findings)
    {
        foreach (var finding in findings)
        {
            output.WriteLine(Printable.Line($"{NameOf(finding.Severity)} {finding.Code} {finding.Where}"));
            output.WriteLine(Printable.Line($"    {finding.What}"));
            output.WriteLine(Printable.Line($"    remedy: {finding.Remedy}"));
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Count(findings, FindingSeverity.Error)} errors, {Count(findings, FindingSeverity.Warning)} warnings, {Count(findings, FindingSeverity.Note)} notes"));
    }

    public static void WriteJson(Stream output, IReadOnlyList<Finding> findings) => Json.Write(output, writer =>
    {
        writer.WriteStartObject();
        writer.WriteStartArray("findings");
        foreach (var finding in findings)
        {
            writer.WriteStartObject();
            writer.WriteString("severity", NameOf(finding.Severity));
            writer.WriteString("code", finding.Code);
            writer.WriteString("where", finding.Where);
            writer.WriteString("what", finding.What);
            writer.WriteString("remedy", finding.Remedy);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteNumber("errors", Count(findings, FindingSeverity.Error));
        writer.WriteNumber("warnings", Count(findings, FindingSeverity.Warning));
        writer.WriteEndObject();
    });

    private static int Count(IReadOnlyList<Finding> findings, FindingSeverity severity) => findings.Count(finding => finding.Severity == severity);

    private static string NameOf(FindingSeverity severity) => severity switch
    {
        FindingSeverity.Warning => "WARNING",
        FindingSeverity.Note => "NOTE",
        _ => "ERROR",
    };
}
