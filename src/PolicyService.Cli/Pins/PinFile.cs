using System.Diagnostics.CodeAnalysis;

namespace PolicyService.Cli.Pins;

/// <summary>Replaces a file whole: whoever reads it sees the old content or the new, never a part.</summary>
internal static class PinFile
{
    /// <param name="path">The file; a link is followed, so that it stays one.</param>
    /// <param name="before">What the new content was made from; null: there was no file.</param>
    /// <param name="after">The new content.</param>
    /// <param name="problem">Why nothing was written.</param>
    public static bool TryReplace(string path, byte[]? before, byte[] after, [NotNullWhen(false)] out string? problem)
    {
        problem = null;
        string? temporary = null;
        try
        {
            var place = (File.Exists(path) ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName : null) ?? Path.GetFullPath(path);
            var now = File.Exists(place) ? File.ReadAllBytes(place) : null;
            if (now is null != before is null || (now is not null && !now.AsSpan().SequenceEqual(before)))
            {
                problem = $"`{path}` was changed meanwhile: run this again";
                return false;
            }

            // A leading dot keeps a service that watches the directory from reading it.
            temporary = Path.Combine(Path.GetDirectoryName(place)!, $".{Path.GetFileName(place)}.{Path.GetRandomFileName()}");
            using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                file.Write(after);
                file.Flush(flushToDisk: true);
            }

            if (now is not null && !OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(temporary, File.GetUnixFileMode(place));
            }

            File.Move(temporary, place, overwrite: true);
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            if (temporary is not null && File.Exists(temporary))
            {
                File.Delete(temporary);
            }

            problem = $"`{path}` cannot be written ({exception.GetType().Name}): get the right to write it and its directory";
            return false;
        }
    }
}
