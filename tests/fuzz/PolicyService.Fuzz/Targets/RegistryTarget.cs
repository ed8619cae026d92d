using System.Text.Json;
using PolicyService.Core;
using PolicyService.Core.Attestations;
using PolicyService.Core.Manifests.Oci;

namespace PolicyService.Fuzz.Targets;

/// <summary>What lies in registries: each parser takes bytes or says what is wrong with them, and no document is of two kinds.</summary>
internal static class RegistryTarget
{
    public static void CheckDocument(byte[] json)
    {
        var isManifest = OciManifest.TryParse(json, out var manifest, out var problem);
        Finding.Unless(isManifest == (manifest is not null) && isManifest == (problem is null), "neither a manifest nor a problem, or both");
        var isIndex = OciIndex.TryParse(json, out var index, out problem);
        Finding.Unless(isIndex == (index is not null) && isIndex == (problem is null), "neither an index nor a problem, or both");
        Finding.Unless(!isManifest || !isIndex, "a document of two kinds");
        foreach (var descriptor in (manifest?.Layers ?? index?.Manifests ?? []).Append(manifest?.Config).Append(manifest?.Subject ?? index?.Subject).OfType<OciDescriptor>())
        {
            Finding.Unless(descriptor.Size >= 0 && descriptor.MediaType.Length > 0 && descriptor.Digest.Hex.Length == 64, "a descriptor of nothing");
            Finding.Unless(!CosignLayer.TryRead(descriptor, out var signature, out var isTooLarge) || (!isTooLarge && signature.Length is > 0 and <= Limits.SignatureBytes), "a signature beyond its limit");
        }
    }

    public static void CheckEnvelope(byte[] json)
    {
        var isTaken = DsseEnvelope.TryParse(json, out var envelope, out var problem);
        Finding.Unless(isTaken == (envelope is not null) && isTaken == (problem is null), "neither an envelope nor a problem, or both");
        Finding.Unless(envelope is null || (envelope.Signatures.Count > 0 && envelope.Signatures.All(signature => signature.Length > 0)), "an envelope without a signature");
    }

    public static void CheckBundle(byte[] json)
    {
        var isTaken = SigstoreBundle.TryParse(json, out var bundle, out var problem);
        Finding.Unless(isTaken == (bundle is not null) && isTaken == (problem is null), "neither a bundle nor a problem, or both");
        if (bundle is not null)
        {
            Finding.Unless(bundle.Envelope is null == bundle.EnvelopeProblem is not null, "neither an envelope nor a problem, or both");

            // A reader that keeps everything finds the same envelope.
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = Limits.Depth });
            var isThere = document.RootElement.TryGetProperty("dsseEnvelope", out var envelope);
            Finding.Unless(isThere || bundle.Envelope is null, "an envelope out of nothing");
            Finding.Unless(
                bundle.Envelope is null || (DsseEnvelope.TryParse(System.Text.Encoding.UTF8.GetBytes(envelope.GetRawText()), out var other, out _) && other.Payload.AsSpan().SequenceEqual(bundle.Envelope.Payload)),
                "another envelope than any other reader finds");
        }
    }

    public static void CheckStatement(byte[] json)
    {
        var isTaken = InTotoStatement.TryParse(json, out var statement, out var problem);
        Finding.Unless(isTaken == (statement is not null) && isTaken == (problem is null), "neither a statement nor a problem, or both");
        if (statement is not null && statement.TryReadSignature(out var payload, out _))
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            Finding.Unless(payload.Type is SimpleSigningType.Cosign && root.GetProperty("predicateType").ValueEquals(InTotoStatement.CosignSignature), "a signature of another type");
            Finding.Unless(root.GetProperty("subject").GetArrayLength() == 1 && root.GetProperty("subject")[0].GetProperty("digest").GetProperty("sha256").ValueEquals(payload.Digest.Hex), "a signature of another digest");
        }
    }
}
