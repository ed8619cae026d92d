using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using PolicyService.Core.Documents;

namespace PolicyService.Core.Manifests.Oci;

/// <summary>
/// An index: the manifests of an image for several platforms, or what refers to an image (OCI image specification, "Image Index"; OCI
/// distribution specification, "Listing Referrers"; Docker's manifest list).
/// </summary>
public sealed record OciIndex
{
    public const string Oci = "application/vnd.oci.image.index.v1+json";

    public const string Docker = "application/vnd.docker.distribution.manifest.list.v2+json";

    private OciIndex()
    {
    }

    /// <summary>As the document itself says; empty where it says nothing.</summary>
    public required string MediaType { get; init; }

    /// <summary>In the order of the document; the last of them where <see cref="IsCut"/>.</summary>
    public required IReadOnlyList<OciDescriptor> Manifests { get; init; }

    /// <summary>What it is about, if it says so.</summary>
    public required OciDescriptor? Subject { get; init; }

    /// <summary>Empty where nothing is said.</summary>
    public required string ArtifactType { get; init; }

    public required IReadOnlyDictionary<string, string> Annotations { get; init; }

    /// <summary>Descriptors left out, because their digests are of another algorithm than sha256.</summary>
    public required int Unusable { get; init; }

    /// <summary>There are more entries than <see cref="Limits.OciEntries"/>: what the first of them say is unknown.</summary>
    public required bool IsCut { get; init; }

    public static bool TryParse(ReadOnlySpan<byte> json, [NotNullWhen(true)] out OciIndex? index, [NotNullWhen(false)] out string? problem)
    {
        OciIndex? parsed = null;
        problem = json.Length > Limits.ManifestBytes
            ? "the index is larger than 4 MiB"
            : StrictJson.Read(json, "the index", root => Read(root, out parsed));
        index = problem is null ? parsed : null;
        return index is not null;
    }

    // Gives the problem, or none and the index.
    private static string? Read(JsonElement root, out OciIndex? index)
    {
        index = null;
        if (OciReader.DocumentProblem(root, [Oci, Docker]) is { } other)
        {
            return other;
        }

        if (root.TryGetProperty("layers", out _) || root.TryGetProperty("config", out _))
        {
            return "the index has `layers` or `config`, which only a manifest has";
        }

        var reader = new OciReader();
        index = new OciIndex
        {
            MediaType = reader.Text(root, "mediaType"),
            Manifests = reader.Descriptors(root, "manifests"),
            Subject = reader.Descriptor(root, "subject", isRequired: false),
            ArtifactType = reader.Text(root, "artifactType"),
            Annotations = reader.Annotations(root),
            Unusable = reader.Unusable,
            IsCut = reader.IsCut,
        };
        return reader.Problem;
    }
}
