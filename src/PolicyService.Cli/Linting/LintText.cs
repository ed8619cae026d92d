using System.Globalization;
using PolicyService.Cli.Outputs;
using PolicyService.Core.Documents;
using PolicyService.Core.Linting;
using Spectre.Console;

namespace PolicyService.Cli.Linting;

/// <summary>Findings for people and editors: <c>file:line:column</c> first, never wrapped.</summary>
internal static class LintText
{
    private static readonly Style Error = new(Color.Red, decoration: Decoration.Bold);
    private static readonly Style Warning = new(Color.Yellow, decoration: Decoration.Bold);

    public static void Write(IAnsiConsole console, IReadOnlyList<LintFinding> findings, int files)
    {
        var lines = console.Profile.Out.Writer;
        foreach (var group in findings.GroupBy(finding => finding.File, StringComparer.Ordinal))
        {
            foreach (var finding in group)
            {
                lines.Write(Printable.Line(string.Create(CultureInfo.InvariantCulture, $"{finding.File}:{finding.Mark.Line}:{finding.Mark.Column}: ")));
                console.Write(new Text(LevelOf(finding), finding.Severity is ProblemSeverity.Error ? Error : Warning));
                lines.WriteLine(Printable.Line($" {finding.Rule.Code}: {finding.Message}"));
                lines.WriteLine(Printable.Line($"    {finding.Remedy}"));
            }

            lines.WriteLine();
        }

        var errors = findings.Count(finding => finding.Severity is ProblemSeverity.Error);
        lines.WriteLine($"{Count(files, "file")}: {Count(errors, "error")}, {Count(findings.Count - errors, "warning")}");
    }

    public static string LevelOf(LintFinding finding) => LevelOf(finding.Severity);

    /// <summary>The words of SARIF, which are ours too.</summary>
    public static string LevelOf(ProblemSeverity severity) => severity is ProblemSeverity.Warning ? "warning" : "error";

    private static string Count(int number, string thing) => string.Create(CultureInfo.InvariantCulture, $"{number} {thing}{(number == 1 ? "" : "s")}");
}
