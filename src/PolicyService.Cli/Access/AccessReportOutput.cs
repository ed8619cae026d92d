using System.Globalization;
using PolicyService.Cli.Outputs;
using PolicyService.Core.Access;

namespace PolicyService.Cli.Access;

/// <summary>The report for people, and for programs.</summary>
internal static class AccessReportOutput
{
    /// <summary>The words for a kind; in JSON too.</summary>
    public static string NameOf(SeparationKind kind) => kind switch
    {
        SeparationKind.ChangesAndSigns => "CHANGES_AND_SIGNS",
        SeparationKind.Wide => "WIDE",
        SeparationKind.GrantsNothing => "GRANTS_NOTHING",
        SeparationKind.Redundant => "REDUNDANT",
        _ => "UNUSED",
    };

    public static void WriteText(TextWriter output, IReadOnlyList<SeparationFinding> findings, IReadOnlyList<string> groups)
    {
        foreach (var group in findings.GroupBy(finding => finding.Kind))
        {
            output.WriteLine(HeadingOf(group.Key));
            foreach (var finding in group)
            {
                output.WriteLine(Printable.Line($"  {finding.Member} {finding.Text}"));
                foreach (var grant in finding.Grants)
                {
                    output.WriteLine(Printable.Line($"      {grant}"));
                }

                output.WriteLine(Printable.Line($"      {finding.Remedy}"));
            }

            output.WriteLine();
        }

        if (groups.Count > 0)
        {
            output.WriteLine(Printable.Line($"Groups are not expanded, only their issuer knows who is in them: {string.Join(", ", groups)}"));
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{findings.Count} finding{(findings.Count == 1 ? "" : "s")}"));
    }

    public static void WriteJson(Stream output, IReadOnlyList<SeparationFinding> findings, IReadOnlyList<string> groups) => Json.Write(output, writer =>
    {
        writer.WriteStartObject();
        writer.WriteStartArray("findings");
        foreach (var finding in findings)
        {
            writer.WriteStartObject();
            writer.WriteString("kind", NameOf(finding.Kind));
            writer.WriteString("member", finding.Member);
            if (finding.Project.Length > 0)
            {
                writer.WriteString("project", finding.Project);
            }

            writer.WriteString("text", finding.Text);
            writer.WriteString("remedy", finding.Remedy);
            writer.WriteStartArray("grants");
            foreach (var grant in finding.Grants)
            {
                writer.WriteStringValue(grant);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("groupsNotExpanded");
        foreach (var group in groups)
        {
            writer.WriteStringValue(group);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    });

    private static string HeadingOf(SeparationKind kind) => kind switch
    {
        SeparationKind.ChangesAndSigns => "Can both change what is required and sign:",
        SeparationKind.Wide => "Wide grants:",
        SeparationKind.GrantsNothing => "Grants that grant nothing:",
        SeparationKind.Redundant => "Redundant grants:",
        _ => "Not used in the records given:",
    };
}
