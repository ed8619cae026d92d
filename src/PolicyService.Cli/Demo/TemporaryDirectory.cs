namespace PolicyService.Cli.Demo;

/// <summary>A directory of our own that is gone when the demo is.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("policyctl-demo-").FullName;

    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (IOException)
        {
            // Left to the system's own cleaning; the demo's result does not hang on it.
        }
    }
}
