using PolicyService.Core;
using PolicyService.Core.Images;
using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Registries;

/// <summary>
/// Finds the signatures of cosign that lie beside an image: in the manifest under the tag <c>sha256-….sig</c>, and in the manifests that
/// refer to the image. Each manifest and blob is read once, however many keys there are to verify with, and what is read is bounded in
/// number and bytes. Thread-safe.
/// </summary>
internal sealed class CosignSignatures(RegistryReads reads)
{
    private SemaphoreSlim Large { get; } = new(Limits.RegistryLargeLooks, Limits.RegistryLargeLooks);

    /// <summary>Lists what lies beside an image.</summary>
    /// <param name="repository">Where the image lies.</param>
    /// <param name="digest">The image's.</param>
    /// <param name="fromOrigin">The registry itself is asked before its mirrors: an answer would deny.</param>
    /// <param name="cancellation">The end of the time for all of it; what is unread then is a failure.</param>
    public async Task<RegistryList> ListAsync(RegistryRepository repository, Digest digest, bool fromOrigin, CancellationToken cancellation)
    {
        using var look = new CosignLook(reads, Large, repository, digest, fromOrigin, cancellation);
        var found = (await Task.WhenAll(look.TaggedAsync(), look.ReferringAsync())).SelectMany(manifests => manifests).ToArray();
        var parts = await look.PartsAsync(found);

        var (signatures, left) = (new List<RegistrySignature>(), Limits.SignaturesPerDigest);
        foreach (var signature in parts.Select(part => part.Signature).OfType<RegistrySignature>().DistinctBy(signature => signature.Identity))
        {
            left -= signature.Attestation.Signatures.Count;
            if (left >= 0)
            {
                signatures.Add(signature);
            }
        }

        var isCut = left < 0 || found.Any(manifest => manifest.IsCut) || parts.Any(part => part.IsCut);
        var failure = Worst([.. found.Select(manifest => manifest.Failure), .. parts.Select(part => part.Failure)]);
        return new RegistryList(signatures, isCut, look.IsHeavy && failure is (RemoteFailure.Timeout or RemoteFailure.RateLimited) ? RemoteFailure.Partial : failure);
    }

    /// <summary>Who can push can name what is not there: that must not hide why the registry did not answer.</summary>
    private static RemoteFailure Worst(IReadOnlyList<RemoteFailure> failures) =>
        failures.FirstOrDefault(failure => failure is not (RemoteFailure.None or RemoteFailure.MissingContent), failures.Max(failure => failure is RemoteFailure.MissingContent ? failure : RemoteFailure.None));
}
