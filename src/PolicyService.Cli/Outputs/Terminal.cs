using System.Text;
using PolicyService.Evidence.Registries;
using Spectre.Console;

namespace PolicyService.Cli.Outputs;

/// <summary>What a run of policyctl reads from and writes to, and how long it waits: the pipes of the process, or those a test gives.</summary>
/// <param name="Input">Stdin.</param>
/// <param name="Output">Stdout for bytes: what programs read has one encoding, whatever the locale says.</param>
/// <param name="Text">Stdout for people.</param>
/// <param name="Error">What is said beside the answer.</param>
/// <param name="IsPiped">Nobody looks at stdout.</param>
internal sealed record Terminal(Stream Input, Stream Output, TextWriter Text, TextWriter Error, bool IsPiped)
{
    /// <summary>Width of tables where there is no terminal to ask.</summary>
    private const int PipedWidth = 120;

    /// <summary>Time for one attempt at one question to a registry.</summary>
    public TimeSpan RegistryAttempt { get; init; } = new RegistrySettings().Attempt;

    public static Terminal OfProcess()
    {
        var output = new PipeStream(Console.OpenStandardOutput(), mayFail: false);
        // What draws asks whether it draws on the console's own writer, and whatever else writes to the console goes the same way.
        Console.SetOut(Writer(output, Console.OutputEncoding));
        Console.SetError(Writer(new PipeStream(Console.OpenStandardError(), mayFail: true), Console.OutputEncoding));
        return new Terminal(Console.OpenStandardInput(), output, Console.Out, Console.Error, Console.IsOutputRedirected);
    }

    /// <summary>One whole line on stderr, whatever it quotes.</summary>
    public void Say(string message) => Error.WriteLine($"policyctl: {Printable.Line(message)}");

    /// <summary>As the console's own: each text at once, and no mark at the beginning.</summary>
    private static StreamWriter Writer(Stream stream, Encoding encoding) =>
        new(stream, encoding is UTF8Encoding ? new UTF8Encoding(encoderShouldEmitUTF8Identifier: false) : encoding) { AutoFlush = true };

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
