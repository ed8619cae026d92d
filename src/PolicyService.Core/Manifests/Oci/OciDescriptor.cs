using PolicyService.Core.Images;

namespace PolicyService.Core.Manifests.Oci;

/// <summary>
/// What one document of a registry says about another (OCI image specification, "Content Descriptors"). It is a claim: whoever fetches
/// the content hashes it.
/// </summary>
/// <param name="MediaType">What the content is said to be.</param>
/// <param name="Digest">By which it is fetched.</param>
/// <param name="Size">Bytes it is said to have; never negative.</param>
/// <param name="ArtifactType">What a manifest is said to carry; empty where nothing is said. Anybody who may push can write anything here.</param>
/// <param name="Annotations">Names and values; empty where there are none.</param>
/// <param name="Platform">What it runs on, where an index says so.</param>
public sealed record OciDescriptor(
    string MediaType, Digest Digest, long Size, string ArtifactType, IReadOnlyDictionary<string, string> Annotations, OciPlatform? Platform);

/// <summary>What an image runs on, as an index says. <c>unknown</c> of both stands for what does not run, such as an attestation.</summary>
/// <param name="Os">Operating system: <c>linux</c>.</param>
/// <param name="Architecture">Processor: <c>amd64</c>.</param>
/// <param name="Variant">Of the processor: <c>v8</c>; empty where none is said.</param>
public sealed record OciPlatform(string Os, string Architecture, string Variant);
