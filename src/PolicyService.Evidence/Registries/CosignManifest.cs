using PolicyService.Core;
using PolicyService.Core.Attestations;
using PolicyService.Core.Images;
using PolicyService.Core.Manifests.Oci;
using PolicyService.Evidence.Remote;

namespace PolicyService.Evidence.Registries;

/// <summary>A layer with something signed.</summary>
/// <param name="Layer">Its digest.</param>
/// <param name="Size">Bytes, as it declares.</param>
/// <param name="Signature">Over a simple-signing payload; null: the layer is a bundle, which has its signatures within.</param>
internal sealed record CosignCandidate(Digest Layer, long Size, byte[]? Signature);

/// <summary>What one manifest has of signatures, newest first, or why nobody knows.</summary>
internal sealed record CosignManifest
{
    public IReadOnlyList<CosignCandidate> Candidates { get; private init; } = [];

    /// <summary>Its own digest.</summary>
    public Digest Digest { get; private init; }

    /// <summary>There is more, beyond the limits.</summary>
    public bool IsCut { get; private init; }

    public RemoteFailure Failure { get; private init; }

    public static CosignManifest Nothing { get; } = new();

    public static CosignManifest Cut { get; } = new() { IsCut = true };

    public static CosignManifest Failed(RemoteFailure failure) => new() { Failure = failure };

    /// <param name="outcome">What asking for it gave; not that it is not there.</param>
    /// <param name="declared">Bytes it may have: so much was charged.</param>
    public static CosignManifest Read(RegistryOutcome outcome, long declared)
    {
        if (outcome.Content is not { } content)
        {
            return outcome.IsTooLarge ? Cut : Failed(outcome.Failure is RemoteFailure.None ? RemoteFailure.Malformed : outcome.Failure);
        }

        if (content.Bytes.Length > declared)
        {
            return Cut;
        }

        if (!OciManifest.TryParse(content.Bytes, out var manifest, out _))
        {
            return Failed(RemoteFailure.Malformed);
        }

        var isCut = manifest.IsCut || manifest.Unusable > 0;
        var candidates = new List<CosignCandidate>();
        foreach (var layer in manifest.Layers.Reverse())
        {
            if (CosignLayer.TryRead(layer, out var signature, out var isTooLarge))
            {
                candidates.Add(new CosignCandidate(layer.Digest, layer.Size, signature));
            }
            else if (SigstoreBundle.IsMediaType(layer.MediaType))
            {
                isTooLarge = layer.Size > Limits.BundleBytes;
                candidates.AddRange(isTooLarge ? [] : [new CosignCandidate(layer.Digest, layer.Size, null)]);
            }

            isCut |= isTooLarge;
        }

        return new CosignManifest { Candidates = candidates, Digest = content.Digest, IsCut = isCut };
    }
}
