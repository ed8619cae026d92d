using System.CommandLine;
using System.Diagnostics.CodeAnalysis;
using PolicyService.Cli.Outputs;
using PolicyService.Core.Attestations;
using PolicyService.Core.Images;

namespace PolicyService.Cli.Verbs;

/// <summary><c>policyctl payload IMAGE</c>: the exact bytes an attestation of the image signs.</summary>
internal static class PayloadVerb
{
    private const string Scheme = "https://";

    public static Command Create()
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
        verb.SetAction((parsed, cancellation) => RunAsync(parsed.GetRequiredValue(image), cancellation));
        return verb;
    }

    private static async Task<int> RunAsync(string text, CancellationToken cancellation)
    {
        if (!TryWrite(text, out var payload, out var problem))
        {
            StandardError.Line(problem);
            return ExitCodes.Usage;
        }

        await using var output = Console.OpenStandardOutput();
        await output.WriteAsync(payload, cancellation);
        return ExitCodes.Admitted;
    }

    private static bool TryWrite(string text, [NotNullWhen(true)] out byte[]? payload, [NotNullWhen(false)] out string? problem)
    {
        payload = null;
        // gcloud prints and takes artifact URLs too.
        var bare = text.StartsWith(Scheme, StringComparison.Ordinal) ? text[Scheme.Length..] : text;
        if (!ImageReference.TryParse(bare, out var image, out problem))
        {
            problem = $"`{Printable.Line(text)}` is not an image: {problem}";
            return false;
        }

        if (image.Name.Length == 0)
        {
            problem = $"name the repository too: registry.example.com/repository@{image.Digest}";
            return false;
        }

        if (image.Digest is not { } digest)
        {
            problem = $"`{Printable.Line(text)}` has no sha256 digest, and a tag can move: write {image.Name}@sha256:<64 lower-case hex digits>";
            return false;
        }

        payload = SimpleSigningPayload.Write(image.Name, digest);
        return true;
    }
}
