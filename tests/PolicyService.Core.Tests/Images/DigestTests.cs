using PolicyService.Core.Images;

namespace PolicyService.Core.Tests.Images;

public sealed class DigestTests
{
    private const string Hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    public static TheoryData<string, string?> Rejected => new()
    {
        { "missing", null },
        { "empty", "" },
        { "no algorithm", Hex },
        { "63 digits", $"sha256:{Hex[..^1]}" },
        { "65 digits", $"sha256:{Hex}0" },
        { "upper-case digits", $"sha256:{Hex.ToUpperInvariant()}" },
        { "upper-case algorithm", $"SHA256:{Hex}" },
        { "one digit outside hex", $"sha256:{Hex[..^1]}g" },
        { "full-width digit", $"sha256:{Hex[..^1]}\uFF11" },
        { "trailing space", $"sha256:{Hex} " },
        { "leading space", $" sha256:{Hex}" },
        { "space in place of a digit", $"sha256:{Hex[..^1]} " },
        { "trailing newline", $"sha256:{Hex}\n" },
        { "another algorithm of that length", $"sha512:{Hex}" },
        { "sha512", $"sha512:{Hex}{Hex}" },
        { "name before it", $"nginx@sha256:{Hex}" },
    };

    [Fact]
    public void TryParse_reads_what_ToString_writes()
    {
        Assert.True(Digest.TryParse($"sha256:{Hex}", out var digest));

        Assert.Equal(Hex, digest.Hex);
        Assert.Equal($"sha256:{Hex}", digest.ToString());
    }

    [Theory, MemberData(nameof(Rejected))]
    [Trait("attack", "6")]
    public void TryParse_rejects(string name, string? text)
    {
        Assert.False(Digest.TryParse(text, out var digest), name);
        Assert.Equal(default, digest);
    }

    [Fact]
    public void Of_hashes_the_content() => Assert.Equal($"sha256:{Hex}", Digest.Of([]).ToString());

    [Fact]
    public void Digests_of_equal_text_are_equal()
    {
        Assert.True(Digest.TryParse($"sha256:{Hex}", out var digest));

        Assert.Equal(Digest.Of([]), digest);
        Assert.NotEqual(Digest.Of([0]), digest);
    }

    [Fact]
    public void Default_is_no_digest()
    {
        Assert.Throws<InvalidOperationException>(() => default(Digest).Hex);
        Assert.NotEqual(Digest.Of([]), default);
    }
}
