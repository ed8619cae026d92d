using System.CommandLine;
using PolicyService.Cli.Outputs;
using PolicyService.Cli.Registries;
using PolicyService.Core.Images;
using PolicyService.Evidence.Registries;
using PolicyService.Evidence.Remote;

namespace PolicyService.Cli.Verbs;

/// <summary><c>policyctl verify image</c>: who of the given keys signed what lies in a registry; no server is asked.</summary>
internal sealed class VerifyImageVerb(Terminal terminal)
{
    private readonly RegistryArguments _arguments = new(needsKey: true);

    public static Verb Create(Terminal terminal) => new VerifyImageVerb(terminal).Build();

    private Verb Build()
    {
        var verb = new Verb(
            "image",
            "Verifies the cosign signatures beside an image in its registry with public keys.",
            """
            policyctl verify image registry.example.com/shop/web:1.2 --key cosign.pub
            """)
        {
            ExitCodes = """
            0  verified: at least one of the keys signed the image
            1  refused: none of them did, or there is no such image
            2  wrong usage or unusable input
            3  no answer: the registry failed, so nobody knows; or stdout could not be written
            """,
        };
        _arguments.AddTo(verb);
        verb.SetAction(RunAsync);
        return verb;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        if (!_arguments.TryRead(parsed, out var task, out var problem))
        {
            terminal.Say(problem);
            return ExitCodes.Usage;
        }

        using var registries = new RegistryAccess(task.Settings with { Attempt = terminal.RegistryAttempt }, new RegistryMetrics(), TimeProvider.System);
        using var timer = new CancellationTokenSource(ImageLook.Patience, TimeProvider.System);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timer.Token);
        var (digest, failure) = await ImageLook.ResolveAsync(registries, task, ending.Token);
        cancellation.ThrowIfCancellationRequested();
        if (failure is not null)
        {
            terminal.Say(failure.IsAnswer ? $"refused: {failure.Message}" : failure.Message);
            return failure.IsAnswer ? ExitCodes.Denied : ExitCodes.NoDecision;
        }

        var list = await registries.ListSignaturesAsync(task.Repository, digest, fromOrigin: true, ending.Token);
        cancellation.ThrowIfCancellationRequested();
        var findings = list.Signatures.Select(signature => SignatureFinding.Of(signature, digest, task.Keys)).ToArray();
        var isVerified = findings.Any(finding => finding.IsVerified && finding.IsSignature);
        Write(parsed, $"{task.Image.Name}@{digest}", isVerified, findings);
        return Conclude(task, digest, isVerified, list);
    }

    private int Conclude(RegistryTask task, Digest digest, bool isVerified, RegistryList list)
    {
        var isKnown = list.Failure is RemoteFailure.None && !list.IsCut;
        if (list.Failure is not RemoteFailure.None)
        {
            terminal.Say($"not all signatures could be read: {LookFailure.Of(task.Repository, list.Failure).Message}");
        }

        if (list.IsCut)
        {
            terminal.Say("there are more signatures, or larger ones, than are read: what they say is unknown");
        }

        if (!isVerified && isKnown)
        {
            terminal.Say($"refused: no given key signed {digest}");
        }

        return isVerified ? ExitCodes.Admitted : isKnown ? ExitCodes.Denied : ExitCodes.NoDecision;
    }

    private void Write(ParseResult parsed, string image, bool isVerified, SignatureFinding[] findings)
    {
        if (_arguments.IsJson(parsed))
        {
            Json.Write(terminal.Output, writer =>
            {
                writer.WriteStartObject();
                writer.WriteString("image", image);
                writer.WriteBoolean("verified", isVerified);
                writer.WriteStartArray("signatures");
                foreach (var finding in findings)
                {
                    FindingOutput.Write(writer, finding);
                }

                writer.WriteEndArray();
                writer.WriteEndObject();
            });
            return;
        }

        terminal.Text.WriteLine(Printable.Line(image));
        foreach (var finding in findings)
        {
            terminal.Text.WriteLine($"  {FindingOutput.Line(finding)}");
        }

        if (findings.Length == 0)
        {
            terminal.Text.WriteLine("  no signatures");
        }
    }
}
