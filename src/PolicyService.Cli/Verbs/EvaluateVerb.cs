using System.CommandLine;
using System.CommandLine.Parsing;
using PolicyService.Api.Clients;
using PolicyService.Api.V1;
using PolicyService.Cli.Evaluations;
using PolicyService.Cli.Inputs;
using PolicyService.Cli.Manifests;
using PolicyService.Cli.Outputs;
using PolicyService.Core.Manifests;
using PolicyService.Evidence.Keys;

namespace PolicyService.Cli.Verbs;

/// <summary><c>policyctl evaluate IMAGE…</c>: asks a server or the engine itself, prints the decisions, ends with the code pipelines branch on.</summary>
internal sealed class EvaluateVerb(Terminal terminal)
{
    private const double MaxTimeoutSeconds = 300;

    private readonly Argument<string[]> _images = new("IMAGE") { Arity = ArgumentArity.ZeroOrMore, Description = "Images, by digest where attestations are required" };
    private readonly Option<string[]> _files = new("--filename", "-f") { HelpName = "FILE", Description = "Manifests whose images are asked about; - is stdin; may be repeated" };
    private readonly Option<string> _cluster = new("--cluster") { Required = true, HelpName = "LOCATION.CLUSTER", Description = "Cluster the images would run on" };
    private readonly Option<Uri?> _server = new("--server") { HelpName = "URL", Description = "gRPC address of a PolicyService to ask, e.g. http://127.0.0.1:50051", CustomParser = ParseServer };
    private readonly Option<string?> _policies = new("--policies") { HelpName = "DIR", Description = "Documents to decide by, without a server" };
    private readonly Option<DateTimeOffset?> _at = EvaluationTime.Option("With --policies: decide as of this time, e.g. 2026-01-31T12:00:00Z");
    private readonly Option<KmsEndpoint?> _kms = KmsEndpoints.Option("With --policies: fetch keys kept in Cloud KMS there; without it none are fetched");
    private readonly Option<string?> _namespace = new("--namespace") { HelpName = "NAME", Description = "Kubernetes namespace of the workload, whatever manifests say" };
    private readonly Option<string?> _serviceAccount = new("--service-account") { HelpName = "NAME", Description = "Kubernetes service account of the workload, whatever manifests say" };
    private readonly Option<string?> _project = new("--project") { HelpName = "ID", Description = "Project whose policy decides; by default the cluster's" };
    private readonly Option<string?> _istioIdentity = new("--istio-identity") { HelpName = "SPIFFE-ID", Description = "Istio service identity of the workload" };
    private readonly Option<string?> _breakGlass = new("--break-glass") { HelpName = "JUSTIFICATION", Description = "Ask to override a denial; a server records it with the reason you give" };
    private readonly Option<bool> _explain = new("--explain") { Description = "Print every step of the evaluation too" };
    private readonly Option<double> _timeout = new("--timeout") { HelpName = "SECONDS", Description = "With --server: how long to wait for an answer", DefaultValueFactory = _ => 10 };
    private readonly ServerCredentials _credentials = new();
    private readonly Option<string> _output = new("--output", "-o") { HelpName = "text|json", Description = "For people, or for programs", DefaultValueFactory = _ => "text" };

    public static Command Create(Terminal terminal) => new EvaluateVerb(terminal).Build();

    private Verb Build()
    {
        var verb = new Verb(
            "evaluate",
            "Asks whether images may run on a cluster.",
            """
            policyctl evaluate registry.example.com/shop/web@sha256:0d4b…c81a \
              --cluster europe-west1.prod --server http://127.0.0.1:50051
            kubectl kustomize overlays/prod | policyctl evaluate -f - --cluster europe-west1.prod --policies policies/
            """)
        {
            ExitCodes = """
            0  every image is admitted (ALLOW or DRYRUN)
            1  an image is denied
            2  wrong usage or invalid input
            3  an image is denied because of an error, there was no answer, or stdout could not be written
            Of several images the worst counts: 2, then 3, then 1, then 0.
            """,
        };
        verb.Add(_images);
        Option[] options = [_files, _cluster, _server, .. _credentials.Options, _policies, _at, _kms, _namespace, _serviceAccount, _project, _istioIdentity, _breakGlass, _explain, _timeout, _output];
        foreach (var option in options)
        {
            verb.Add(option);
        }

        AddValidators(verb);
        verb.SetAction(RunAsync);
        return verb;
    }

    private void AddValidators(Verb verb)
    {
        verb.Validators.Add(WhatAndWhom);
        _images.Validators.Add(result =>
        {
            // A mistyped option would else be judged as one more image; no image starts with a dash.
            foreach (var token in result.Tokens.Where(token => token.Value.StartsWith('-')))
            {
                result.AddError($"there is no option `{token.Value}`");
            }
        });
        _output.OneOf("text", "json");
        _timeout.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<double>() is not (> 0 and <= MaxTimeoutSeconds))
            {
                result.AddError("--timeout: write seconds, more than 0 and at most 300");
            }
        });
    }

    /// <summary>What is asked about, and who decides; an option that would mean nothing is refused, not passed over.</summary>
    private void WhatAndWhom(CommandResult result)
    {
        if (result.GetResult(_images) is not { Tokens.Count: > 0 } && result.GetResult(_files) is null)
        {
            result.AddError("nothing is asked about: name an IMAGE, or manifests with -f FILE");
        }

        var (isServer, isLocal) = (result.GetResult(_server) is not null, result.GetResult(_policies) is not null);
        if (isServer == isLocal)
        {
            result.AddError(isServer
                ? "--server and --policies exclude each other: give one of them"
                : "nobody is asked: give --server URL, or --policies DIR to decide without a server");
        }
        else if (isServer && result.GetResult(_at) is not null)
        {
            result.AddError("--at: a server decides as of now; use it with --policies");
        }
        else if (isServer && result.GetResult(_kms) is not null)
        {
            result.AddError("--kms-endpoint: a server asks its own; use it with --policies");
        }
        else if (isLocal && result.GetResult(_timeout) is { Implicit: false })
        {
            result.AddError("--timeout: without a server there is nothing to wait for; use it with --server");
        }

        _credentials.Validate(result, isServer);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var files = parsed.GetValue(_files) ?? [];
        // A pipe may say nothing for ever, and no read of one can be called off: it is left behind when a signal asks for the end.
        var reading = Task.Run(() => ManifestFiles.Read(files, parsed.GetValue(_namespace), parsed.GetValue(_serviceAccount), terminal), cancellation);
        if (await reading.WaitAsync(cancellation) is not { } manifests)
        {
            return ExitCodes.Usage;
        }

        var images = parsed.GetValue(_images) ?? [];
        EvaluateRequest[] requests = [.. images.Select(image => Request(parsed, image)), .. manifests.Select(manifest => Request(parsed, manifest))];
        if (await AskAsync(parsed, requests, cancellation) is not { } asked)
        {
            return ExitCodes.Usage;
        }

        var answers = asked.Select((answer, index) => index < images.Length ? answer : answer with { Manifest = manifests[index - images.Length] }).ToArray();
        foreach (var problem in answers.Select(answer => answer.Problem).OfType<string>().Distinct())
        {
            terminal.Say(problem);
        }

        if (parsed.GetValue(_output) == "json")
        {
            JsonOutput.Write(terminal.Output, answers);
        }
        else
        {
            TextOutput.Write(terminal.Screen(), answers);
        }

        return ExitCodes.Worst(answers.Select(answer => answer.ExitCode));
    }

    /// <summary>The answers in the order of the requests; null after saying why nobody could be asked.</summary>
    private async Task<IReadOnlyList<Answer>?> AskAsync(ParseResult parsed, EvaluateRequest[] requests, CancellationToken cancellation)
    {
        if (parsed.GetValue(_policies) is { } directory)
        {
            return PoliciesDirectory.Read(directory, TimeProvider.System, terminal) is { } documents
                ? await new LocalAsker(documents, parsed.GetValue(_at) ?? TimeProvider.System.GetUtcNow(), KmsEndpoints.Keys(parsed.GetValue(_kms), TimeProvider.System)).AskAsync(requests, cancellation)
                : null;
        }

        var url = parsed.GetValue(_server)!;
        if (!_credentials.TryRead(parsed, url, terminal, out var credentials))
        {
            return null;
        }

        using var channel = PolicyDecisionChannel.Open(url, credentials);
        var client = new PolicyDecisionService.PolicyDecisionServiceClient(channel);
        return await new Asker(client, url, TimeSpan.FromSeconds(parsed.GetValue(_timeout)), TimeProvider.System).AskAsync(requests, cancellation);
    }

    private EvaluateRequest Request(ParseResult parsed, ManifestImage manifest)
    {
        var request = Request(parsed, manifest.Image);
        (request.Namespace, request.ServiceAccount) = (manifest.Namespace, manifest.ServiceAccount);
        request.Labels.Add(manifest.Labels.ToDictionary());
        request.Annotations.Add(manifest.Annotations.ToDictionary());
        return request;
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
