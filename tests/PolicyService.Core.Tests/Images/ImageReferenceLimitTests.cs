using PolicyService.Core.Images;

namespace PolicyService.Core.Tests.Images;

public sealed class ImageReferenceLimitTests
{
    private const string Hex = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    public static TheoryData<string, string, bool> Limits => new()
    {
        { "1,024 bytes", $"{Host(1_022)}/i", true },
        { "1,025 bytes", $"{Host(1_023)}/i", false },
        { "path of 255", $"gcr.io/{new string('a', 255)}", true },
        { "path of 256", $"gcr.io/{new string('a', 256)}", false },
        { "path of 255 in parts", $"gcr.io/{Components(255)}", true },
        { "path of 256 in parts", $"gcr.io/b{Components(255)}", false },
        { "path of 255 after a long host", $"{Host(500)}/{new string('a', 255)}", true },
        { "path of 255 with tag and digest", $"gcr.io/{new string('a', 255)}:1@sha256:{Hex}", true },
        { "path of 255 with `library/`", new string('a', 247), true },
        { "path of 256 with `library/`", new string('a', 248), false },
        { "tag of 128", $"nginx:{new string('a', 128)}", true },
        { "tag of 129", $"nginx:{new string('a', 129)}", false },
    };

    public static TheoryData<string, string> Longest => new()
    {
        { "labels", Fill("a.", "a/i") },
        { "dashes in a label", Fill("-", "a.b/i", "a") },
        { "dashes that never end", Fill("-", "", "gcr.io/a") },
        { "underscores", Fill("_", "", "gcr.io/a") },
        { "separators", Fill("a-", "", "gcr.io/") },
        { "slashes", Fill("/", "", "gcr.io") },
        { "colons", Fill(":", "", "gcr.io") },
        { "at signs", Fill("@", "", "gcr.io/a") },
        { "algorithm separators", Fill("a+", "", "gcr.io/a@") },
        { "hex digits", Fill("0", "", "gcr.io/a@foo:") },
        { "open brackets", Fill("[", "/i:") },
        { "digits of a port", Fill("1", "/i", "gcr.io:") },
    };

    public static TheoryData<string, string, string> Remedies => new()
    {
        { "empty", "", "empty" },
        { "too long", new string('a', 1_025), "1,024 bytes" },
        { "too long a path", new string('a', 256), "255 characters" },
        { "white space", "a b", "white space" },
        { "not ASCII", "é", "punycode" },
        { "scheme", "https://gcr.io/p", "scheme" },
        { "percent sign", "gcr%2eio/p", "percent" },
        { "hex alone", Hex, "`sha256:`" },
        { "another bare digest", $"sha1:{Hex[..40]}", "without a name" },
        { "host", "gcr.io./p", "host" },
        { "repository", "gcr.io/P", "repository" },
        { "tag", "nginx:", "tag" },
        { "digest", "nginx@x", "`@sha256:`" },
    };

    [Theory, MemberData(nameof(Limits))]
    public void Limit_holds_at_its_edge(string name, string text, bool parses) =>
        Assert.True(ImageReference.TryParse(text, out _) == parses, name);

    // Every case is read a thousand times: what takes more than linear time shows as a run that does not end.
    [Theory, MemberData(nameof(Longest))]
    [Trait("attack", "29")]
    public void Longest_text_is_read_in_linear_time(string name, string text)
    {
        Assert.True(text.Length is > 1_020 and <= 1_024, name);
        var parses = ImageReference.TryParse(text, out _);

        for (var round = 0; round < 1_000; round++)
        {
            Assert.Equal(parses, ImageReference.TryParse(text, out _));
        }
    }

    [Fact]
    [Trait("attack", "29")]
    public void Text_over_the_limit_is_refused_before_it_is_read() =>
        Assert.False(ImageReference.TryParse(new string('a', 50_000_000), out _));

    [Theory, MemberData(nameof(Remedies))]
    public void Problem_names_what_is_wrong(string name, string text, string word)
    {
        Assert.False(ImageReference.TryParse(text, out _, out var problem), name);

        Assert.Contains(word, problem, StringComparison.Ordinal);
        Assert.False(problem.EndsWith('.'), name);
    }

    [Fact]
    public void Problem_does_not_repeat_the_text()
    {
        Assert.False(ImageReference.TryParse("gcr.io/attacker-was-here/I", out _, out var problem));

        Assert.DoesNotContain("attacker", problem, StringComparison.Ordinal);
    }

    private static string Host(int length) => $"a.{new string('b', length - 2)}";

    private static string Components(int length) => string.Concat(Enumerable.Repeat("a/", length / 2)) + "a";

    private static string Fill(string unit, string end, string start = "") =>
        start + string.Concat(Enumerable.Repeat(unit, (1_024 - start.Length - end.Length) / unit.Length)) + end;
}
