namespace PolicyService.Evidence.Registries;

/// <summary>What the service brings to every registry.</summary>
public sealed record RegistrySettings
{
    /// <summary>The docker config file; null: <c>config.json</c> in the directory <c>DOCKER_CONFIG</c> names, else in <c>~/.docker</c>.</summary>
    public string? DockerConfigFile { get; init; }

    /// <summary>PEM certificates of authorities that are trusted for registries beside the system's; null: the system's alone.</summary>
    public string? CaFile { get; init; }

    /// <summary>Time for one attempt at one question, with everything that belongs to it.</summary>
    public TimeSpan Attempt { get; init; } = TimeSpan.FromSeconds(3);
}
