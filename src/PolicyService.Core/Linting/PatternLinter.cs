using PolicyService.Core.Documents;
using PolicyService.Core.Images;

namespace PolicyService.Core.Linting;

/// <summary>Patterns that admit more than their author meant, or nothing.</summary>
internal static class PatternLinter
{
    /// <param name="file">File of the patterns.</param>
    /// <param name="items">Each pattern with its place.</param>
    public static IEnumerable<LintFinding> Lint(string file, IReadOnlyList<(NamePattern Pattern, Mark Mark)> items)
    {
        foreach (var (pattern, mark) in items)
        {
            var finding = NeverMatches(file, pattern, mark) ?? MatchesSiblings(file, pattern, mark) ?? MatchesTag(file, pattern, mark);
            if (finding is not null)
            {
                yield return finding;
            }

            if (items.FirstOrDefault(other => Shadows(other.Pattern, pattern)).Pattern is { } broader)
            {
                yield return new LintFinding(
                    LintRule.PatternShadowed, file, mark, $"everything `{Shown.Value(pattern.Text)}` matches, `{Shown.Value(broader.Text)}` matches too", "remove the narrower pattern, or the broader one if it was not meant");
            }
        }
    }

    private static LintFinding? MatchesSiblings(string file, NamePattern pattern, Mark mark)
    {
        var prefix = pattern.Text.TrimEnd('*');
        if (pattern.Kind is NamePatternKind.Exact || prefix[^1] is '/' or '@' or ':')
        {
            return null;
        }

        var remedy = pattern.Kind is NamePatternKind.DoubleStar
            ? $"write `{prefix}/**` for what is below it"
            : $"write `{prefix}@*` and `{prefix}:*` for the digests and tags of this one image";
        return new LintFinding(LintRule.PatternMatchesSiblings, file, mark, $"`{Shown.Value(pattern.Text)}` also matches `{Shown.Value(prefix)}-evil{(pattern.Kind is NamePatternKind.DoubleStar ? "/x" : "")}`", remedy);
    }

    private static LintFinding? MatchesTag(string file, NamePattern pattern, Mark mark)
    {
        var isTagPattern = pattern.Kind is NamePatternKind.Exact
            ? ImageReference.TryParse(pattern.Text, out var image) && image is { Digest: null, Tag: not null }
            : pattern.Text.TrimEnd('*') is var prefix && prefix.LastIndexOf(':') > prefix.LastIndexOf('/') && !prefix.Contains('@', StringComparison.Ordinal);
        return isTagPattern
            ? new LintFinding(LintRule.PatternMatchesTag, file, mark, $"`{Shown.Value(pattern.Text)}` admits whatever image the tag names tomorrow", "name the image by digest, or require an attestation")
            : null;
    }

    /// <summary>Patterns are literal and names are normalised, so a short or capital spelling matches nothing.</summary>
    private static LintFinding? NeverMatches(string file, NamePattern pattern, Mark mark)
    {
        var literal = pattern.Text.TrimEnd('*');
        var completions = pattern.Kind is NamePatternKind.Exact ? [literal] : Completions(literal);
        if (pattern.Kind is NamePatternKind.Exact && Digest.TryParse(literal, out _))
        {
            return Finding("a bare digest never matches a pattern", "name the image: <registry>/<repository>@" + literal);
        }

        var normal = completions.Select(text => ImageReference.TryParse(text, out var image) ? image.MatchText : null).FirstOrDefault(text => text is not null);
        return normal is null ? Finding("no image reference begins like it", "mend the spelling")
            : completions.Any(text => ImageReference.TryParse(text, out var image) && image.MatchText == text) ? null
            : Finding($"names are normalised before they are matched, and this one would be `{Shown.Value(normal)}`", "write the registry and the repository in full, in lower case");

        LintFinding Finding(string why, string remedy) =>
            new(LintRule.PatternNeverMatches, file, mark, $"`{Shown.Value(pattern.Text)}` matches no image: {why}", remedy);
    }

    /// <summary>What stands after the literal part is free; if none of these parses, nothing that begins so does.</summary>
    private static string[] Completions(string literal)
    {
        var at = literal.IndexOf('@', StringComparison.Ordinal);
        if (at < 0)
        {
            return [literal, literal + "x", literal + "x/x"];
        }

        const string Digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
        var begun = literal[(at + 1)..];
        return [literal, begun.Length < Digest.Length ? literal + Digest[begun.Length..] : literal];
    }

    private static bool Shadows(NamePattern broader, NamePattern narrower)
    {
        if (ReferenceEquals(broader, narrower) || broader.Kind is NamePatternKind.Exact || broader.Text == narrower.Text)
        {
            return false;
        }

        var (outer, inner) = (broader.Text.TrimEnd('*'), narrower.Text.TrimEnd('*'));
        return inner.StartsWith(outer, StringComparison.Ordinal)
            && (broader.Kind is NamePatternKind.DoubleStar || (narrower.Kind is not NamePatternKind.DoubleStar && !inner.AsSpan(outer.Length).Contains('/')));
    }
}
