using PolicyService.Core;
using PolicyService.Core.Images;
using PolicyService.Core.Manifests.Oci;
using PolicyService.Evidence.Registries;
using PolicyService.Evidence.Remote;

namespace PolicyService.Cli.Registries;

/// <summary>Why a look ends without what was asked for.</summary>
/// <param name="Message">One line for people.</param>
/// <param name="IsAnswer">The registry answered, and does not have it; else nobody knows.</param>
internal sealed record LookFailure(string Message, bool IsAnswer)
{
    public static LookFailure Of(RegistryRepository repository, RemoteFailure failure)
    {
        var (why, remedy) = RegistryFailures.Text(repository, failure);
        return new LookFailure($"{RemoteFailures.Name(failure)}: {why}: {remedy.Replace("--Registries:Ca", "--ca", StringComparison.Ordinal)}", failure is RemoteFailure.NotFound);
    }

    /// <summary>Of a manifest that was asked for.</summary>
    public static LookFailure Of(RegistryRepository repository, string what, RegistryOutcome outcome) =>
        outcome.IsNotThere ? new LookFailure($"`{repository}` has no {what}", true)
        : outcome.IsTooLarge ? new LookFailure($"the {what} of `{repository}` has more than {Limits.ManifestBytes} bytes", false)
        : Of(repository, outcome.Failure);
}

/// <summary>Finds the digest of the image that is asked about.</summary>
internal static class ImageLook
{
    /// <summary>Time for all that one run asks of registries.</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(60);

    /// <returns>The digest, or why there is none.</returns>
    public static async Task<(Digest Digest, LookFailure? Failure)> ResolveAsync(RegistryAccess registries, RegistryTask task, CancellationToken cancellation)
    {
        if (task.Image.Digest is { } named)
        {
            return (named, null);
        }

        var outcome = await registries.Client.GetManifestAsync(task.Repository, task.Image.Tag!, fromOrigin: true, cancellation);
        return outcome.Content is { } content
            ? IsDocument(content.Bytes) ? (content.Digest, null) : (default, LookFailure.Of(task.Repository, RemoteFailure.Malformed))
            : (default, LookFailure.Of(task.Repository, $"tag `{task.Image.Tag}`", outcome));
    }

    private static bool IsDocument(byte[] bytes) => OciIndex.TryParse(bytes, out _, out _) || OciManifest.TryParse(bytes, out _, out _);
}
