using CsCheck;
using PolicyService.Core.Documents;
using PolicyService.Core.Images;
using PolicyService.Core.Linting;

namespace PolicyService.Core.Tests.Linting;

public sealed class PatternCoverTests
{
    private static readonly Gen<string> PatternText = Gen.Select(
        Gen.OneOf("h.io/", "h.io/a", "h.io/a/", "i.io/"), Gen.String[Gen.Char["ab/@"], 0, 5], Gen.OneOf("", "*", "**"),
        (host, rest, star) => host + rest + star);

    /// <summary>The rule in one line for each pair: slow, and plainly what is meant.</summary>
    [Fact]
    public void Finds_what_comparing_every_pair_finds() => PatternText.Array[0, 40].Sample(
        texts =>
        {
            var patterns = Array.ConvertAll(texts, Parse);
            var covers = PatternCover.Broader(patterns);
            return patterns.Index().All(item => covers[item.Index] == Broader(patterns, item.Index));
        },
        iter: 20_000);

    [Fact]
    public void Shadowed_patterns_are_found_through_the_linter() => PatternText.Array[0, 12].Sample(
        texts =>
        {
            var patterns = Array.ConvertAll(texts, Parse);
            var findings = PatternLinter.Lint("policy.yaml", [.. patterns.Select((pattern, index) => (pattern, new Mark(index + 1, 1)))]).ToArray();
            var unmatched = findings.Where(finding => finding.Rule.Code == "PS022").Select(finding => finding.Mark.Line).ToHashSet();
            return findings.Where(finding => finding.Rule.Code == "PS023").Select(finding => finding.Mark.Line)
                .SequenceEqual(Enumerable.Range(1, patterns.Length).Where(line => !unmatched.Contains(line) && Broader(patterns, line - 1) is not null));
        },
        iter: 5_000);

    /// <summary>Every pair would be 5,000,000,000 comparisons. How many there are is counted, not how long they take.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    public void Number_of_comparisons_grows_like_that_of_the_patterns(int seed)
    {
        const int Count = 100_000;
        var random = new Random(seed);
        var patterns = Enumerable.Range(0, Count)
            .Select(index => Parse($"h{random.Next(3)}.io/{new string('a', index % 200)}/{random.Next(Count)}{(index % 3) switch { 0 => "", 1 => "*", _ => "**" }}"))
            .ToArray();

        var comparisons = PatternCover.Comparisons(patterns);

        Assert.InRange(comparisons, 0, 3L * Count);
    }

    [Fact]
    public void Chain_of_prefixes_costs_no_more()
    {
        var patterns = Enumerable.Range(0, 1_000).Select(length => Parse($"h.io/{new string('a', length)}{(length % 2 == 0 ? "*" : "**")}")).ToArray();

        Assert.InRange(PatternCover.Comparisons(patterns), 0, 3L * patterns.Length);
    }

    private static NamePattern? Broader(NamePattern[] patterns, int index) => patterns
        .Where((candidate, other) => candidate.Text == patterns[index].Text ? other < index : PatternLinter.Covers(candidate, patterns[index]))
        .FirstOrDefault();

    private static NamePattern Parse(string text) => NamePattern.TryParse(text, out var pattern, out var problem) ? pattern : throw new ArgumentException(problem, nameof(text));
}
