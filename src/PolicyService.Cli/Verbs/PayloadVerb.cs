using System.CommandLine;
using System.Diagnostics.CodeAnalysis;
using PolicyService.Cli.Inputs;
using PolicyService.Cli.Outputs;
using PolicyService.Core.Attestations;

namespace PolicyService.Cli.Verbs;

/// <summary><c>policyctl payload IMAGE</c>: the exact bytes an attestation of the image signs.</summary>
internal static class PayloadVerb
{
    public static Command Create(Terminal terminal)
    {
        var image = new Argument<string>("IMAGE") { Description = "The image by digest: registry/repository@sha256:…" };
        var verb = new Verb(
            "payload",
            "Prints the exact bytes to sign for an attestation of IMAGE, as `gcloud container binauthz create-signature-payload` does.",
            """
            policyctl payload registry.example.com/shop/web@sha256:0d4b…c81a > payload.json
            openssl dgst -sha256 -sign key.pem -out signature.bin payload.json
            """);
        verb.Add(image);
        verb.SetAction((parsed, cancellation) => RunAsync(parsed.GetRequiredValue(image), terminal, cancellation));
        return verb;
    }

    private static async Task<int> RunAsync(string text, Terminal terminal, CancellationToken cancellation)
    {
        if (!TryWrite(text, out var payload, out var problem))
        {
            terminal.Say(problem);
            return ExitCodes.Usage;
        }

        await terminal.Output.WriteAsync(payload, cancellation);
        return ExitCodes.Admitted;
    }

    private static bool TryWrite(string text, [NotNullWhen(true)] out byte[]? payload, [NotNullWhen(false)] out string? problem)
    {
        payload = null;
        if (!ImageArgument.TryParse(text, out var image, out var digest, out problem))
        {
            return false;
        }

        if (image.Name.Length == 0)
        {
            problem = $"name the repository too: registry.example.com/repository@{image.Digest}";
            return false;
        }

        payload = SimpleSigningPayload.Write(image.Name, digest);
        return true;
    }
}
