using PolicyService.Core.Images;

namespace PolicyService.Cli.Registries;

/// <summary>What refers to an image, by its own word and that of the registry. Anybody who may push can write anything here.</summary>
/// <param name="Digest">The manifest.</param>
/// <param name="ArtifactType">What it is said to carry; empty where nothing is said.</param>
/// <param name="Size">Bytes it is said to have.</param>
internal sealed record Referrer(Digest Digest, string ArtifactType, long Size);

/// <summary>An image and everything attached to it, as far as it could be read.</summary>
/// <param name="Digest">The image.</param>
/// <param name="Label">What it is: its media type, or for a child of an index its platform.</param>
/// <param name="Signed">What lies beside it signed: signatures, attestations.</param>
/// <param name="Referrers">What else refers to it, and the manifests that hold what is signed.</param>
/// <param name="Children">Of an index.</param>
/// <param name="Problems">What could not be read, and why.</param>
internal sealed record ImageTree(
    Digest Digest, string Label, IReadOnlyList<SignatureFinding> Signed, IReadOnlyList<Referrer> Referrers, IReadOnlyList<ImageTree> Children, IReadOnlyList<string> Problems)
{
    /// <summary>Nothing failed and nothing was left out, here or below.</summary>
    public bool IsWhole => Problems.Count == 0 && Children.All(child => child.IsWhole);
}
