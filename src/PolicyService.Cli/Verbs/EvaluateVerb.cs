using System.CommandLine;
using System.CommandLine.Parsing;
using PolicyService.Api.Clients;
using PolicyService.Api.V1;
using PolicyService.Cli.Evaluations;
using PolicyService.Cli.Outputs;

namespace PolicyService.Cli.Verbs;

/// <summary><c>policyctl evaluate IMAGE…</c>: asks a server, prints the decisions, ends with the code pipelines branch on.</summary>
internal sealed class EvaluateVerb
{
    private const double MaxTimeoutSeconds = 300;

    private readonly Argument<string[]> _images = new("IMAGE") { Arity = ArgumentArity.OneOrMore, Description = "Images, by digest where attestations are required" };
    private readonly Option<string> _cluster = new("--cluster") { Required = true, HelpName = "LOCATION.CLUSTER", Description = "Cluster the images would run on" };
    private readonly Option<string?> _namespace = new("--namespace") { HelpName = "NAME", Description = "Kubernetes namespace of the workload" };
    private readonly Option<string?> _serviceAccount = new("--service-account") { HelpName = "NAME", Description = "Kubernetes service account of the workload" };
    private readonly Option<string?> _project = new("--project") { HelpName = "ID", Description = "Project whose policy decides; by default the cluster's" };
    private readonly Option<string?> _istioIdentity = new("--istio-identity") { HelpName = "SPIFFE-ID", Description = "Istio service identity of the workload" };
    private readonly Option<string?> _breakGlass = new("--break-glass") { HelpName = "JUSTIFICATION", Description = "Ask to override a denial; recorded with the reason you give" };
    private readonly Option<bool> _explain = new("--explain") { Description = "Print every step of the evaluation too" };
    private readonly Option<double> _timeout = new("--timeout") { HelpName = "SECONDS", Description = "How long to wait for an answer", DefaultValueFactory = _ => 10 };
    private readonly Option<Uri?> _server = new("--server") { Required = true, HelpName = "URL", Description = "gRPC address of the PolicyService, e.g. http://127.0.0.1:50051", CustomParser = ParseServer };
    private readonly Option<string> _output = new("--output", "-o") { HelpName = "text|json", Description = "For people, or for programs", DefaultValueFactory = _ => "text" };

    public static Command Create() => new EvaluateVerb().Build();

    private Verb Build()
    {
        AddValidators();
        var verb = new Verb(
            "evaluate",
            "Asks whether images may run on a cluster.",
            """
            policyctl evaluate registry.example.com/shop/web@sha256:0d4b…c81a \
              --cluster europe-west1.prod --server http://127.0.0.1:50051
            """)
        {
            ExitCodes = """
            0  every image is admitted (ALLOW or DRYRUN)
            1  an image is denied
            2  wrong usage or invalid input
            3  an image is denied because of an error, or there was no answer
            Of several images the worst counts: 2, then 3, then 1, then 0.
            """,
        };
        verb.Add(_images);
        foreach (var option in new Option[]
            { _cluster, _server, _namespace, _serviceAccount, _project, _istioIdentity, _breakGlass, _explain, _timeout, _output })
        {
            verb.Add(option);
        }

        verb.SetAction(RunAsync);
        return verb;
    }

    private void AddValidators()
    {
        _images.Validators.Add(result =>
        {
            // A mistyped option would else be judged as one more image; no image starts with a dash.
            foreach (var token in result.Tokens.Where(token => token.Value.StartsWith('-')))
            {
                result.AddError($"there is no option `{token.Value}`");
            }
        });
        _output.CompletionSources.Add("text", "json");
        _output.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>() is not ("text" or "json"))
            {
                result.AddError("--output: write text or json");
            }
        });
        _timeout.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<double>() is not (> 0 and <= MaxTimeoutSeconds))
            {
                result.AddError("--timeout: write seconds, more than 0 and at most 300");
            }
        });
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var url = parsed.GetRequiredValue(_server)!;
        var requests = parsed.GetRequiredValue(_images).Select(image => Request(parsed, image)).ToArray();

        using var channel = PolicyDecisionChannel.Open(url);
        var asker = new Asker(
            new PolicyDecisionService.PolicyDecisionServiceClient(channel),
            url,
            TimeSpan.FromSeconds(parsed.GetValue(_timeout)),
            TimeProvider.System);
        var answers = await asker.AskAsync(requests, cancellation);

        foreach (var problem in answers.Select(answer => answer.Problem).OfType<string>().Distinct())
        {
            StandardError.Line(problem);
        }

        if (parsed.GetValue(_output) == "json")
        {
            JsonOutput.Write(answers);
        }
        else
        {
            TextOutput.Write(Screen.Open(), answers);
        }

        return ExitCodes.Worst(answers.Select(answer => answer.ExitCode));
    }

    private EvaluateRequest Request(ParseResult parsed, string image) => new()
    {
        ImageDigest = image,
        Cluster = parsed.GetRequiredValue(_cluster),
        Namespace = parsed.GetValue(_namespace) ?? "",
        ServiceAccount = parsed.GetValue(_serviceAccount) ?? "",
        Project = parsed.GetValue(_project) ?? "",
        IstioIdentity = parsed.GetValue(_istioIdentity) ?? "",
        Explain = parsed.GetValue(_explain),
        BreakGlass = parsed.GetValue(_breakGlass) is { } justification ? new BreakGlass { Justification = justification } : null,
    };

    private static Uri? ParseServer(ArgumentResult result)
    {
        if (!PolicyDecisionChannel.TryParseUrl(result.Tokens.Single().Value, out var url))
        {
            result.AddError("--server: write http://host:port or https://host:port");
        }

        return url;
    }
}
