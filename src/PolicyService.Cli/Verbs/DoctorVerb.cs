using System.CommandLine;
using k8s;
using k8s.Exceptions;
using PolicyService.Cli.Doctor;
using PolicyService.Cli.Inputs;
using PolicyService.Cli.Outputs;

namespace PolicyService.Cli.Verbs;

/// <summary><c>policyctl doctor kubernetes</c>: what of a cluster is not judged, or would not start again.</summary>
internal sealed class DoctorVerb(Terminal terminal, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Option<string?> _kubeconfig = new("--kubeconfig") { HelpName = "FILE", Description = "How to reach the cluster; without it the pod's own account, else $KUBECONFIG or ~/.kube/config" };
    private readonly Option<string?> _context = new("--context") { HelpName = "NAME", Description = "Context of the kubeconfig; without it its current one" };
    private readonly Option<string> _service = new("--service") { HelpName = "NAMESPACE/NAME", Description = "The adapter's Service", DefaultValueFactory = _ => "policyservice-system/policyservice-adapter" };
    private readonly Option<string[]> _needs = new("--needs") { HelpName = "NAMESPACE", Description = "What PolicyService needs to start: DNS and network, its PostgreSQL, its Redis", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => ["kube-system"] };
    private readonly Option<string> _output = new("--output", "-o") { HelpName = "text|json", Description = "For people, or for programs", DefaultValueFactory = _ => "text" };

    public static Command Create(Terminal terminal) =>
        new Verb("doctor", "Looks for what makes decisions not count.", "policyctl doctor kubernetes --kubeconfig ~/.kube/config") { new DoctorVerb(terminal, TimeProvider.System).BuildKubernetes() };

    private Verb BuildKubernetes()
    {
        var verb = new Verb(
            "kubernetes",
            "Reads a cluster (and changes nothing): webhooks that are missing or altered, namespaces nobody watches, certificates that end, clocks, circles of dependencies.",
            """
            policyctl doctor kubernetes --kubeconfig ~/.kube/config --context prod
            policyctl doctor kubernetes --needs kube-system databases -o json
            """)
        {
            ExitCodes = """
            0  nothing is wrong, or there are warnings only
            1  an image can start unjudged, or nothing can start
            2  wrong usage, or the kubeconfig cannot be used
            3  the cluster cannot be asked
            """,
        };
        foreach (var option in new Option[] { _kubeconfig, _context, _service, _needs, _output })
        {
            verb.Add(option);
        }

        _output.OneOf("text", "json");
        _service.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string>()?.Split('/') is not [{ Length: > 0 }, { Length: > 0 }])
            {
                result.AddError("--service: write NAMESPACE/NAME");
            }
        });
        verb.SetAction(RunAsync);
        return verb;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        if (Configuration(parsed) is not { } configuration)
        {
            return ExitCodes.Usage;
        }

        var service = parsed.GetRequiredValue(_service).Split('/');
        var installation = new Installation(service[0], service[1], [.. parsed.GetRequiredValue(_needs).Distinct(StringComparer.Ordinal)]);
        var clock = new ApiServerClock(time);
        try
        {
            using var client = new k8s.Kubernetes(configuration, clock);
            var findings = Diagnosis.Of(await new ClusterReader(client, clock).ReadAsync(installation, cancellation), time.GetUtcNow());
            if (parsed.GetValue(_output) == "json")
            {
                DoctorOutput.WriteJson(terminal.Output, findings);
            }
            else
            {
                DoctorOutput.WriteText(terminal.Text, findings);
            }

            return findings.Any(finding => finding.Severity is FindingSeverity.Error) ? ExitCodes.Denied : ExitCodes.Admitted;
        }
        catch (Exception unreachable) when (unreachable is ClusterException or ClusterReader.ClusterAnswerException)
        {
            terminal.Say(unreachable.Message);
            return ExitCodes.NoDecision;
        }
    }

    /// <summary>Null after saying what is wrong with it; nothing of a kubeconfig is repeated, because it holds tokens and keys.</summary>
    private KubernetesClientConfiguration? Configuration(ParseResult parsed)
    {
        var (file, context) = (parsed.GetValue(_kubeconfig), parsed.GetValue(_context));
        try
        {
            var configuration = file is null && context is null && KubernetesClientConfiguration.IsInCluster()
                ? KubernetesClientConfiguration.InClusterConfig()
                : KubernetesClientConfiguration.BuildConfigFromConfigFile(file, context);
            configuration.HttpClientTimeout = Patience;
            return configuration;
        }
        catch (Exception unusable) when (unusable is KubeConfigException or KubernetesClientException or IOException or UnauthorizedAccessException or YamlDotNet.Core.YamlException or ArgumentException or FormatException or System.Security.Cryptography.CryptographicException
            // What the library makes of an empty file.
            or NullReferenceException)
        {
            terminal.Say($"the kubeconfig cannot be used ({unusable.GetType().Name}): mend --kubeconfig, --context, $KUBECONFIG or ~/.kube/config");
            return null;
        }
    }
}
