using PolicyService.Core.Images;

namespace PolicyService.Core.Linting;

/// <summary>
/// Finds for each of many patterns the first one that matches all it matches, in time that grows like sorting them: a policy may hold
/// a hundred thousand.
/// </summary>
internal sealed class PatternCover
{
    /// <summary>After every index there is.</summary>
    private const int None = int.MaxValue;

    private readonly IReadOnlyList<NamePattern> _patterns;
    private readonly NamePattern?[] _broader;
    private readonly Stack<Level> _open = new();
    private long _comparisons;

    private PatternCover(IReadOnlyList<NamePattern> patterns)
    {
        (_patterns, _broader) = (patterns, new NamePattern?[patterns.Count]);
        var groups = patterns.Index().GroupBy(item => item.Item.Prefix, item => item.Index, StringComparer.Ordinal).ToArray();
        foreach (var group in groups.OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            Judge(group.Key, [.. group]);
        }
    }

    /// <summary>
    /// For each pattern the first in order that covers it (<see cref="PatternLinter.Covers"/>); of two that are the same the first stays.
    /// Null where there is none.
    /// </summary>
    public static IReadOnlyList<NamePattern?> Broader(IReadOnlyList<NamePattern> patterns) => new PatternCover(patterns)._broader;

    /// <summary>How often the beginnings of two patterns are compared, but for sorting.</summary>
    internal static long Comparisons(IReadOnlyList<NamePattern> patterns) => new PatternCover(patterns)._comparisons;

    /// <summary>
    /// In the order of their prefixes, all that this one begins with are still open, the longest on top; what it does not begin with,
    /// nothing after it does.
    /// </summary>
    private void Judge(string prefix, int[] indices)
    {
        while (_open.TryPeek(out var top) && !IsBegunBy(top.Prefix, prefix))
        {
            _open.Pop();
        }

        var above = _open.TryPeek(out var parent) ? parent : new Level("", None, None);
        var crossesSlash = prefix.AsSpan(above.Prefix.Length).Contains('/');
        var (inheritedStar, inheritedDoubleStar) = (crossesSlash ? None : above.Star, above.DoubleStar);
        var (exact, star, doubleStar) = (First(indices, NamePatternKind.Exact), First(indices, NamePatternKind.Star), First(indices, NamePatternKind.DoubleStar));
        foreach (var index in indices)
        {
            // Those of its own kind here are the same text, of which the first stays; the narrower kinds do not cover it.
            var first = _patterns[index].Kind switch
            {
                NamePatternKind.DoubleStar => Least(inheritedDoubleStar, Before(doubleStar, index)),
                NamePatternKind.Star => Least(inheritedDoubleStar, inheritedStar, doubleStar, Before(star, index)),
                _ => Least(inheritedDoubleStar, inheritedStar, doubleStar, star, Before(exact, index)),
            };
            _broader[index] = first == None ? null : _patterns[first];
        }

        _open.Push(new Level(prefix, Least(inheritedStar, star), Least(inheritedDoubleStar, doubleStar)));
    }

    private bool IsBegunBy(string beginning, string prefix)
    {
        _comparisons++;
        return prefix.StartsWith(beginning, StringComparison.Ordinal);
    }

    /// <summary>Indices are given in order.</summary>
    private int First(int[] indices, NamePatternKind kind)
    {
        var found = Array.FindIndex(indices, index => _patterns[index].Kind == kind);
        return found < 0 ? None : indices[found];
    }

    private static int Before(int first, int index) => first < index ? first : None;

    private static int Least(params ReadOnlySpan<int> indices)
    {
        var least = None;
        foreach (var index in indices)
        {
            least = Math.Min(least, index);
        }

        return least;
    }

    /// <summary>A prefix, with the first of the patterns at it or above it that match what begins with it.</summary>
    /// <param name="Prefix">Its text.</param>
    /// <param name="Star">Of those with <c>*</c> whose star has crossed no slash so far.</param>
    /// <param name="DoubleStar">Of those with <c>**</c>.</param>
    private readonly record struct Level(string Prefix, int Star, int DoubleStar);
}
