using System.CommandLine;
using System.CommandLine.Help;
using PolicyService.Cli.Outputs;

namespace PolicyService.Cli.Verbs;

/// <summary>Parses the command line and runs one verb. Whatever goes wrong is one line on stderr, never a stack trace.</summary>
internal static class VerbRunner
{
    /// <summary>Time a verb has after Ctrl+C or SIGTERM to put away what it made; the demo has a server to end.</summary>
    private static readonly TimeSpan TerminationTimeout = TimeSpan.FromSeconds(30);

    public static async Task<int> RunAsync(string[] args)
    {
        // An argument is an image, never a file of arguments: `@name` means nothing here.
        var parsed = Root().Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0 && parsed.Action is not HelpWithExample)
        {
            return Refuse(parsed);
        }

        try
        {
            return await parsed.InvokeAsync(
                new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TerminationTimeout });
        }
        catch (OperationCanceledException)
        {
            StandardError.Line("interrupted");
            return ExitCodes.NoDecision;
        }
        catch (Exception defect)
        {
            // Uncaught it would end the process with a code that pipelines read as something else.
            StandardError.Line($"internal error, please report it: {defect.GetType().Name}: {defect.Message}");
            return ExitCodes.NoDecision;
        }
    }

    private static RootCommand Root()
    {
        var root = new RootCommand("Asks a PolicyService whether container images may run, and prepares what it asks for.");
        root.Add(EvaluateVerb.Create());
        root.Add(PayloadVerb.Create());
        root.Add(DemoVerb.Create());
        root.Add(VersionVerb.Create());
        foreach (var help in root.Options.OfType<HelpOption>())
        {
            help.Action = new HelpWithExample((HelpAction)help.Action!);
        }

        return root;
    }

    private static int Refuse(ParseResult parsed)
    {
        foreach (var error in parsed.Errors.Select(error => error.Message).Distinct())
        {
            StandardError.Line(error);
        }

        var verb = parsed.CommandResult.Command is RootCommand ? "" : $" {parsed.CommandResult.Command.Name}";
        StandardError.Line($"see `policyctl{verb} --help`");
        return ExitCodes.Usage;
    }
}
