using PolicyService.Core.Documents;
using PolicyService.Core.Images;

namespace PolicyService.Core.Linting;

/// <summary>Patterns that admit more than their author meant, or nothing.</summary>
internal static class PatternLinter
{
    private static readonly string[] Algorithms = ["sha256:", "sha384:", "sha512:"];

    /// <summary>Of the algorithms above; of any other a digest has at least 32.</summary>
    private static readonly int[] HexDigits = [64, 96, 128];

    /// <param name="file">File of the patterns.</param>
    /// <param name="items">Each pattern with its place.</param>
    public static IEnumerable<LintFinding> Lint(string file, IReadOnlyList<(NamePattern Pattern, Mark Mark)> items)
    {
        var broader = PatternCover.Broader([.. items.Select(item => item.Pattern)]);
        for (var index = 0; index < items.Count; index++)
        {
            var (pattern, mark) = items[index];
            var finding = NeverMatches(file, pattern, mark) ?? PublicRegistries.Lint(file, pattern, mark) ?? MatchesSiblings(file, pattern, mark) ?? MatchesTag(file, pattern, mark);
            if (finding is not null)
            {
                yield return finding;
            }

            // What matches nothing is everybody's subset, and has been said to match nothing.
            if (finding?.Rule != LintRule.PatternNeverMatches && broader[index] is { } other)
            {
                yield return new LintFinding(
                    LintRule.PatternShadowed, file, mark, $"everything `{Shown.Value(pattern.Text)}` matches, `{Shown.Value(other.Text)}` matches too", "remove the narrower pattern, or the broader one if it was not meant");
            }
        }
    }

    private static LintFinding? MatchesSiblings(string file, NamePattern pattern, Mark mark)
    {
        var prefix = pattern.Prefix;
        if (pattern.Kind is NamePatternKind.Exact || prefix[^1] is '/' or '@' or ':' || IsInTag(prefix))
        {
            return null;
        }

        if (prefix.IndexOf('@') is >= 0 and var at)
        {
            var begun = prefix[(at + 1)..];
            return Digest.TryParse(begun, out _) || "sha256:".StartsWith(begun, StringComparison.Ordinal)
                ? null
                : Finding($"`{Shown.Value(pattern.Text)}` admits every digest that begins so, and an attacker can make one", $"write the whole digest, or `{prefix[..at]}@*` if any is meant");
        }

        return pattern.Kind is NamePatternKind.DoubleStar
            ? Finding($"`{Shown.Value(pattern.Text)}` also matches `{Shown.Value(prefix)}-evil/x`", $"write `{Shown.Value(prefix)}/**` for what is below it")
            : Finding($"`{Shown.Value(pattern.Text)}` also matches `{Shown.Value(prefix)}-evil`", $"write `{Shown.Value(prefix)}@*` for the digests of this one image");

        LintFinding Finding(string message, string remedy) => new(LintRule.PatternMatchesSiblings, file, mark, message, remedy);
    }

    private static LintFinding? MatchesTag(string file, NamePattern pattern, Mark mark)
    {
        var isTagPattern = pattern.Kind is NamePatternKind.Exact
            ? ImageReference.TryParse(pattern.Text, out var image) && image is { Digest: null, HasUnusableDigest: false }
            : IsInTag(pattern.Prefix);
        return isTagPattern
            ? new LintFinding(LintRule.PatternMatchesTag, file, mark, $"`{Shown.Value(pattern.Text)}` names no digest, so it admits whatever is pushed under that tag tomorrow", "name the image by digest, or require an attestation")
            : null;
    }

    /// <summary>The last colon begins a tag if no slash follows it (then it would be a port) and no digest.</summary>
    private static bool IsInTag(string prefix) => prefix.LastIndexOf(':') > prefix.LastIndexOf('/') && !prefix.Contains('@', StringComparison.Ordinal);

    /// <summary>Patterns are literal and names are normalised, so a short or capital spelling matches nothing.</summary>
    private static LintFinding? NeverMatches(string file, NamePattern pattern, Mark mark)
    {
        if (pattern.Kind is NamePatternKind.Exact && Digest.TryParse(pattern.Text, out _))
        {
            return Finding("a bare digest never matches a pattern", $"name the image: <registry>/<repository>@{pattern.Text}");
        }

        var matchTexts = Completions(pattern).Select(text => ImageReference.TryParse(text, out var image) ? image.MatchText : "").Where(text => text.Length > 0).ToArray();
        return matchTexts.Any(pattern.Matches) ? null
            : matchTexts.Length == 0 ? Finding("no image reference is spelled like it", "mend the spelling")
            : Finding($"names are normalised before they are matched, and this one would be `{Shown.Value(matchTexts[0])}`", "write the registry and the repository in full, in lower case");

        LintFinding Finding(string why, string remedy) =>
            new(LintRule.PatternNeverMatches, file, mark, $"`{Shown.Value(pattern.Text)}` matches no image: {why}", remedy);
    }

    /// <summary>What stands after the literal part is free; if the pattern matches none of these, it matches nothing.</summary>
    private static string[] Completions(NamePattern pattern)
    {
        var literal = pattern.Prefix;
        if (pattern.Kind is NamePatternKind.Exact)
        {
            return [literal];
        }

        var at = literal.IndexOf('@', StringComparison.Ordinal);
        if (at < 0)
        {
            return [literal, literal + "x", literal + "x/x"];
        }

        var begun = literal[(at + 1)..];
        string[] algorithms = [.. Algorithms.Append($"{begun}:").Append($"{begun}x:").Where(name => name.StartsWith(begun, StringComparison.Ordinal))];
        string[] starts = begun.Contains(':', StringComparison.Ordinal) ? [literal] : [.. algorithms.Select(name => literal[..(at + 1)] + name)];
        return [literal, .. starts.SelectMany(start => HexDigits.Select(digits => start.PadRight(start.IndexOf(':', at) + 1 + digits, '0')))];
    }

    /// <summary>Whether all that the narrower pattern matches the broader one matches too.</summary>
    internal static bool Covers(NamePattern broader, NamePattern narrower) =>
        broader.Kind is not NamePatternKind.Exact
        && narrower.Prefix.StartsWith(broader.Prefix, StringComparison.Ordinal)
        && (broader.Kind is NamePatternKind.DoubleStar
            || (narrower.Kind is not NamePatternKind.DoubleStar && !narrower.Prefix.AsSpan(broader.Prefix.Length).Contains('/')));
}
