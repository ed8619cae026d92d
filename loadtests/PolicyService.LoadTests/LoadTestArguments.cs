using System.Globalization;
using PolicyService.Api.Clients;
using PolicyService.LoadTests.Scenarios;

namespace PolicyService.LoadTests;

/// <summary>The command line.</summary>
internal sealed record LoadTestArguments
{
    public const string Usage =
        """
        usage: PolicyService.LoadTests [options]
          --quick             hot-unary, hot-durable, stream, batch-100 and cold-p256, within three minutes
          --scenario NAME     only this one; may be repeated
          --minutes N         one scenario (`mixed` unless named) for so long: memory, handles and garbage collections over time
          --target URL        asks a deployed service instead of one of its own; there is no echo then, and no ratio
          --image REF         with --target or --dump-body: the image to ask about
          --cluster L.C       with --target or --dump-body: the cluster to ask about
          --expect VERDICT    with --target: ALLOW, DENY or DRYRUN; without it what the first answer says
          --json FILE         writes the results for programs
          --dump-body FILE    writes the body of one request for h2load, and ends
          --help              this
        exit code: 0 all calls answered rightly, 1 errors or wrong verdicts, 2 wrong usage, 3 the target cannot be reached or is no PolicyService
        """;

    private const int MaxMinutes = 7 * 24 * 60;

    public bool Help { get; init; }

    public bool Quick { get; init; }

    public IReadOnlyList<Scenario> Scenarios { get; init; } = [];

    public int? Minutes { get; init; }

    public Uri? Target { get; init; }

    public string Image { get; init; } = new Documents.TestImage(0).Reference;

    public string Cluster { get; init; } = Documents.RunDocuments.Cluster;

    public Api.V1.Verdict Expected { get; init; }

    public string? JsonFile { get; init; }

    public string? BodyFile { get; init; }

    /// <summary>Null: it is wrong, and <paramref name="problem"/> says how.</summary>
    public static LoadTestArguments? Parse(IReadOnlyList<string> arguments, out string problem)
    {
        var parsed = new LoadTestArguments();
        problem = "";
        for (var index = 0; index < arguments.Count && problem.Length == 0; index++)
        {
            var name = arguments[index];
            if (name is "--help" or "-h")
            {
                parsed = parsed with { Help = true };
            }
            else if (name == "--quick")
            {
                parsed = parsed with { Quick = true };
            }
            else if (index + 1 == arguments.Count || arguments[index + 1].StartsWith("--", StringComparison.Ordinal))
            {
                problem = name.StartsWith("--", StringComparison.Ordinal) ? $"{name} is unknown, or has no value" : $"`{name}` is no option";
            }
            else
            {
                parsed = parsed.With(name, arguments[++index], out problem);
            }
        }

        problem = problem.Length > 0 ? problem : parsed.Contradiction() ?? "";
        return problem.Length == 0 ? parsed : null;
    }

    private LoadTestArguments With(string name, string value, out string problem)
    {
        problem = "";
        switch (name)
        {
            case "--scenario" when ScenarioList.All.FirstOrDefault(scenario => scenario.Name == value) is { } scenario:
                return this with { Scenarios = [.. Scenarios, scenario] };
            case "--scenario":
                problem = $"there is no scenario `{value}`: write one of {string.Join(", ", ScenarioList.All.Select(scenario => scenario.Name))}";
                return this;
            case "--minutes" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var minutes) && minutes is > 0 and <= MaxMinutes:
                return this with { Minutes = minutes };
            case "--minutes":
                problem = $"--minutes is `{value}`: write a number from 1 to {MaxMinutes}";
                return this;
            case "--target" when PolicyDecisionChannel.TryParseUrl(value, out var url):
                return this with { Target = url };
            case "--target":
                problem = $"--target is `{value}`: write http://host:port or https://host:port";
                return this;
            case "--image":
                return this with { Image = value };
            case "--cluster":
                return this with { Cluster = value };
            case "--expect" when value is "ALLOW" or "DENY" or "DRYRUN":
                return this with { Expected = value switch { "ALLOW" => Api.V1.Verdict.Allow, "DENY" => Api.V1.Verdict.Deny, _ => Api.V1.Verdict.Dryrun } };
            case "--expect":
                problem = $"--expect is `{value}`: write ALLOW, DENY or DRYRUN";
                return this;
            case "--json":
                return this with { JsonFile = value };
            case "--dump-body":
                return this with { BodyFile = value };
            default:
                problem = $"`{name}` is no option";
                return this;
        }
    }

    private string? Contradiction() =>
        Quick && Scenarios.Count > 0 ? "--quick has scenarios of its own: leave --quick or --scenario out"
        : Target is not null && (Quick || Scenarios.Count > 0) ? "--target asks one question: the documents that scenarios need are not there; leave --quick and --scenario out"
        : Minutes is not null && (Quick || Scenarios.Count > 1) ? "--minutes runs one scenario: name one"
        : Target is null && BodyFile is null && (Expected != default || Image != new LoadTestArguments().Image || Cluster != new LoadTestArguments().Cluster) ? "--image, --cluster and --expect need --target or --dump-body"
        : null;
}
