namespace PolicyService.Tests.Registries;

/// <summary>Pushes what cosign puts beside an image to a real registry, in the order in which cosign does.</summary>
public static class CosignPush
{
    /// <summary>Simple-signing layers under the tag of the image's signatures.</summary>
    public static Task SignAsync(this DockerRegistry registry, string repository, string image, params (byte[] Payload, byte[] Signature)[] signatures) =>
        registry.LayersAsync(repository, image, [.. signatures.Select(one => (one.Payload, CosignWriter.SignatureLayer(one.Payload, one.Signature)))]);

    /// <summary>Layers of any kind there.</summary>
    public static async Task LayersAsync(this DockerRegistry registry, string repository, string image, params (byte[] Content, string Layer)[] layers)
    {
        await registry.PushBlobAsync(repository, "{}"u8.ToArray());
        foreach (var (content, _) in layers)
        {
            await registry.PushBlobAsync(repository, content);
        }

        await registry.PushManifestAsync(repository, $"{image.Replace(':', '-')}.sig", CosignWriter.Manifest(layers.Select(layer => layer.Layer)), CosignWriter.ManifestType);
    }

    /// <summary>A bundle in a manifest that refers to the image, and the index that lists it where the registry cannot.</summary>
    public static async Task<string> AttachAsync(this DockerRegistry registry, string repository, string image, byte[] bundle, string artifactType = CosignWriter.BundleType)
    {
        await registry.PushBlobAsync(repository, "{}"u8.ToArray());
        await registry.PushBlobAsync(repository, bundle);
        var manifest = CosignWriter.Manifest([CosignWriter.Layer(bundle, CosignWriter.BundleType)], $",\"artifactType\":\"{artifactType}\"{CosignWriter.SubjectOf(image)}");
        var digest = await registry.PushManifestAsync(repository, null, manifest, CosignWriter.ManifestType);
        var entry = CosignWriter.Layer(manifest, CosignWriter.ManifestType)[..^1] + $",\"artifactType\":\"{artifactType}\"}}";
        await registry.PushManifestAsync(repository, image.Replace(':', '-'), CosignWriter.Index([entry]), CosignWriter.IndexType);
        return digest;
    }
}
