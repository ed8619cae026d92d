using System.Globalization;
using System.Text;
using PolicyService.Kubernetes.Reviews;

namespace PolicyService.Kubernetes.Endpoints;

/// <summary>Makes warnings that arrive: an API server drops one with a line break, and all beyond about 4 kB (KUBERNETES.md point 3).</summary>
internal static class WarningLines
{
    /// <summary>Longest warning; characters.</summary>
    public const int MaxCharacters = 256;

    /// <summary>Most of all warnings together; bytes.</summary>
    public const int MaxBytes = 4000;

    private const int TailBytes = 60;

    /// <summary>The first lines that fit; the last one tells how many did not.</summary>
    public static IReadOnlyList<string> Fit(IReadOnlyList<string> lines)
    {
        var fitting = new List<string>();
        var bytes = 0;
        var distinct = lines.Distinct(StringComparer.Ordinal).ToArray();
        foreach (var line in distinct.Select(Short))
        {
            if ((bytes += Encoding.UTF8.GetByteCount(line)) > MaxBytes - TailBytes)
            {
                fitting.Add(string.Create(CultureInfo.InvariantCulture, $"{distinct.Length - fitting.Count} more warnings are not shown"));
                break;
            }

            fitting.Add(line);
        }

        return fitting;
    }

    /// <summary>What a warning is about stands at its end, behind a long digest.</summary>
    private static string Short(string line) =>
        PlainText.Line(line.Length > MaxCharacters ? PlainText.WithShortDigests(line) : line, MaxCharacters);
}
