using System.Diagnostics.CodeAnalysis;
using PolicyService.Cli.Outputs;
using PolicyService.Core.Images;

namespace PolicyService.Cli.Inputs;

/// <summary>An image that must be named by digest: what is signed about it is signed for good.</summary>
internal static class ImageArgument
{
    private const string Scheme = "https://";

    public static bool TryParse(
        string text, [NotNullWhen(true)] out ImageReference? image, out Digest digest, [NotNullWhen(false)] out string? problem)
    {
        digest = default;
        // gcloud prints and takes artifact URLs too.
        var bare = text.StartsWith(Scheme, StringComparison.Ordinal) ? text[Scheme.Length..] : text;
        if (!ImageReference.TryParse(bare, out image, out problem))
        {
            problem = $"`{Printable.Line(text)}` is not an image: {problem}";
            return false;
        }

        if (image.Digest is not { } found)
        {
            problem = $"`{Printable.Line(text)}` has no sha256 digest, and a tag can move: write {image.Name}@sha256:<64 lower-case hex digits>";
            return false;
        }

        digest = found;
        return true;
    }
}
