using System.CommandLine;
using System.ComponentModel;
using System.Diagnostics;
using PolicyService.Cli.Demo;
using PolicyService.Cli.Outputs;

namespace PolicyService.Cli.Verbs;

/// <summary>
/// <c>policyctl export</c>, <c>import</c> and <c>policy history</c>: the server that policyctl carries does them, by its own
/// <c>store</c> command, so that one program knows the databases.
/// </summary>
internal sealed class StoreVerbs(Terminal terminal)
{
    private const string Codes = """
        0  done
        2  wrong usage, or something is refused; nothing was changed
        3  the store did not answer, or there is no server beside policyctl
        """;

    private const string Numbers = "Numbers as `list` shows them";

    private readonly Option<string?> _path = new("--store") { HelpName = "FILE", Description = "SQLite file of the store" };
    private readonly Option<string?> _postgres = new("--postgres") { HelpName = "CONNECTION", Description = "PostgreSQL database of the store; better in Store__Postgres, which no list of processes shows" };
    private readonly Option<string> _policies = new("--policies") { HelpName = "DIR", Description = "Directory of documents", Required = true };

    public static Command CreateExport(Terminal terminal) => new StoreVerbs(terminal).Directory(
        "export",
        "Writes everything in a store into an empty directory, in the layout the service and policyctl read.",
        "policyctl export --store /var/lib/policyservice/store.db --policies backup/");

    public static Command CreateImport(Terminal terminal) => new StoreVerbs(terminal).Directory(
        "import",
        "Writes a directory of documents into a store, all of it or nothing. What is only in the store stays.",
        "policyctl import --policies policies/ --store /var/lib/policyservice/store.db");

    public static Command CreateHistory(Terminal terminal)
    {
        var verb = new Verb("history", "Shows who changed a document in a store, when and how, and takes changes back.", "policyctl policy history list projects/acme/policy --store store.db");
        verb.Add(new StoreVerbs(terminal).History("list", "Lists the revisions of a document, the newest first.", "policyctl policy history list projects/acme/policy --store store.db", numbers: 0));
        verb.Add(new StoreVerbs(terminal).History(
            "diff", "Shows what a revision changed, or what lies between two; without a number the newest.", "policyctl policy history diff projects/acme/policy 12 17 --store store.db", numbers: 2));
        verb.Add(new StoreVerbs(terminal).History(
            "rollback", "Writes what a revision had, as a new one.", "policyctl policy history rollback projects/acme/policy 12 --store store.db", numbers: 1));
        return verb;
    }

    private Verb Directory(string name, string description, string example)
    {
        var verb = new Verb(name, description, example) { ExitCodes = Codes };
        verb.Add(_path);
        verb.Add(_postgres);
        verb.Add(_policies);
        verb.SetAction((parsed, cancellation) => RunAsync(parsed, [name, Path.GetFullPath(parsed.GetRequiredValue(_policies))], cancellation));
        return verb;
    }

    private Verb History(string name, string description, string example, int numbers)
    {
        var verb = new Verb(name, description, example) { ExitCodes = Codes };
        var document = new Argument<string>("NAME") { Description = "projects/PROJECT/policy, …/attestors/ATTESTOR, …/platforms/gke/policies/POLICY, …/options" };
        // An argument that is one number does not parse as a list of them.
        var (one, some) = (new Argument<long>("REVISION") { Description = Numbers }, new Argument<long[]>("REVISION") { Description = Numbers, Arity = new(0, 2) });
        verb.Add(document);
        if (numbers > 0)
        {
            verb.Add(numbers == 1 ? one : some);
        }

        verb.Add(_path);
        verb.Add(_postgres);
        verb.SetAction((parsed, cancellation) =>
        {
            long[] given = numbers switch { 0 => [], 1 => [parsed.GetRequiredValue(one)], _ => parsed.GetValue(some) ?? [] };
            return RunAsync(parsed, ["history", name, parsed.GetRequiredValue(document), .. given.Select(number => $"{number}")], cancellation);
        });
        return verb;
    }

    /// <summary>Runs the server's command between the pipes of this process.</summary>
    private async Task<int> RunAsync(ParseResult parsed, string[] words, CancellationToken cancellation)
    {
        try
        {
            var command = ServerCommand.Find(["store", .. words]);
            var start = new ProcessStartInfo(command.Program, command.Arguments)
            {
                WorkingDirectory = command.WorkingDirectory,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            Name(start.Environment, parsed.GetValue(_path), parsed.GetValue(_postgres));
            using var process = new Process { StartInfo = start };
            process.Start();
            process.StandardInput.Close();
            var output = CopyAsync(process, cancellation);
            while (await process.StandardError.ReadLineAsync(cancellation) is { } line)
            {
                terminal.Say(line);
            }

            await output;
            await process.WaitForExitAsync(cancellation);
            return process.ExitCode;
        }
        catch (Exception exception) when (exception is DemoException or Win32Exception)
        {
            terminal.Say(exception.Message);
            return ExitCodes.NoDecision;
        }
    }

    /// <summary>Where stdout takes no more the command must not wait for it for ever.</summary>
    private async Task CopyAsync(Process process, CancellationToken cancellation)
    {
        try
        {
            await process.StandardOutput.BaseStream.CopyToAsync(terminal.Output, cancellation);
        }
        catch (OutputException)
        {
            process.Kill();
            throw;
        }
    }

    /// <summary>The store named here, by the environment, where a password is not seen by others; else the one the environment names.</summary>
    private static void Name(IDictionary<string, string?> environment, string? path, string? postgres)
    {
        if (path is null && postgres is null)
        {
            return;
        }

        environment.Remove("Store__Path");
        environment.Remove("Store__Postgres");
        if (path is not null)
        {
            environment["Store__Path"] = Path.GetFullPath(path);
        }

        if (postgres is not null)
        {
            environment["Store__Postgres"] = postgres;
        }
    }
}
