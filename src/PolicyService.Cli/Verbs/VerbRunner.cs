using System.CommandLine;
using System.CommandLine.Help;
using PolicyService.Cli.Outputs;
using PolicyService.Core.Documents;

namespace PolicyService.Cli.Verbs;

/// <summary>Parses the command line and runs one verb. Whatever goes wrong is one line on stderr, never a stack trace.</summary>
internal static class VerbRunner
{
    /// <summary>Time a verb has after Ctrl+C or SIGTERM to put away what it made; the demo has a server to end.</summary>
    private static readonly TimeSpan TerminationTimeout = TimeSpan.FromSeconds(30);

    public static async Task<int> RunAsync(string[] args, Terminal terminal)
    {
        // Neither understood nor repeated: any part of it could be taken for an image, and be sent to a server.
        if (KeyMaterial.CharactersIn(string.Join(' ', args)) is > 0 and var characters)
        {
            terminal.Say(
                $"the arguments hold a private key ({characters} characters): name the file it is in, or its public half; "
                + "and replace it, because others on this machine could read it here");
            return ExitCodes.Usage;
        }

        // An argument is an image, never a file of arguments: `@name` means nothing here.
        var parsed = Root(terminal).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0 && parsed.Action is not { ClearsParseErrors: true })
        {
            return Refuse(parsed, terminal);
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = TerminationTimeout,
                Output = terminal.Text,
                Error = terminal.Error,
            });
        }
        catch (OperationCanceledException)
        {
            terminal.Say("interrupted");
            return ExitCodes.NoDecision;
        }
        catch (OutputException closed)
        {
            terminal.Say($"stdout could not be written ({closed.Message}): what it has is not all, so do not use it; give it a file or a pipe that takes all");
            return ExitCodes.NoDecision;
        }
        catch (Exception defect)
        {
            // Uncaught it would end the process with a code that pipelines read as something else.
            terminal.Say($"internal error, please report it: {defect.GetType().Name}: {defect.Message}");
            return ExitCodes.NoDecision;
        }
    }

    private static RootCommand Root(Terminal terminal)
    {
        var root = new RootCommand("Asks a PolicyService whether container images may run, decides without one, and prepares what it asks for.");
        root.Add(EvaluateVerb.Create(terminal));
        root.Add(PayloadVerb.Create(terminal));
        root.Add(VerifyVerb.Create(terminal));
        root.Add(TreeVerb.Create(terminal));
        root.Add(PolicyVerb.Create(terminal));
        root.Add(AttestorVerb.Create(terminal));
        root.Add(AccessVerb.Create(terminal));
        root.Add(DoctorVerb.Create(terminal));
        root.Add(StoreVerbs.CreateExport(terminal));
        root.Add(StoreVerbs.CreateImport(terminal));
        root.Add(DemoVerb.Create(terminal));
        root.Add(CompletionVerb.Create(terminal));
        root.Add(VersionVerb.Create(terminal));
        foreach (var help in root.Options.OfType<HelpOption>())
        {
            // No machine this runs on spells options with a slash.
            help.Aliases.Remove("/h");
            help.Aliases.Remove("/?");
            help.Action = new HelpWithExample((HelpAction)help.Action!);
        }

        return root;
    }

    private static int Refuse(ParseResult parsed, Terminal terminal)
    {
        foreach (var error in parsed.Errors.Select(error => error.Message).Distinct())
        {
            terminal.Say(error);
        }

        terminal.Say($"see `{string.Join(' ', NamesOf(parsed.CommandResult.Command).Reverse())} --help`");
        return ExitCodes.Usage;
    }

    private static IEnumerable<string> NamesOf(Command command)
    {
        for (var current = command; current is not (null or RootCommand); current = current.Parents.OfType<Command>().FirstOrDefault())
        {
            yield return current.Name;
        }

        yield return "policyctl";
    }
}
