using System.Diagnostics.CodeAnalysis;
using PolicyService.Core.Manifests.Oci;

namespace PolicyService.Core.Attestations;

/// <summary>
/// A layer of the manifest that cosign keeps beside an image: its content is a simple-signing payload, and the signature over that
/// stands in an annotation (cosign signature specification, "Storage").
/// </summary>
public static class CosignLayer
{
    public const string MediaType = "application/vnd.dev.cosign.simplesigning.v1+json";

    public const string SignatureAnnotation = "dev.cosignproject.cosign/signature";

    /// <summary>The tag of the manifest with the signatures of an image: <c>sha256-….sig</c>.</summary>
    public static string TagOf(Images.Digest digest) => $"sha256-{digest.Hex}.sig";

    /// <summary>Reads the signature of a layer; nothing is known of the payload then.</summary>
    /// <param name="layer">Any layer of any manifest.</param>
    /// <param name="signature">Not verified.</param>
    /// <param name="isTooLarge">It is such a layer, and its payload or its signature exceeds the limit.</param>
    /// <returns>False: it is no such layer, or one without a signature, or one that is too large.</returns>
    public static bool TryRead(OciDescriptor layer, [NotNullWhen(true)] out byte[]? signature, out bool isTooLarge)
    {
        (signature, isTooLarge) = (null, false);
        if (layer.MediaType != MediaType || !layer.Annotations.TryGetValue(SignatureAnnotation, out var text))
        {
            return false;
        }

        isTooLarge = layer.Size > Limits.PayloadBytes || text.Length > (Limits.SignatureBytes + 2) / 3 * 4;
        var buffer = isTooLarge ? [] : new byte[text.Length];
        if (isTooLarge || !Convert.TryFromBase64String(text, buffer, out var written) || written == 0)
        {
            return false;
        }

        isTooLarge = written > Limits.SignatureBytes;
        signature = isTooLarge ? null : buffer[..written];
        return signature is not null;
    }
}
