using Spectre.Console;

namespace PolicyService.Cli.Outputs;

/// <summary>How the console of people is set up.</summary>
internal static class Screen
{
    public static IAnsiConsole Open(TextWriter writer, bool decorated) => AnsiConsole.Create(new AnsiConsoleSettings
    {
        Out = new AnsiConsoleOutput(writer),
        Ansi = decorated ? AnsiSupport.Yes : AnsiSupport.No,
        ColorSystem = decorated ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
        Interactive = InteractionSupport.No,
        // Else a CI system's own variables switch the decoration on again.
        Enrichment = new ProfileEnrichment { UseDefaultEnrichers = false },
    });
}
