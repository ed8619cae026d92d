using System.Diagnostics.CodeAnalysis;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;

namespace PolicyService.Evidence.Registries;

/// <summary>A repository of a registry that may be asked.</summary>
/// <param name="Registry">The registry, with how it is asked.</param>
/// <param name="Path">The repository below the host: <c>acme/api</c>.</param>
public sealed record RegistryRepository(RegistryOptions Registry, string Path)
{
    /// <summary>Where an image lies, if its host is among those that may be asked.</summary>
    /// <returns>False: a bare digest, which names no repository, or a host that is not listed.</returns>
    public static bool TryFind(ProjectOptions options, ImageReference image, [NotNullWhen(true)] out RegistryRepository? repository)
    {
        var slash = image.Name.IndexOf('/', StringComparison.Ordinal);
        repository = slash > 0 && options.Registries.TryGetValue(image.Name[..slash], out var registry) ? new RegistryRepository(registry, image.Name[(slash + 1)..]) : null;
        return repository is not null;
    }

    /// <summary>The name as images have it: <c>registry.example.com/acme/api</c>.</summary>
    public override string ToString() => $"{Registry.Host}/{Path}";
}
