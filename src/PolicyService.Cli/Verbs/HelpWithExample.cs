using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace PolicyService.Cli.Verbs;

/// <summary>The generated help, then an example to copy.</summary>
internal sealed class HelpWithExample(HelpAction help) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        help.Invoke(parseResult);
        var output = parseResult.InvocationConfiguration.Output;
        var verb = parseResult.CommandResult.Command as Verb;
        if (verb?.ExitCodes is { } codes)
        {
            output.WriteLine($"Exit code:\n  {codes.ReplaceLineEndings("\n  ")}\n");
        }

        output.WriteLine($"Example:\n  {(verb?.Example ?? "policyctl demo").ReplaceLineEndings("\n  ")}\n");
        return Cli.ExitCodes.Admitted;
    }
}

/// <summary>A command with an example for its help.</summary>
internal sealed class Verb(string name, string description, string example) : Command(name, description)
{
    public string Example => example;

    /// <summary>What the exit codes mean where they mean more than success and wrong usage.</summary>
    public string? ExitCodes { get; init; }
}
