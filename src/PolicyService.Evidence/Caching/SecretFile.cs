using PolicyService.Core;

namespace PolicyService.Evidence.Caching;

/// <summary>Reads a small file that holds a secret. What it says is never part of a message.</summary>
public static class SecretFile
{
    /// <exception cref="IOException">It is missing, cannot be read, or is larger than any secret.</exception>
    /// <exception cref="UnauthorizedAccessException">The service may not read it.</exception>
    public static byte[] Read(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0);
        var buffer = new byte[Limits.SecretFileBytes + 1];
        var length = stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        return length <= Limits.SecretFileBytes ? buffer[..length] : throw new IOException("the file is larger than any secret");
    }

    /// <summary>Everybody on this machine may read it. A mounted secret often is so, and the mount guards it: worth a warning, no refusal.</summary>
    public static bool IsReadableByOthers(string file) => !OperatingSystem.IsWindows() && (File.GetUnixFileMode(file) & UnixFileMode.OtherRead) != 0;
}
