using System.Globalization;
using PolicyService.Api.V1;
using PolicyService.Cli.Evaluations;
using PolicyService.Cli.Outputs;
using Spectre.Console;

namespace PolicyService.Cli.Demo;

/// <summary>What the demo shows: a table where there is room for one, else one block per answer.</summary>
internal static class DemoReport
{
    /// <summary>Width of the table; where there is less, it would break words.</summary>
    private const int TableWidth = 80;

    public static void WriteStart(IAnsiConsole screen, Uri server)
    {
        Line(screen, $"A PolicyService listens on {server.GetLeftPart(UriPartial.Authority)}.");
        Line(screen, $"Its policy requires an attestation by {DemoDocuments.Attestor}:");
        Line(screen, $"{DemoDocuments.Prod} blocks without one, {DemoDocuments.Staging} only records.");
        Line(screen, "");
    }

    public static void WriteTable(IAnsiConsole screen, IReadOnlyList<DemoOutcome> outcomes)
    {
        if (screen.Profile.Width < TableWidth)
        {
            WriteBlocks(screen, outcomes);
            return;
        }

        var table = new Table { Border = TableBorder.Rounded, ShowRowSeparators = true };
        foreach (var header in new[] { "Verdict", "Image", "Cluster", "Because" })
        {
            table.AddColumn(new TableColumn(header) { NoWrap = true });
        }

        foreach (var outcome in outcomes)
        {
            table.AddRow(
                Verdict(outcome),
                new Text($"{outcome.Question.Image.Short}\n{outcome.Question.Title}"),
                new Text(outcome.Question.Cluster),
                new Text(string.Join('\n', Because(outcome))));
        }

        screen.Write(table);
        Line(screen, "");
    }

    public static void WriteRemedy(IAnsiConsole screen, DemoOutcome denial)
    {
        Line(screen, $"What would admit {denial.Question.Image.Short} on {denial.Question.Cluster}:");
        Line(screen, "");
        foreach (var remedy in denial.Response.Reasons.Select(reason => reason.Remedy).Where(remedy => remedy.Length > 0))
        {
            TextOutput.WriteBlock(screen, remedy, "    ");
        }

        Line(screen, "");
    }

    public static void WriteRecord(IAnsiConsole screen, string record)
    {
        Line(screen, "The record of that denial in the audit file:");
        Line(screen, "");
        TextOutput.WriteBlock(screen, record, "    ");
        Line(screen, "");
    }

    public static void WriteEnd(IAnsiConsole screen, int count) =>
        Line(screen, string.Create(CultureInfo.InvariantCulture, $"All {count} answers are the expected ones."));

    private static void WriteBlocks(IAnsiConsole screen, IReadOnlyList<DemoOutcome> outcomes)
    {
        foreach (var outcome in outcomes)
        {
            screen.Write(Verdict(outcome));
            Line(screen, $"  {outcome.Question.Image.Short}");
            Line(screen, $"  {outcome.Question.Title}");
            Line(screen, $"  on {outcome.Question.Cluster}");
            foreach (var line in Because(outcome))
            {
                Line(screen, $"  {line}");
            }

            Line(screen, "");
        }
    }

    private static Text Verdict(DemoOutcome outcome) =>
        new(WireNames.Of(outcome.Response.Verdict), TextOutput.StyleOf(outcome.Response.Verdict));

    /// <summary>Code and detail of the first reason; under break-glass what was overridden.</summary>
    private static IEnumerable<string> Because(DemoOutcome outcome)
    {
        var reason = outcome.Response.Reasons.FirstOrDefault();
        var detail = outcome.Response.BreakGlass ? $"overrides {WireNames.Of(outcome.Response.OverriddenVerdict)}" : reason?.Detail ?? "";
        return detail.Length == 0 ? [CodeOf(reason)] : [CodeOf(reason), Printable.Line(detail)];
    }

    private static string CodeOf(Reason? reason) => WireNames.Of(reason?.Code ?? ReasonCode.Unspecified);

    /// <summary>Past the console's own wrapping: these lines are short, or meant for pasting.</summary>
    private static void Line(IAnsiConsole screen, string text) => screen.Profile.Out.Writer.WriteLine(text);
}
