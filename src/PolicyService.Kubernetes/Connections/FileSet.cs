using System.Security.Cryptography;

namespace PolicyService.Kubernetes.Connections;

/// <summary>
/// Files that belong together, told from their older versions by their content: mounts swap links, and times may lie. A change counts once two
/// looks in a row have seen the same, because two files cannot be swapped, or read, at one moment.
/// </summary>
internal sealed class FileSet(IReadOnlyList<string> paths)
{
    private const int MaxBytes = 1024 * 1024;
    private string _loaded = Look(paths);
    private string _seen = "";

    /// <summary>Looks at the files.</summary>
    /// <returns>They are new, and rest.</returns>
    public bool IsNew()
    {
        var now = Look(paths);
        var rests = now == _seen;
        _seen = now;
        if (!rests || now == _loaded)
        {
            return false;
        }

        _loaded = now;
        return true;
    }

    /// <summary>What they hold; one that cannot be read holds that.</summary>
    private static string Look(IReadOnlyList<string> paths) => string.Join(' ', paths.Select(path =>
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0);
            var buffer = new byte[MaxBytes];
            var length = stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            return Convert.ToHexString(SHA256.HashData(buffer.AsSpan(0, length)));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return exception.GetType().Name;
        }
    }));
}
