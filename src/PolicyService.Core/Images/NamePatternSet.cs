using System.Collections.Frozen;

namespace PolicyService.Core.Images;

/// <summary>
/// An allowlist that answers in time linear in the image's name: ten thousand patterns cost a few comparisons more
/// than ten. It never changes after it is built.
/// </summary>
public sealed class NamePatternSet
{
    private const int None = -1;

    private readonly FrozenDictionary<string, NamePattern> _exact;
    private readonly WildcardEntry[] _wildcards;

    public NamePatternSet(IEnumerable<NamePattern> patterns)
    {
        var all = patterns.ToLookup(pattern => pattern.Kind is NamePatternKind.Exact);
        _exact = all[true].DistinctBy(pattern => pattern.Text).ToFrozenDictionary(pattern => pattern.Text, StringComparer.Ordinal);
        _wildcards = Arrange(all[false]);
    }

    public static NamePatternSet Empty { get; } = new([]);

    /// <summary>
    /// A pattern that covers the text, or null: the exact one first, then the one with the longest prefix, then the
    /// narrower of two. The text is an image's <see cref="ImageReference.MatchText"/>; an empty one is never covered.
    /// </summary>
    public NamePattern? Match(string matchText)
    {
        if (_exact.TryGetValue(matchText, out var exact))
        {
            return exact;
        }

        var index = LastNotAfter(matchText);
        if (index == None)
        {
            return null;
        }

        // Everything that sorts between a prefix of the text and the text starts with that prefix. So each prefix of
        // the text is on this entry's chain, and one comparison tells for the whole chain how far the two agree.
        var agreed = matchText.AsSpan().CommonPrefixLength(_wildcards[index].Prefix);
        var lastSlash = matchText.AsSpan().LastIndexOf('/');
        for (; index != None; index = _wildcards[index].Parent)
        {
            var entry = _wildcards[index];
            if (entry.Prefix.Length <= agreed && entry.Choose(crossesSlash: lastSlash >= entry.Prefix.Length) is { } pattern)
            {
                return pattern;
            }
        }

        return null;
    }

    /// <summary>The index of the greatest prefix that does not sort after the text, or <see cref="None"/>.</summary>
    private int LastNotAfter(string text)
    {
        var (low, high) = (0, _wildcards.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = string.CompareOrdinal(_wildcards[middle].Prefix, text) <= 0 ? (middle + 1, high) : (low, middle);
        }

        return low - 1;
    }

    /// <summary>Sorts by prefix and links each to the longest other prefix it starts with, which is still on the stack when it is met.</summary>
    private static WildcardEntry[] Arrange(IEnumerable<NamePattern> patterns)
    {
        var groups = patterns.GroupBy(pattern => pattern.Prefix, StringComparer.Ordinal)
            .OrderBy(group => group.Key, StringComparer.Ordinal)
            .ToArray();
        var entries = new WildcardEntry[groups.Length];
        var open = new Stack<int>();
        for (var index = 0; index < groups.Length; index++)
        {
            var prefix = groups[index].Key;
            while (open.TryPeek(out var top) && !prefix.StartsWith(entries[top].Prefix, StringComparison.Ordinal))
            {
                open.Pop();
            }

            entries[index] = new WildcardEntry(
                prefix,
                groups[index].FirstOrDefault(pattern => pattern.Kind is NamePatternKind.Star),
                groups[index].FirstOrDefault(pattern => pattern.Kind is NamePatternKind.DoubleStar),
                open.TryPeek(out var parent) ? parent : None);
            open.Push(index);
        }

        return entries;
    }

    private sealed record WildcardEntry(string Prefix, NamePattern? Star, NamePattern? DoubleStar, int Parent)
    {
        public NamePattern? Choose(bool crossesSlash) => crossesSlash ? DoubleStar : Star ?? DoubleStar;
    }
}
