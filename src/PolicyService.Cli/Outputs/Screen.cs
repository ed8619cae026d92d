using Spectre.Console;

namespace PolicyService.Cli.Outputs;

/// <summary>Stdout for people. Colour only on a terminal that shows it: never in a pipe, never against <c>NO_COLOR</c>.</summary>
internal static class Screen
{
    /// <summary>Width of tables where there is no terminal to ask.</summary>
    private const int PipedWidth = 120;

    public static IAnsiConsole Open()
    {
        var decorated = !Console.IsOutputRedirected
            && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
            && Environment.GetEnvironmentVariable("TERM") is not "dumb";
        var console = Open(Console.Out, decorated);
        if (Console.IsOutputRedirected)
        {
            console.Profile.Width = PipedWidth;
        }

        return console;
    }

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
