using System.CommandLine;
using PolicyService.Cli.Access;
using PolicyService.Cli.Inputs;
using PolicyService.Cli.Outputs;
using PolicyService.Core;
using PolicyService.Core.Access;
using PolicyService.Core.Documents;

namespace PolicyService.Cli.Verbs;

/// <summary><c>policyctl access report</c>: separation of duties, wide grants, and grants nobody needs.</summary>
internal sealed class AccessVerb(Terminal terminal)
{
    private readonly Option<string> _access = new("--access") { HelpName = "FILE", Description = "The access file of the service", Required = true };
    private readonly Option<string?> _policies = new("--policies") { HelpName = "DIR", Description = "Documents as `policyctl export` writes them: IAM policies and clusters" };
    private readonly Option<string[]> _records = new("--records") { HelpName = "FILE", Description = "Records of the service; tells what nobody used", AllowMultipleArgumentsPerToken = true };
    private readonly Option<string> _output = new("--output", "-o") { HelpName = "text|json", Description = "For people, or for programs", DefaultValueFactory = _ => "text" };

    public static Command Create(Terminal terminal) =>
        new Verb("access", "Looks at who may ask, change and sign.", "policyctl access report --access access.yaml") { new AccessVerb(terminal).BuildReport() };

    private Verb BuildReport()
    {
        var verb = new Verb(
            "report",
            "Says who can both change what is required and sign, and which grants are wide, give nothing, are redundant or unused.",
            """
            policyctl access report --access access.yaml
            policyctl export --store store.db --policies backup/ && policyctl access report --access access.yaml --policies backup/ --records records.jsonl
            """)
        {
            ExitCodes = """
            0  nobody can do both, and nothing is granted widely
            1  somebody can, or something is
            2  wrong usage, or a file cannot be used
            3  stdout could not be written
            """,
        };
        foreach (var option in new Option[] { _access, _policies, _records, _output })
        {
            verb.Add(option);
        }

        _output.OneOf("text", "json");
        verb.SetAction(Run);
        return verb;
    }

    private int Run(ParseResult parsed)
    {
        if (ReadAccess(parsed.GetRequiredValue(_access)) is not { } access || Read(parsed, access) is not { } input)
        {
            return ExitCodes.Usage;
        }

        var findings = SeparationReport.Of(input);
        if (parsed.GetValue(_output) == "json")
        {
            AccessReportOutput.WriteJson(terminal.Output, findings, SeparationReport.Groups(input));
        }
        else
        {
            AccessReportOutput.WriteText(terminal.Text, findings, SeparationReport.Groups(input));
        }

        return findings.Any(finding => finding.Kind is SeparationKind.ChangesAndSigns or SeparationKind.Wide) ? ExitCodes.Denied : ExitCodes.Admitted;
    }

    private AccessFile? ReadAccess(string path)
    {
        if (!InputFile.TryRead(path, null, Limits.MessageBytes, out var content, out var unread))
        {
            terminal.Say($"--access: {unread}");
            return null;
        }

        var problems = new ProblemList(path);
        var access = AccessFileParser.Parse(content, problems);
        foreach (var problem in problems.Problems)
        {
            terminal.Say(problem.ToString());
        }

        return access;
    }

    /// <summary>Everything else; null after saying why it cannot be had: half of it would be no report.</summary>
    private SeparationInput? Read(ParseResult parsed, AccessFile access)
    {
        var policies = parsed.GetValue(_policies);
        var input = new SeparationInput(access, new Dictionary<string, IamPolicy>(), null, null);
        try
        {
            if (policies is not null && ReadPolicies(policies, input) is var read)
            {
                if (read is null)
                {
                    return null;
                }

                input = read;
            }

            if (parsed.GetValue(_records) is { Length: > 0 } files)
            {
                var used = new UsedGrants(access);
                Array.ForEach(files, used.Read);
                if (used.Records == 0 || used.Unreadable > 0)
                {
                    terminal.Say(used.Records == 0 ? "--records: there is no record in what is given" : $"--records: {used.Unreadable} lines are no records and were passed over");
                }

                input = used.Records == 0 ? null : input with { Uses = used.Uses };
            }

            return input;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            terminal.Say($"what is given cannot be read ({exception.GetType().Name}: {exception.Message}): mend the path, or get the right to read it");
            return null;
        }
    }

    private SeparationInput? ReadPolicies(string directory, SeparationInput input)
    {
        if (PoliciesDirectory.Read(directory, TimeProvider.System, terminal) is not { } documents)
        {
            return null;
        }

        var problems = new List<DocumentProblem>();
        var policies = IamPolicyFolder.Read(directory, problems);
        problems.ForEach(problem => terminal.Say(problem.ToString()));
        Dictionary<string, string>? clusters = null;
        if (documents.Clusters is { } known)
        {
            clusters = known.Clusters.ToDictionary(pair => pair.Key, pair => pair.Value.Project, StringComparer.Ordinal);
            if (known.Default is { } otherwise)
            {
                clusters[AccessResource.Everything] = otherwise.Project;
            }
        }

        return input with { Policies = policies, ClusterProjects = clusters, Projects = ProjectLinks.Of(documents) };
    }
}
