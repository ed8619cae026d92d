namespace PolicyService.Cli.Outputs;

/// <summary>What is said beside the answer. Always whole lines: a message is one line, whatever it quotes.</summary>
internal static class StandardError
{
    public static void Line(string message) => Console.Error.WriteLine($"policyctl: {Printable.Line(message)}");
}
