using PolicyService.Core.Images;

namespace PolicyService.Core.Tests.Images;

public sealed class NamePatternTests
{
    private const string Sha = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    public static TheoryData<string, string, string, bool> OneStar => new()
    {
        { "digest", "gcr.io/nginx*", $"gcr.io/nginx@{Sha}", true },
        { "tag", "gcr.io/nginx*", "gcr.io/nginx:1", true },
        { "tag and digest", "gcr.io/nginx*", $"gcr.io/nginx:1@{Sha}", true },
        { "nothing more", "gcr.io/nginx*", "gcr.io/nginx", true },
        { "longer name", "gcr.io/nginx*", "gcr.io/nginx-evil", true },
        { "deeper", "gcr.io/nginx*", "gcr.io/nginx/image", false },
        { "shorter", "gcr.io/nginx*", "gcr.io/ngin", false },
        { "whole directory", "gcr.io/p/*", "gcr.io/p/i:1", true },
        { "below the directory", "gcr.io/p/*", "gcr.io/p/q/i:1", false },
    };

    public static TheoryData<string, string, string, bool> TwoStars => new()
    {
        { "deeper", "gcr.io/nginx**", "gcr.io/nginx/image", true },
        { "digest", "gcr.io/nginx**", $"gcr.io/nginx@{Sha}", true },
        { "nothing more", "gcr.io/nginx**", "gcr.io/nginx", true },
        { "much deeper", "gcr.io/**", "gcr.io/a/b/c/d:1", true },
        { "another host", "gcr.io/**", "gcr.io.evil.test/a", false },
        { "host within a path", "gcr.io/**", "evil.test/gcr.io/a", false },
    };

    public static TheoryData<string, string, string, bool> Literal => new()
    {
        { "dot", "gcr.io/p/i", "gcrXio/p/i", false },
        { "dot before a wildcard", "gcr.io/p/**", "gcrXio/p/i", false },
        { "plus", "gcr.io/a+*", "gcr.io/aa", false },
        { "plus itself", "gcr.io/a+*", "gcr.io/a+:1", true },
        { "parenthesis", "gcr.io/(a)*", "gcr.io/a", false },
        { "dollar", "gcr.io/a$", "gcr.io/a", false },
        { "caret", "^gcr.io/a", "gcr.io/a", false },
        { "bar", "gcr.io/a|gcr.io/b", "gcr.io/b", false },
        { "class", "gcr.io/[ab]*", "gcr.io/a", false },
        { "question mark", "gcr.io/?*", "gcr.io/a", false },
        { "backslash", "gcr.io/\\a*", "gcr.io/a", false },
        { "case", "gcr.io/P*", "gcr.io/p", false },
    };

    public static TheoryData<string, string, string, bool> Odd => new()
    {
        { "tag", "gcr.io/p/i:1", "gcr.io/p/i:1", true },
        { "another tag", "gcr.io/p/i:1", "gcr.io/p/i:2", false },
        { "tag beside a digest", "gcr.io/p/i:1", $"gcr.io/p/i:1@{Sha}", false },
        { "digest", $"gcr.io/p/i@{Sha}", $"gcr.io/p/i@{Sha}", true },
        { "any digest", "gcr.io/p/i@*", $"gcr.io/p/i@{Sha}", true },
        { "parent directory", "gcr.io/p/../q/*", "gcr.io/q/i", false },
        { "Cyrillic letter", "g\u0441r.io/p/*", "gcr.io/p/i", false },
        { "composed and decomposed", "gcr.io/\u00E9*", "gcr.io/e\u0301", false },
        { "ignorable character", "gcr.io/p\u00AD/*", "gcr.io/p/i", false },
        { "not normalised", "nginx", "docker.io/library/nginx", false },
        { "bare digest as a pattern", Sha, "", false },
    };

    public static TheoryData<string, string?> Empty => new()
    {
        { "missing", null },
        { "empty", "" },
        { "space", " " },
        { "spaces", "   " },
        { "space inside", "gcr.io/a b" },
        { "space last", "gcr.io/a " },
        { "space after the wildcard", "gcr.io/a* " },
        { "NUL", "gcr.io/a\0" },
        { "newline", "gcr.io/a\n" },
        { "tab", "gcr.io/\ta" },
        { "escape", "gcr.io/\u001Ba" },
        { "C1 control", "gcr.io/\u0085a" },
        { "no-break space", "gcr.io/\u00A0a" },
        { "ideographic space", "gcr.io/\u3000a" },
        { "line separator", "gcr.io/\u2028a" },
    };

    public static TheoryData<string, string> BeforeTheRegistry => new()
    {
        { "star", "*" },
        { "two stars", "**" },
        { "star for a host part", "*.gcr.io/x" },
        { "star at the end of a host", "gcr.*" },
        { "two stars at the end of a host", "gcr.io**" },
        { "star for a host", "*/x" },
        { "no host", "/*" },
        { "two slashes and no host", "//*" },
        { "name without a slash", "nginx*" },
    };

    public static TheoryData<string, string> NotLast => new()
    {
        { "in a word", "gcr.io/n*x" },
        { "for a directory", "gcr.io/*/x" },
        { "for any depth", "gcr.io/**/x" },
        { "three stars", "gcr.io/p***" },
        { "four stars", "gcr.io/p****" },
        { "twice", "gcr.io/*p*" },
        { "before a tag", "gcr.io/p*:1" },
    };

    [Theory, MemberData(nameof(OneStar))]
    [Trait("attack", "17")]
    public void One_star_stops_at_a_slash(string name, string pattern, string text, bool covered) => AssertMatch(name, pattern, text, covered);

    [Theory, MemberData(nameof(TwoStars))]
    [Trait("attack", "18")]
    public void Two_stars_cross_slashes(string name, string pattern, string text, bool covered) => AssertMatch(name, pattern, text, covered);

    [Fact]
    [Trait("attack", "19")]
    public void Two_stars_after_a_name_cover_its_neighbours() => AssertMatch("neighbour", "gcr.io/my-proj**", "gcr.io/my-proj-evil/x", covered: true);

    [Fact]
    [Trait("attack", "20")]
    public void Pattern_without_wildcard_is_exact()
    {
        AssertMatch("itself", "gcr.io/p/i", "gcr.io/p/i", covered: true);
        AssertMatch("digest", "gcr.io/p/i", $"gcr.io/p/i@{Sha}", covered: false);
        AssertMatch("tag", "gcr.io/p/i", "gcr.io/p/i:1", covered: false);
        AssertMatch("deeper", "gcr.io/p/i", "gcr.io/p/i/x", covered: false);
    }

    [Fact]
    [Trait("attack", "23")]
    public void Two_stars_are_not_a_literal_star() => AssertMatch("literal star", "gcr.io/p**", "gcr.io/p/i", covered: true);

    [Theory, MemberData(nameof(Odd))]
    [Trait("attack", "24")]
    public void Odd_pattern_is_literal(string name, string pattern, string text, bool covered) => AssertMatch(name, pattern, text, covered);

    [Theory, MemberData(nameof(Literal))]
    [Trait("attack", "25")]
    public void Other_characters_stand_for_themselves(string name, string pattern, string text, bool covered) =>
        AssertMatch(name, pattern, text, covered);

    [Theory, MemberData(nameof(Empty))]
    [Trait("attack", "24")]
    public void White_space_is_refused(string name, string? text) => AssertRefused(name, text);

    [Theory, MemberData(nameof(BeforeTheRegistry))]
    [Trait("attack", "21")]
    public void Wildcard_before_the_registry_is_refused(string name, string text) => AssertRefused(name, text);

    [Theory, MemberData(nameof(NotLast))]
    [Trait("attack", "22")]
    public void Wildcard_in_the_middle_is_refused(string name, string text) => AssertRefused(name, text);

    [Theory]
    [InlineData("gcr.io/p/i", NamePatternKind.Exact)]
    [InlineData("gcr.io/p/*", NamePatternKind.Star)]
    [InlineData("gcr.io/p/**", NamePatternKind.DoubleStar)]
    public void Kind_is_read_from_the_wildcard(string text, NamePatternKind kind)
    {
        Assert.True(NamePattern.TryParse(text, out var pattern));

        Assert.Equal((kind, text, text), (pattern.Kind, pattern.Text, pattern.ToString()));
    }

    [Fact]
    [Trait("attack", "29")]
    public void Limit_holds_at_its_edge()
    {
        Assert.True(NamePattern.TryParse($"gcr.io/{new string('a', 1_016)}*", out _));
        Assert.False(NamePattern.TryParse($"gcr.io/{new string('a', 1_017)}*", out _));
        Assert.True(NamePattern.TryParse($"gcr.io/a{new string('é', 508)}", out _));
        Assert.False(NamePattern.TryParse($"gcr.io/{new string('é', 509)}", out _), "bytes count, not characters");
        Assert.False(NamePattern.TryParse(new string('*', 10_000), out _));
    }

    [Fact]
    [Trait("attack", "13")]
    public void Spellings_of_one_image_match_alike()
    {
        Assert.True(NamePattern.TryParse("docker.io/library/nginx*", out var pattern));

        foreach (var text in (string[])["nginx", "library/nginx", "docker.io/nginx", "index.docker.io/library/nginx:1", "DOCKER.io/nginx"])
        {
            Assert.True(ImageReference.TryParse(text, out var image), text);
            Assert.True(pattern.Matches(image.MatchText), text);
        }
    }

    [Theory]
    [InlineData("port", "gcr.io:443/p/i")]
    [InlineData("longer host", "gcr.io.evil.test/p/i")]
    [InlineData("punycode of a look-alike", "xn--gr-nmc.io/p/i")]
    [InlineData("host within a path", "evil.test/gcr.io/p/i")]
    [InlineData("repository of that name", "library/gcr.io")]
    [InlineData("host by its capital alone", "Gcr/p/i")]
    [Trait("attack", "14")]
    public void Look_alike_host_is_not_covered(string name, string text)
    {
        Assert.True(NamePattern.TryParse("gcr.io/**", out var pattern));
        Assert.True(NamePattern.TryParse("gcr/**", out var label));
        Assert.True(ImageReference.TryParse(text, out var image), name);

        Assert.False(pattern.Matches(image.MatchText), name);
        Assert.False(label.Matches(image.MatchText), name);
    }

    [Fact]
    public void Problem_says_what_to_do_and_does_not_repeat_the_text()
    {
        Assert.False(NamePattern.TryParse("attacker*", out _, out var problem));

        Assert.Contains("registry", problem, StringComparison.Ordinal);
        Assert.DoesNotContain("attacker", problem, StringComparison.Ordinal);
    }

    private static void AssertMatch(string name, string text, string matchText, bool covered)
    {
        Assert.True(NamePattern.TryParse(text, out var pattern, out var problem), $"{name}: {problem}");
        Assert.True(pattern.Matches(matchText) == covered, name);
        Assert.Equal(covered ? pattern : null, new NamePatternSet([pattern]).Match(matchText));
    }

    private static void AssertRefused(string name, string? text)
    {
        Assert.False(NamePattern.TryParse(text, out var pattern, out var problem), name);
        Assert.Null(pattern);
        Assert.NotEmpty(problem);
    }
}
