using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using PolicyService.Core.Documents;

namespace PolicyService.Core.Manifests.Oci;

/// <summary>
/// The manifest of one image, or of anything else that lies in a registry (OCI image specification, "Image Manifest"; Docker's image
/// manifest version 2, schema 2). Fields that are not known are passed over, as both specifications demand.
/// </summary>
public sealed record OciManifest
{
    public const string Oci = "application/vnd.oci.image.manifest.v1+json";

    public const string Docker = "application/vnd.docker.distribution.manifest.v2+json";

    private OciManifest()
    {
    }

    /// <summary>As the document itself says; empty where it says nothing.</summary>
    public required string MediaType { get; init; }

    /// <summary>Null: its digest is of another algorithm than sha256.</summary>
    public required OciDescriptor? Config { get; init; }

    /// <summary>In the order of the document; the last of them where <see cref="IsCut"/>.</summary>
    public required IReadOnlyList<OciDescriptor> Layers { get; init; }

    /// <summary>What it is about, if it says so.</summary>
    public required OciDescriptor? Subject { get; init; }

    /// <summary>Empty where nothing is said.</summary>
    public required string ArtifactType { get; init; }

    public required IReadOnlyDictionary<string, string> Annotations { get; init; }

    /// <summary>Descriptors left out, because their digests are of another algorithm than sha256.</summary>
    public required int Unusable { get; init; }

    /// <summary>There are more layers than <see cref="Limits.OciEntries"/>: what the first of them say is unknown.</summary>
    public required bool IsCut { get; init; }

    public static bool TryParse(ReadOnlySpan<byte> json, [NotNullWhen(true)] out OciManifest? manifest, [NotNullWhen(false)] out string? problem)
    {
        OciManifest? parsed = null;
        problem = json.Length > Limits.ManifestBytes
            ? "the manifest is larger than 4 MiB"
            : StrictJson.Read(json, "the manifest", root => Read(root, out parsed));
        manifest = problem is null ? parsed : null;
        return manifest is not null;
    }

    // Gives the problem, or none and the manifest.
    private static string? Read(JsonElement root, out OciManifest? manifest)
    {
        manifest = null;
        if (OciReader.DocumentProblem(root, [Oci, Docker]) is { } other)
        {
            return other;
        }

        if (root.TryGetProperty("manifests", out _))
        {
            // A document that is both a manifest and an index is one image for one reader and another for the next.
            return "the manifest has `manifests`, which only an index has";
        }

        var reader = new OciReader();
        manifest = new OciManifest
        {
            MediaType = reader.Text(root, "mediaType"),
            Config = reader.Descriptor(root, "config", isRequired: true),
            Layers = reader.Descriptors(root, "layers"),
            Subject = reader.Descriptor(root, "subject", isRequired: false),
            ArtifactType = reader.Text(root, "artifactType"),
            Annotations = reader.Annotations(root),
            Unusable = reader.Unusable,
            IsCut = reader.IsCut,
        };
        return reader.Problem;
    }
}
