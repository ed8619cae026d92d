using System.Runtime.InteropServices;

namespace PolicyService.Server.Storage.Transfers;

/// <summary>
/// A directory that stands at its place whole or not at all. Half an export would be served as a whole one, without the revocations it had not
/// come to: so it grows in a hidden directory beside, is brought onto the disk, and is renamed at the end.
/// </summary>
internal sealed class ExportDirectory : IDisposable
{
    private const int BadHandle = 9;
    private const int NoAccess = 13;
    private const int NotSupported = 22;

    private readonly string _target;
    private readonly string _partial;
    private bool _isDone;

    /// <param name="target">An empty directory, which is replaced and whose rights are kept, or one that does not exist.</param>
    /// <exception cref="IOException">It is not empty, or nothing can be written beside it.</exception>
    /// <exception cref="UnauthorizedAccessException">As before.</exception>
    public ExportDirectory(string target)
    {
        var full = new DirectoryInfo(Path.TrimEndingDirectorySeparator(Path.GetFullPath(target)));
        // A link stays: what it leads to is replaced.
        _target = full.Exists ? full.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? full.FullName : full.FullName;
        if (File.Exists(_target) || (Directory.Exists(_target) && Directory.EnumerateFileSystemEntries(_target).Any()))
        {
            throw new IOException($"the directory {target} is not empty");
        }

        var parent = Path.GetDirectoryName(_target) ?? throw new IOException($"{target} cannot be replaced: name a directory in it");
        Directory.CreateDirectory(parent);
        _partial = Path.Combine(parent, $".policyctl-export-{Guid.NewGuid():n}");
        try
        {
            Directory.CreateDirectory(_partial);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new IOException($"an export grows beside its place, and {parent} may not be written: name a directory where you may write", exception);
        }
    }

    /// <summary>Writes one file, onto the disk.</summary>
    /// <param name="path">Relative to the directory.</param>
    /// <param name="text">Its content.</param>
    public void Write(string path, string text)
    {
        var full = Path.Combine(_partial, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        using var file = new FileStream(full, FileMode.CreateNew, FileAccess.Write);
        using (var writer = new StreamWriter(file, leaveOpen: true))
        {
            writer.Write(text);
        }

        file.Flush(flushToDisk: true);
    }

    /// <summary>Puts the whole to its place.</summary>
    /// <exception cref="IOException">Its place is taken meanwhile, or cannot be replaced.</exception>
    public void Complete()
    {
        foreach (var directory in Directory.GetDirectories(_partial, "*", SearchOption.AllDirectories).Append(_partial))
        {
            Flush(directory);
        }

        if (!OperatingSystem.IsWindows() && Directory.Exists(_target))
        {
            File.SetUnixFileMode(_partial, File.GetUnixFileMode(_target));
        }

        Rename();
        _isDone = true;
        Flush(Path.GetDirectoryName(_target)!);
    }

    public void Dispose()
    {
        if (_isDone)
        {
            return;
        }

        try
        {
            Directory.Delete(_partial, recursive: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Its name says what it is, and nothing reads a hidden directory.
        }
    }

    private void Rename()
    {
        if (OperatingSystem.IsWindows())
        {
            if (Directory.Exists(_target))
            {
                Directory.Delete(_target);
            }

            Directory.Move(_partial, _target);
        }
        else if (rename(_partial, _target) != 0)
        {
            // One that is mounted cannot be replaced.
            throw new IOException($"the export cannot be put at {_target} ({Marshal.GetLastPInvokeErrorMessage()}): name a directory that does not exist, or is empty and not mounted");
        }
    }

    /// <summary>A file is on the disk for good when its name is; the base library has no word for that.</summary>
    private static void Flush(string directory)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var handle = open(directory, 0);
        var isFlushed = handle >= 0 && fsync(handle) == 0;
        var (problem, number) = (Marshal.GetLastPInvokeErrorMessage(), Marshal.GetLastPInvokeError());
        if (handle >= 0)
        {
            _ = close(handle);
        }

        // Some file systems know no such thing for directories, and some directories may be written and not read.
        if (!isFlushed && number is not (NotSupported or BadHandle or NoAccess))
        {
            throw new IOException($"{directory} cannot be brought onto the disk ({problem})");
        }
    }

    // Unlike the base library's, this one replaces an empty directory, in one step.
    [DllImport("libc", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int rename(string from, string to);

    [DllImport("libc", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int open(string path, int flags);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int fsync(int handle);

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int close(int handle);
}
