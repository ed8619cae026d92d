using CsCheck;
using PolicyService.Evidence.Caching;

namespace PolicyService.Evidence.Tests.Caching;

public sealed class CacheKeyTests
{
    private const string Kind = "key";

    /// <summary>Lists that a joined string, a trimmed one or a re-encoded one would confuse.</summary>
    public static TheoryData<string, string[], string[]> Different => new()
    {
        { "a delimiter inside a part", ["a:b", "c"], ["a", "b:c"] },
        { "a NUL inside a part", ["a\0b"], ["a", "b"] },
        { "a part moved over", ["ab", ""], ["a", "b"] },
        { "an empty part more", ["a"], ["a", ""] },
        { "an empty part before", ["", "a"], ["a", ""] },
        { "no part and an empty one", [], [""] },
        { "another order", ["a", "b"], ["b", "a"] },
        { "a length written as text", ["\0\0\0\u0001a"], ["a"] },
        { "two lone surrogates", ["\ud800"], ["\ud801"] },
        { "a lone surrogate and its replacement", ["\udc00"], ["\ufffd"] },
        { "composed and decomposed", ["\u00e9"], ["e\u0301"] },
        { "case", ["a"], ["A"] },
        { "white space", ["a"], ["a "] },
    };

    [Theory, MemberData(nameof(Different)), Trait("attack", "88")]
    public void Different_lists_give_different_keys(string why, string[] one, string[] other) =>
        Assert.False(CacheKey.Of(Kind, one) == CacheKey.Of(Kind, other), why);

    [Fact, Trait("attack", "88")]
    public void Kind_is_no_part() => Assert.NotEqual(CacheKey.Of("a", "b").ToString()[^64..], CacheKey.Of("b", "a").ToString()[^64..]);

    [Fact, Trait("attack", "88")]
    public void Random_lists_give_one_key_only_if_they_are_one_list() =>
        Gen.Select(Lists, Lists).Sample((one, other) => CacheKey.Of(Kind, one) == CacheKey.Of(Kind, other) == one.SequenceEqual(other));

    [Fact]
    public void Text_names_version_kind_and_hash() => Assert.Matches("^ps:1:key:[0-9a-f]{64}$", CacheKey.Of(Kind, "a").ToString());

    [Fact]
    public void Default_is_no_key() => Assert.Throws<InvalidOperationException>(() => default(CacheKey).ToString());

    // Few letters, so that equal lists and near misses happen often.
    private static Gen<string[]> Lists => Gen.String[Gen.Char["ab:\0"], 0, 3].Array[0, 3];
}
