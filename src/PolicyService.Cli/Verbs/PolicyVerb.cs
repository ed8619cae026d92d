using System.CommandLine;
using PolicyService.Cli.Inputs;
using PolicyService.Cli.Linting;
using PolicyService.Cli.Outputs;
using PolicyService.Core.Documents;
using PolicyService.Core.Linting;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Documents;

namespace PolicyService.Cli.Verbs;

/// <summary><c>policyctl policy</c>; of it <c>lint</c>: what in a directory of documents is wrong, or probably not meant.</summary>
internal sealed class PolicyVerb(Terminal terminal)
{
    private readonly Argument<string> _directory = new("DIR") { Arity = ArgumentArity.ZeroOrOne, Description = "Directory of documents", DefaultValueFactory = _ => "." };
    private readonly Option<string> _format = new("--format") { HelpName = "text|json|sarif", Description = "For people, for programs, or for code scanning", DefaultValueFactory = _ => "text" };
    private readonly Option<DateTimeOffset?> _at = EvaluationTime.Option("Say which keys have expired by this time, e.g. 2026-12-31T00:00:00Z; by default now");
    private readonly Option<bool> _strict = new("--strict") { Description = "Warnings fail too" };

    public static Command Create(Terminal terminal) =>
        new Verb("policy", "Looks after the documents that decide.", "policyctl policy lint policies/") { new PolicyVerb(terminal).BuildLint(), StoreVerbs.CreateHistory(terminal) };

    private Verb BuildLint()
    {
        var verb = new Verb(
            "lint",
            "Says what in a directory of documents is wrong, or is probably not what its author meant.",
            """
            policyctl policy lint policies/
            policyctl policy lint policies/ --strict --format sarif > lint.sarif
            """)
        {
            ExitCodes = """
            0  no errors; with --strict no findings at all
            1  errors, or with --strict warnings
            2  wrong usage, or no documents to read
            3  stdout could not be written
            """,
        };
        verb.Add(_directory);
        verb.Add(_format);
        verb.Add(_strict);
        verb.Add(_at);
        _format.OneOf("text", "json", "sarif");
        verb.SetAction(RunLint);
        return verb;
    }

    private int RunLint(ParseResult parsed)
    {
        var directory = parsed.GetRequiredValue(_directory);
        if (Read(directory) is not { } contents)
        {
            return ExitCodes.Usage;
        }

        LintFinding[] findings = [.. PolicyLinter.Lint(contents.Files, parsed.GetValue(_at) ?? TimeProvider.System.GetUtcNow(), contents.Problems).Select(finding => finding with { File = Place(directory, finding.File) })];
        switch (parsed.GetValue(_format))
        {
            case "json":
                LintJson.Write(terminal.Output, findings);
                break;
            case "sarif":
                LintSarif.Write(terminal.Output, findings);
                break;
            default:
                LintText.Write(terminal.Screen(), findings, contents.Files.Count);
                break;
        }

        return findings.Any(finding => finding.Severity is ProblemSeverity.Error || parsed.GetValue(_strict)) ? ExitCodes.Denied : ExitCodes.Admitted;
    }

    /// <summary>The directory; null after saying why there is nothing to lint. That is wrong usage: else the wrong directory would pass.</summary>
    private DirectoryContents? Read(string directory)
    {
        var problem = PoliciesDirectory.Problem(directory);
        try
        {
            if (problem is null && DocumentDirectory.Contents(directory) is var contents)
            {
                if (contents.Problems.Count > 0 || contents.Files.Any(file => DocumentPlace.Of(file.Path).Kind is not DocumentKind.Unknown))
                {
                    return contents;
                }

                problem = $"`{directory}` holds no documents: give the directory of policy.yaml";
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            problem = PoliciesDirectory.Unreadable(directory, exception);
        }

        terminal.Say(problem!);
        return null;
    }

    /// <summary>The file as the caller would open it; where it is here, its name alone.</summary>
    private static string Place(string directory, string file) => directory is "." ? file : Path.Combine(directory, file);
}
