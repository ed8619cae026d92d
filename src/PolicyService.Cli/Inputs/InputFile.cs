using System.Diagnostics.CodeAnalysis;

namespace PolicyService.Cli.Inputs;

/// <summary>Reads a file that a person named. What is wrong with it is one line that names it and the remedy.</summary>
internal static class InputFile
{
    /// <param name="path">The file; a pipe will do.</param>
    /// <param name="given">Read instead of the file; null: the file is opened.</param>
    /// <param name="limit">Most bytes it may have.</param>
    /// <param name="content">All of it.</param>
    /// <param name="problem">Why there is none.</param>
    public static bool TryRead(string path, Stream? given, int limit, [NotNullWhen(true)] out byte[]? content, [NotNullWhen(false)] out string? problem)
    {
        (content, problem) = (null, null);
        if (given is null && Directory.Exists(path))
        {
            problem = $"`{path}` is a directory: name the files in it";
            return false;
        }

        try
        {
            using var opened = given is null ? new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0) : null;
            // One byte over the limit tells that there is more, however long the file is.
            var buffer = new byte[limit + 1];
            var length = (given ?? opened!).ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            if (length <= limit)
            {
                content = buffer[..length];
                return true;
            }

            problem = $"`{path}` has more than {limit} bytes: it is not what is meant here, or must be split";
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            problem = $"there is no file `{path}`: mend the path";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            problem = $"`{path}` cannot be read ({exception.GetType().Name}): mend the path, or get the right to read it";
        }

        return false;
    }
}
