using PolicyService.Core.Images;

namespace PolicyService.Evidence.Registries;

/// <summary>The questions that a look beside an image asks a registry.</summary>
/// <param name="TaggedManifest">The manifest under a tag.</param>
/// <param name="Manifest">The manifest with a digest, hashed against it.</param>
/// <param name="Blob">The blob with a digest, hashed against it, of at most so many bytes.</param>
/// <param name="Referrers">What refers to a manifest.</param>
internal sealed record RegistryReads(
    Func<RegistryRepository, string, bool, CancellationToken, Task<RegistryOutcome>> TaggedManifest,
    Func<RegistryRepository, Digest, bool, CancellationToken, Task<RegistryOutcome>> Manifest,
    Func<RegistryRepository, Digest, int, bool, CancellationToken, Task<RegistryOutcome>> Blob,
    Func<RegistryRepository, Digest, bool, CancellationToken, Task<ReferrersOutcome>> Referrers);
