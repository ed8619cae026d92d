using PolicyService.Core;
using PolicyService.Evidence.Http;

namespace PolicyService.Evidence.Registries.Credentials;

/// <summary>The docker config file, read again whenever its content changed. Kubernetes mounts pull secrets in this form. Thread-safe.</summary>
/// <param name="configured">Where it stands; null: where docker looks for it.</param>
internal sealed class DockerConfigFile(string? configured)
{
    private volatile Known? _known;

    /// <returns>Null: there is none.</returns>
    /// <exception cref="CredentialsException">There is one, and it is no docker config file. Nothing is said of what it holds.</exception>
    public async ValueTask<DockerConfig?> ReadAsync(CancellationToken cancellation)
    {
        if (Place() is not { } file)
        {
            return null;
        }

        byte[]? content;
        try
        {
            content = await ReadAllAsync(file, cancellation);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CredentialsException(CallFailure.NoCredentials);
        }

        // Told by its content: mounts swap links, and times may lie.
        var known = _known;
        if (known is null || !known.Content.AsSpan().SequenceEqual(content))
        {
            _known = known = new Known(content, DockerConfig.TryParse(content, out var config) ? config : null);
        }

        return known.Config ?? throw new CredentialsException(CallFailure.NoCredentials);
    }

    private string? Place()
    {
        if (configured is not null)
        {
            return configured;
        }

        if (Environment.GetEnvironmentVariable("DOCKER_CONFIG") is { Length: > 0 } folder)
        {
            return Path.Combine(folder, "config.json");
        }

        // Without a home it would be looked for in the current directory.
        return Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) is { Length: > 0 } home ? Path.Combine(home, ".docker", "config.json") : null;
    }

    /// <exception cref="IOException">It cannot be read, or is larger than any such file.</exception>
    private static async Task<byte[]> ReadAllAsync(string file, CancellationToken cancellation)
    {
        await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0, useAsync: true);
        return await Bounded.ReadAsync(stream, Limits.DockerConfigBytes, cancellation) ?? throw new IOException("the file is larger than any docker config");
    }

    private sealed record Known(byte[] Content, DockerConfig? Config);
}
