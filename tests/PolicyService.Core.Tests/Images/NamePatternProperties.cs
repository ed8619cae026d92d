using CsCheck;
using PolicyService.Core.Images;

namespace PolicyService.Core.Tests.Images;

public sealed class NamePatternProperties
{
    // Few characters, so that prefixes of each other come up often; '!' sorts before '/', and '_' between the cases of a letter.
    private static readonly Gen<string> Text = Gen.String[Gen.Char["!/b_B"], 0, 7].Select(rest => $"h/{rest}");
    private static readonly Gen<string> PatternText = Gen.Select(Text, Gen.OneOf("", "*", "**")).Select((text, wildcard) => text + wildcard);

    [Fact]
    public void Pattern_agrees_with_a_plain_matcher() => Gen.Select(PatternText, Text).Sample(
        (pattern, text) => Assert.Equal(PlainlyCovers(pattern, text), Parse(pattern).Matches(text)),
        iter: 20_000);

    [Fact]
    public void Set_agrees_with_trying_every_pattern() => Gen.Select(PatternText.Array[0, 30], Text).Sample(
        (patterns, text) =>
        {
            var found = new NamePatternSet(patterns.Select(Parse)).Match(text);

            Assert.Equal(patterns.Any(pattern => PlainlyCovers(pattern, text)), found is not null);
            Assert.True(found is null || (patterns.Contains(found.Text) && PlainlyCovers(found.Text, text)));
        },
        iter: 20_000);

    [Fact]
    public void Order_of_patterns_does_not_change_the_answer() => Gen.Select(PatternText.Array[0, 30], Text).Sample(
        (patterns, text) => new NamePatternSet(patterns.Select(Parse)).Match(text) == new NamePatternSet(patterns.Reverse().Select(Parse)).Match(text));

    [Fact]
    [Trait("attack", "24")]
    public void Any_text_is_a_pattern_or_has_a_problem() => Gen.OneOf(Gen.String, Gen.String[Gen.Char["a/* "], 0, 8]).Sample(text =>
    {
        if (NamePattern.TryParse(text, out var pattern, out var problem))
        {
            Assert.Equal(text, pattern.Text);
            Assert.False(pattern.Matches(""));
        }
        else
        {
            Assert.NotEmpty(problem);
        }
    });

    [Fact]
    [Trait("attack", "29")]
    public void Any_text_is_looked_up() => Gen.Select(PatternText.Array[0, 5], Gen.String).Sample((patterns, text) =>
    {
        new NamePatternSet(patterns.Select(Parse)).Match(text);
    });

    /// <summary>Tries the wildcard on every ending of the text in turn.</summary>
    private static bool PlainlyCovers(string pattern, string text) => Enumerable.Range(0, text.Length + 1).Any(cut =>
    {
        var (head, ending) = (text[..cut], text[cut..]);
        return pattern == $"{head}**" || (pattern == $"{head}*" && ending.Split('/').Length == 1) || (pattern == head && ending == "");
    });

    private static NamePattern Parse(string text) =>
        NamePattern.TryParse(text, out var pattern, out var problem) ? pattern : throw new InvalidOperationException($"{text}: {problem}");
}
