using PolicyService.Api.V1;
using PolicyService.Cli.Outputs;
using Spectre.Console;

namespace PolicyService.Cli.Evaluations;

/// <summary>Decisions for people. Lines are never wrapped or decorated, so that a remedy can be copied into a shell.</summary>
internal static class TextOutput
{
    public static void Write(IAnsiConsole console, IReadOnlyList<Answer> answers)
    {
        // What got no decision was said on stderr.
        foreach (var answer in answers.Where(answer => answer.Problem is null))
        {
            WriteDecision(console, answer);
        }
    }

    /// <summary>A remedy as a block to paste.</summary>
    public static void WriteBlock(IAnsiConsole console, string text, string indent)
    {
        foreach (var line in Printable.Lines(text))
        {
            console.Profile.Out.Writer.WriteLine(indent + line);
        }
    }

    public static Style StyleOf(Verdict verdict) => verdict switch
    {
        Verdict.Allow => new Style(Color.Green, decoration: Decoration.Bold),
        Verdict.Dryrun => new Style(Color.Yellow, decoration: Decoration.Bold),
        _ => new Style(Color.Red, decoration: Decoration.Bold),
    };

    private static void WriteDecision(IAnsiConsole console, Answer answer)
    {
        var response = answer.Response;
        var lines = console.Profile.Out.Writer;
        console.Write(new Text(WireNames.Of(response.Verdict), StyleOf(response.Verdict)));
        lines.WriteLine($"  {Printable.Line(response.ImageDigest)}  on {Printable.Line(response.Cluster)}");
        if (answer.Manifest is { } manifest)
        {
            lines.WriteLine(Printable.Line($"  for {manifest}"));
        }

        lines.WriteLine($"  {WireNames.Of(response.Conformance)}{Remarks(response)}");
        foreach (var reason in response.Reasons)
        {
            WriteReason(console, reason);
        }

        foreach (var step in response.Trace)
        {
            var text = step.Text.Length == 0 ? "" : $" ({step.Text})";
            lines.WriteLine(Printable.Line($"  step {step.Step_}: {step.Outcome}{text}"));
        }
    }

    private static string Remarks(EvaluateResponse response)
    {
        var remarks = new List<string>();
        if (response.BreakGlass)
        {
            remarks.Add($"break-glass overrode {WireNames.Of(response.OverriddenVerdict)}");
        }

        if (response.FailMode is not FailMode.Unspecified)
        {
            remarks.Add($"fail mode {WireNames.Of(response.FailMode)}");
        }

        if (response.Stale)
        {
            remarks.Add("decided by stale documents");
        }

        if (response.PolicyEtag.Length > 0)
        {
            remarks.Add($"policy {response.PolicyEtag}");
        }

        if (response.DecisionId.Length > 0)
        {
            remarks.Add($"decision {response.DecisionId}");
        }

        return Printable.Line(string.Concat(remarks.Select(remark => $", {remark}")));
    }

    private static void WriteReason(IAnsiConsole console, Reason reason)
    {
        // A reason without a code is our own: its detail says enough.
        var code = reason.Code is ReasonCode.Unspecified ? reason.Detail : $"{WireNames.Of(reason.Code)} {reason.Detail}".TrimEnd();
        console.Profile.Out.Writer.WriteLine(Printable.Line($"  {code}: {reason.Text}"));
        if (reason.Remedy.Length > 0)
        {
            console.Profile.Out.Writer.WriteLine("  to satisfy it:");
            WriteBlock(console, reason.Remedy, "    ");
        }
    }
}
