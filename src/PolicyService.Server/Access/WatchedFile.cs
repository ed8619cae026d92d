using PolicyService.Core;

namespace PolicyService.Server.Access;

/// <summary>A file that is read again and again, and told from its older version by its content: mounts swap links, and times may lie.</summary>
internal sealed class WatchedFile(string path)
{
    private byte[]? _content;

    public string Path => path;

    /// <summary>Reads it.</summary>
    /// <param name="content">All of it.</param>
    /// <returns>It differs from what it was at the last look.</returns>
    /// <exception cref="IOException">It cannot be read, or is larger than any such file.</exception>
    public bool TryReadNew(out byte[] content)
    {
        // Whatever comes back after it could not be read is new.
        var known = _content;
        _content = null;
        content = _content = ReadAll(path);
        return known is null || !known.AsSpan().SequenceEqual(content);
    }

    /// <exception cref="IOException">It cannot be read, or is larger than any such file.</exception>
    public static byte[] ReadAll(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0);
            using var content = new MemoryStream();
            var buffer = new byte[16 * 1024];
            while (content.Length <= Limits.CredentialFileBytes)
            {
                var length = stream.Read(buffer);
                if (length == 0)
                {
                    return content.ToArray();
                }

                content.Write(buffer, 0, length);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"`{Core.Documents.Shown.Path(path)}` cannot be read ({exception.GetType().Name})");
        }

        throw new IOException($"`{Core.Documents.Shown.Path(path)}` has more than {Limits.CredentialFileBytes} bytes");
    }
}
