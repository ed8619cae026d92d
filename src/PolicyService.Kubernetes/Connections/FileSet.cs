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
            // A small buffer: this is done four times a second.
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var buffer = new byte[8 * 1024];
            for (int total = 0, length; total < MaxBytes && (length = stream.Read(buffer)) > 0; total += length)
            {
                hash.AppendData(buffer, 0, length);
            }

            return Convert.ToHexString(hash.GetHashAndReset());
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return exception.GetType().Name;
        }
    }));
}
