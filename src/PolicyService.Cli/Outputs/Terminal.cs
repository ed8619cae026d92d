using Spectre.Console;

namespace PolicyService.Cli.Outputs;

/// <summary>What a run of policyctl reads from and writes to: the pipes of the process, or those a test gives.</summary>
/// <param name="Input">Stdin.</param>
/// <param name="Output">Stdout for bytes: what programs read has one encoding, whatever the locale says.</param>
/// <param name="Text">Stdout for people.</param>
/// <param name="Error">What is said beside the answer.</param>
/// <param name="IsPiped">Nobody looks at stdout.</param>
internal sealed record Terminal(Stream Input, Stream Output, TextWriter Text, TextWriter Error, bool IsPiped)
{
    /// <summary>Width of tables where there is no terminal to ask.</summary>
    private const int PipedWidth = 120;

    public static Terminal OfProcess() =>
        new(Console.OpenStandardInput(), Console.OpenStandardOutput(), Console.Out, Console.Error, Console.IsOutputRedirected);

    /// <summary>One whole line on stderr, whatever it quotes.</summary>
    public void Say(string message) => Error.WriteLine($"policyctl: {Printable.Line(message)}");

    /// <summary>Stdout for people. Colour only on a terminal that shows it: never in a pipe, never against <c>NO_COLOR</c>.</summary>
    public IAnsiConsole Screen()
    {
        var decorated = !IsPiped
            && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
            && Environment.GetEnvironmentVariable("TERM") is not "dumb";
        var console = Outputs.Screen.Open(Text, decorated);
        if (IsPiped)
        {
            console.Profile.Width = PipedWidth;
        }

        return console;
    }
}
