namespace PolicyService.Server.Storage.Transfers;

/// <summary>What changed between two texts, line by line: <c>-</c> gone, <c>+</c> new, two spaces the same.</summary>
internal static class LineDiff
{
    /// <summary>Lines beyond which everything is shown as replaced: the table of common lines has the product of both lengths.</summary>
    private const int MaxLines = 4000;

    public static IEnumerable<string> Of(IReadOnlyList<string> before, IReadOnlyList<string> after)
    {
        if (before.Count > MaxLines || after.Count > MaxLines)
        {
            return [.. before.Select(line => "- " + line), .. after.Select(line => "+ " + line)];
        }

        return Walk(before, after, CommonLengths(before, after));
    }

    /// <summary>At [i, j]: how many lines the rests from i and from j have in common, in order.</summary>
    private static int[,] CommonLengths(IReadOnlyList<string> before, IReadOnlyList<string> after)
    {
        var common = new int[before.Count + 1, after.Count + 1];
        for (var i = before.Count - 1; i >= 0; i--)
        {
            for (var j = after.Count - 1; j >= 0; j--)
            {
                common[i, j] = before[i] == after[j] ? common[i + 1, j + 1] + 1 : Math.Max(common[i + 1, j], common[i, j + 1]);
            }
        }

        return common;
    }

    private static IEnumerable<string> Walk(IReadOnlyList<string> before, IReadOnlyList<string> after, int[,] common)
    {
        var (i, j) = (0, 0);
        while (i < before.Count || j < after.Count)
        {
            if (i < before.Count && j < after.Count && before[i] == after[j])
            {
                yield return "  " + before[i++];
                j++;
            }
            else if (j == after.Count || (i < before.Count && common[i + 1, j] >= common[i, j + 1]))
            {
                yield return "- " + before[i++];
            }
            else
            {
                yield return "+ " + after[j++];
            }
        }
    }
}
