using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace PolicyService.Core.Images;

/// <summary>How far a name pattern reaches. Zero is the narrowest.</summary>
public enum NamePatternKind
{
    /// <summary>The whole text, character by character.</summary>
    Exact,

    /// <summary>A trailing <c>*</c>: anything that follows, but no further <c>/</c>.</summary>
    Star,

    /// <summary>A trailing <c>**</c>: anything that follows.</summary>
    DoubleStar,
}

/// <summary>
/// Image names a policy admits without evidence (SEMANTICS section 1). Every character but a trailing wildcard stands
/// for itself, and the pattern is not normalised: it admits what it says and nothing it resembles.
/// </summary>
public sealed record NamePattern
{
    internal const int MaxBytes = 1_024;

    private NamePattern(string text, string prefix, NamePatternKind kind) => (Text, Prefix, Kind) = (text, prefix, kind);

    /// <summary>The pattern as the policy spells it.</summary>
    public string Text { get; }

    public NamePatternKind Kind { get; }

    /// <summary>The text without its wildcard.</summary>
    internal string Prefix { get; }

    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out NamePattern? pattern) =>
        TryParse(text, out pattern, out _);

    /// <summary>Reads a pattern. The problem says what is wrong and what to do; it never repeats the text.</summary>
    public static bool TryParse(
        [NotNullWhen(true)] string? text,
        [NotNullWhen(true)] out NamePattern? pattern,
        [NotNullWhen(false)] out string? problem)
    {
        problem = ProblemOf(text);
        pattern = problem is null ? Read(text!) : null;
        return pattern is not null;
    }

    /// <summary>Whether the pattern covers an image's <see cref="ImageReference.MatchText"/>. A bare digest has none and is never covered.</summary>
    public bool Matches(string matchText) => Kind switch
    {
        NamePatternKind.Exact => string.Equals(matchText, Text, StringComparison.Ordinal),
        NamePatternKind.Star => matchText.StartsWith(Prefix, StringComparison.Ordinal) && !matchText.AsSpan(Prefix.Length).Contains('/'),
        NamePatternKind.DoubleStar => matchText.StartsWith(Prefix, StringComparison.Ordinal),
        _ => false,
    };

    public override string ToString() => Text;

    private static NamePattern Read(string text)
    {
        var prefix = text.TrimEnd('*');
        return new NamePattern(text, prefix, (text.Length - prefix.Length) switch
        {
            0 => NamePatternKind.Exact,
            1 => NamePatternKind.Star,
            _ => NamePatternKind.DoubleStar,
        });
    }

    private static string? ProblemOf(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return "the name pattern is empty: write an image name, or a prefix and `*` or `**`";
        }

        // The first test keeps the count of bytes from reading a text of any length.
        if (text.Length > MaxBytes || Encoding.UTF8.GetByteCount(text) > MaxBytes)
        {
            return "the name pattern is longer than 1,024 bytes: shorten it";
        }

        foreach (var character in text)
        {
            if (char.IsWhiteSpace(character) || char.IsControl(character))
            {
                return "the name pattern has white space or a control character: remove it";
            }
        }

        var wildcard = text.AsSpan().IndexOf('*');
        return wildcard < 0 ? null : ProblemOfWildcard(text.AsSpan(0, wildcard), text.AsSpan(wildcard));
    }

    private static string? ProblemOfWildcard(ReadOnlySpan<char> prefix, ReadOnlySpan<char> wildcard)
    {
        if (wildcard is not ("*" or "**"))
        {
            return "a wildcard stands in the middle or is longer than `**`: end the pattern with one `*` or `**`";
        }

        // Without a whole registry before it a wildcard would admit hosts that anyone can register.
        return prefix.IndexOf('/') > 0
            ? null
            : "a wildcard stands before the first `/`: write the registry in full, then `/`, then the wildcard";
    }
}
