using PolicyService.Cli.Outputs;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Documents;

namespace PolicyService.Cli.Inputs;

/// <summary>The directory of <c>--policies</c>, read once, as a server reads its own at the start.</summary>
internal static class PoliciesDirectory
{
    /// <returns>The documents; null after saying why there are none. What is wrong with single documents is said, and the others count.</returns>
    public static DocumentSet? Read(string path, TimeProvider time, Terminal terminal)
    {
        if (Problem(path) is { } problem)
        {
            terminal.Say($"--policies: {problem}");
            return null;
        }

        try
        {
            var reading = new DocumentDirectory(path, time).Read();
            foreach (var wrong in reading.Problems)
            {
                terminal.Say((wrong with { File = Path.Combine(path, wrong.File) }).ToString());
            }

            return reading.Documents;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            terminal.Say($"--policies: {Unreadable(path, exception)}");
            return null;
        }
    }

    /// <summary>Why the path is no directory of documents; null if it is one.</summary>
    public static string? Problem(string path) =>
        Directory.Exists(path) ? null
        : File.Exists(path) ? $"`{path}` is a file: give the directory it stands in"
        : $"there is no directory `{path}`: mend the path";

    public static string Unreadable(string path, Exception exception) =>
        $"`{path}` cannot be read ({exception.GetType().Name}): get the right to read it and what is in it";
}
