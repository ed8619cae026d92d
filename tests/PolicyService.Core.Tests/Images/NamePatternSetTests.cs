using PolicyService.Core.Images;

namespace PolicyService.Core.Tests.Images;

public sealed class NamePatternSetTests
{
    public static TheoryData<string, string, string?> Chosen => new()
    {
        { "exact before wildcards", "gcr.io/p/i", "gcr.io/p/i" },
        { "longest prefix", "gcr.io/p/i:1", "gcr.io/p/i*" },
        { "narrower of two with one prefix", "gcr.io/p/j", "gcr.io/p/*" },
        { "wider where the narrower stops", "gcr.io/p/j/k", "gcr.io/p/**" },
        { "past a longer prefix that does not fit", "gcr.io/p/zz/k", "gcr.io/p/**" },
        { "first in order", "a.test/x", "a.test/**" },
        { "sorts before every prefix", "A.test/x", null },
        { "sorts after every prefix", "z.test/x", null },
        { "sorts between", "gcr.io/q", null },
        { "prefix of a prefix", "gcr.io/", null },
        { "empty, as of a bare digest", "", null },
    };

    [Theory, MemberData(nameof(Chosen))]
    public void Match_chooses(string name, string text, string? pattern)
    {
        var set = Set("gcr.io/p/**", "gcr.io/p/*", "gcr.io/p/i*", "gcr.io/p/i", "gcr.io/p/z*", "a.test/**", "gcr.io/qq/**");

        Assert.True(set.Match(text)?.Text == pattern, name);
    }

    [Fact]
    public void Empty_set_matches_nothing()
    {
        Assert.Null(NamePatternSet.Empty.Match("gcr.io/p/i"));
        Assert.Null(NamePatternSet.Empty.Match(""));
    }

    [Fact]
    public void Patterns_may_be_listed_twice() =>
        Assert.NotNull(Set("gcr.io/a", "gcr.io/a", "gcr.io/b*", "gcr.io/b*").Match("gcr.io/b1"));

    // Trying each of 100,000 patterns would take ten thousand million steps: a look-up of that kind does not end in time.
    [Fact]
    [Trait("attack", "29")]
    public void Look_up_does_not_try_every_pattern()
    {
        var set = Set([.. Enumerable.Range(0, 100_000).Select(number => $"gcr.io/p{number:D6}/*"), "gcr.io/**"]);

        for (var number = 0; number < 100_000; number++)
        {
            Assert.Equal($"gcr.io/p{number:D6}/*", set.Match($"gcr.io/p{number:D6}/i:1")?.Text);
        }

        Assert.Equal("gcr.io/**", set.Match("gcr.io/p000000/a/b")?.Text);
    }

    // The deepest chain a name can meet: every prefix is listed, none of them covers the text.
    [Fact]
    [Trait("attack", "29")]
    public void Deepest_chain_of_prefixes_is_walked_in_linear_time()
    {
        var longest = $"gcr.io/{new string('a', 1_016)}";
        var set = Set([.. Enumerable.Range("gcr.io/".Length, 1_016).Select(length => $"{longest[..length]}*")]);

        for (var round = 0; round < 1_000; round++)
        {
            Assert.Null(set.Match($"{longest}/"));
        }
    }

    private static NamePatternSet Set(params string[] patterns) => new(patterns.Select(text =>
    {
        Assert.True(NamePattern.TryParse(text, out var pattern, out var problem), $"{text}: {problem}");
        return pattern;
    }));
}
