using PolicyService.Cli.Outputs;
using PolicyService.Core.Attestors;
using PolicyService.Core.Images;

namespace PolicyService.Cli.Pins;

/// <summary>What became of one key in one file of options.</summary>
internal enum PinOutcome
{
    Pinned,
    Unchanged,
    Replaced,

    /// <summary>Another pin is there, and it was not asked to replace it.</summary>
    Refused,
}

/// <summary>One line of the answer.</summary>
internal sealed record PinReport(KmsKeyName Key, SignatureAlgorithm Algorithm, Digest Sha256, string File, Digest? Present, PinOutcome Outcome);

/// <summary>The answer for people and for programs.</summary>
internal static class PinReports
{
    public static void WriteText(Terminal terminal, IReadOnlyList<PinReport> reports)
    {
        foreach (var report in reports)
        {
            terminal.Text.WriteLine(report.Key);
            terminal.Text.WriteLine($"  signs with  {SignatureAlgorithms.Name(report.Algorithm)}");
            terminal.Text.WriteLine($"  SHA-256     {report.Sha256}");
            terminal.Text.WriteLine($"  {Printable.Line(report.File)}: {Words(report)}");
        }
    }

    public static void WriteJson(Stream output, IReadOnlyList<PinReport> reports) => Json.Write(output, writer =>
    {
        writer.WriteStartArray();
        foreach (var report in reports)
        {
            writer.WriteStartObject();
            writer.WriteString("key", report.Key.ToString());
            writer.WriteString("algorithm", SignatureAlgorithms.Name(report.Algorithm));
            writer.WriteString("sha256", report.Sha256.ToString());
            writer.WriteString("file", report.File);
            writer.WriteString("outcome", Name(report.Outcome));
            if (report.Present is { } present)
            {
                writer.WriteString("present", present.ToString());
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    });

    private static string Words(PinReport report) => report.Outcome switch
    {
        PinOutcome.Pinned => "pinned",
        PinOutcome.Unchanged => "already pinned",
        PinOutcome.Replaced => $"pinned instead of {report.Present}",
        _ => $"another key is pinned, {report.Present}; find out why it changed, and if the new one is right use --replace",
    };

    private static string Name(PinOutcome outcome) => outcome switch
    {
        PinOutcome.Pinned => "PINNED",
        PinOutcome.Unchanged => "UNCHANGED",
        PinOutcome.Replaced => "REPLACED",
        _ => "REFUSED",
    };
}
