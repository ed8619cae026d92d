using CsCheck;
using PolicyService.Core.Documents;
using PolicyService.Core.Images;
using PolicyService.Core.Linting;

namespace PolicyService.Core.Tests.Linting;

public sealed class PatternLinterProperties
{
    private static readonly Gen<string> Hex = Gen.Char["0123456789abcdef"].Array[64].Select(digits => new string(digits));
    private static readonly Gen<string> Digest = Hex.SelectMany(hex => Gen.OneOf("", $"@sha256:{hex}", $"@sha384:{hex}{hex[..32]}", $"@sha512:{hex}{hex}", $"@foo+bar:{hex}"));
    private static readonly Gen<string> Reference = Gen.Select(
        Gen.OneOf("", "docker.io/", "index.docker.io/", "h.io/", "H.io/", "h.io:5000/"),
        Gen.OneOf("a", "ab", "a/b", "a/b/c", "library/a", "a-b/a__b", "a.b"),
        Gen.OneOf("", ":a", ":1.a"),
        Digest).Select((host, path, tag, digest) => host + path + tag + digest);

    private static readonly Gen<string> PatternText = Gen.OneOf(
        Reference,
        Gen.Select(Gen.OneOf("docker.io/", "h.io/", "H.io/", "h.io:5000/"), Gen.String[Gen.Char["abA./-_:@"], 0, 5], Gen.OneOf("*", "**")).Select((host, rest, star) => host + rest + star));

    [Fact]
    public void Shadowed_pattern_matches_nothing_that_the_broader_one_does_not() =>
        Gen.Select(PatternText, PatternText, Gen.OneOf(Reference.Select(MatchText), Gen.String[Gen.Char["h.io/ab:@"], 0, 12])).Sample(
            (broader, narrower, text) => !PatternLinter.Covers(Parse(broader), Parse(narrower)) || !Parse(narrower).Matches(text) || Parse(broader).Matches(text),
            iter: 50_000);

    [Fact]
    public void Pattern_that_is_said_to_match_nothing_matches_no_image() => Gen.Select(PatternText, Reference).Sample(
        (pattern, reference) => !IsSaidNeverToMatch(pattern) || !Parse(pattern).Matches(MatchText(reference)),
        iter: 50_000);

    [Fact]
    public void Beginning_of_a_normalised_name_is_never_said_to_match_nothing() => Gen.Select(Reference, Gen.Double.Unit, Gen.OneOf("*", "**")).Sample(
        (reference, cut, star) =>
        {
            var text = MatchText(reference);
            var path = text.IndexOf('/', StringComparison.Ordinal) + 1;
            var length = path + (int)(cut * (text.Length - path));
            return (star == "*" && text.AsSpan(length).Contains('/')) || !IsSaidNeverToMatch(text[..length] + star);
        },
        iter: 50_000);

    private static bool IsSaidNeverToMatch(string pattern) =>
        PatternLinter.Lint("policy.yaml", [(Parse(pattern), new Mark(1, 1))]).Any(finding => finding.Rule == LintRule.PatternNeverMatches);

    private static NamePattern Parse(string text) => NamePattern.TryParse(text, out var pattern, out var problem) ? pattern : throw new ArgumentException(problem, nameof(text));

    private static string MatchText(string reference) => ImageReference.TryParse(reference, out var image) ? image.MatchText : throw new ArgumentException(reference, nameof(reference));
}
