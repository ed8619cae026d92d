using PolicyService.Core.Images;

namespace PolicyService.Core.Tests.Images;

public sealed class ImageReferenceRefusalTests
{
    private const string Hex = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    private const string Sha = $"sha256:{Hex}";

    public static TheoryData<string, string> Unusable => new()
    {
        { "sha384", $"sha384:{Hex}{Hex[..32]}" },
        { "sha512", $"sha512:{Hex}{Hex}" },
        { "md5", $"md5:{Hex[..32]}" },
        { "blake3", $"blake3:{Hex}" },
        { "unknown algorithm", $"foo:{Hex}" },
        { "algorithm of several parts", $"multi+part.of_many-things:{Hex}" },
        { "upper-case hex where no rule forbids it", $"foo:{Hex.ToUpperInvariant()}" },
        { "32 digits, the fewest", $"foo:{Hex[..32]}" },
    };

    public static TheoryData<string, string> MalformedDigest => new()
    {
        { "empty", "" },
        { "63 digits", Sha[..^1] },
        { "65 digits", $"{Sha}0" },
        { "upper-case hex", $"sha256:{Hex.ToUpperInvariant()}" },
        { "upper-case algorithm", $"SHA256:{Hex}" },
        { "mixed-case algorithm", $"Sha256:{Hex}" },
        { "upper-case unknown algorithm", $"Foo:{Hex}" },
        { "trailing space", $"{Sha} " },
        { "trailing newline", $"{Sha}\n" },
        { "trailing tab", $"{Sha}\t" },
        { "trailing NUL", $"{Sha}\0" },
        { "two digests", $"{Sha}@{Sha}" },
        { "digest of another algorithm before it", $"foo:{Hex}@{Sha}" },
        { "two @", $"@{Sha}" },
        { "tag after it", $"{Sha}:tag" },
        { "path after it", $"{Sha}/i" },
        { "short sha384", $"sha384:{Hex}" },
        { "sha512 of 127 digits", $"sha512:{Hex}{Hex[..^1]}" },
        { "sha512 of 129 digits", $"sha512:{Hex}{Hex}0" },
        { "upper-case sha384", $"sha384:{Hex}{Hex[..31]}A" },
        { "upper-case sha512", $"sha512:{Hex}{Hex[..^1]}A" },
        { "31 digits", $"foo:{Hex[..31]}" },
        { "no algorithm", Hex },
        { "empty algorithm", $":{Hex}" },
        { "not hex", $"foo:{Hex[..^1]}g" },
        { "separator first", $"+foo:{Hex}" },
        { "separator last", $"foo+:{Hex}" },
        { "two separators", $"foo+-bar:{Hex}" },
    };

    public static TheoryData<string, string> BareNotSha256 => new()
    {
        { "short sha256", "sha256:abc" },
        { "63 digits", Sha[..^1] },
        { "65 digits", $"{Sha}0" },
        { "upper-case algorithm", $"SHA256:{Hex}" },
        { "upper-case hex", $"sha256:{Hex.ToUpperInvariant()}" },
        { "empty sha256", "sha256:" },
        { "sha256 as a name with a digest", $"sha256:1@{Sha}" },
        { "sha256 as a host", "sha256:5000/i" },
        { "sha256 as a host in upper case", "SHA256:5000/i" },
        { "sha1", $"sha1:{Hex[..40]}" },
        { "sha224", $"sha224:{Hex[..56]}" },
        { "sha384", $"sha384:{Hex}{Hex[..32]}" },
        { "sha512", $"sha512:{Hex}{Hex}" },
        { "sha512-256", $"sha512-256:{Hex}" },
        { "md5", $"md5:{Hex[..32]}" },
        { "blake2b", $"blake2b:{Hex}" },
        { "blake3", $"blake3:{Hex}" },
        { "64 hex digits alone", Hex },
        { "only @", $"@{Sha}" },
        { "trailing space", $"{Sha} " },
        { "trailing newline", $"{Sha}\n" },
    };

    public static TheoryData<string, string?> MalformedName => new()
    {
        { "missing", null },
        { "empty", "" },
        { "space", " " },
        { "leading space", " nginx" },
        { "trailing space", "nginx " },
        { "trailing newline", "nginx\n" },
        { "NUL", "gcr.io/p\0/i" },
        { "upper-case repository", "gcr.io/p/I" },
        { "upper-case short name", "Nginx" },
        { "slash first", "/nginx" },
        { "slash last", "nginx/" },
        { "two slashes", "gcr.io//i" },
        { "parent directory", "gcr.io/../i" },
        { "this directory", "gcr.io/./i" },
        { "dot first", "gcr.io/.i" },
        { "dot last", "gcr.io/i." },
        { "dash first", "gcr.io/-i" },
        { "dash last", "gcr.io/i-" },
        { "two dots", "gcr.io/a..b" },
        { "three underscores", "gcr.io/a___b" },
        { "mixed separators", "gcr.io/a_.b" },
        { "wildcard", "gcr.io/p/*" },
        { "backslash", "gcr.io\\p" },
        { "query", "gcr.io/p?x" },
        { "user", "user@gcr.io/p" },
        { "empty tag", "nginx:" },
        { "empty tag before a digest", $"nginx:@{Sha}" },
        { "tag alone", ":tag" },
        { "two tags", "nginx:a:b" },
        { "tag with a slash", "nginx:a/b" },
        { "tag that starts with a dot", "nginx:.a" },
        { "tag that starts with a dash", "nginx:-a" },
        { "tag with a plus", "nginx:1+2" },
    };

    public static TheoryData<string, string> MalformedHost => new()
    {
        { "https", "https://gcr.io/p/i" },
        { "http", "http://gcr.io/p/i" },
        { "scheme without slashes", "https:/gcr.io/p/i" },
        { "trailing dot", "gcr.io./p/i" },
        { "trailing dot before a port", "gcr.io.:443/p/i" },
        { "leading dot", ".gcr.io/p/i" },
        { "two dots", "gcr..io/p/i" },
        { "label that starts with a dash", "-gcr.io/p/i" },
        { "label that ends with a dash", "gcr-.io/p/i" },
        { "empty port", "gcr.io:/p/i" },
        { "port with a letter", "gcr.io:44e/p/i" },
        { "two ports", "gcr.io:1:2/p/i" },
        { "percent-encoded dot", "gcr%2eio/p/i" },
        { "percent-encoded slash", "gcr.io/p%2fi" },
        { "percent-encoded digest", "gcr.io/p/i%40sha256:0" },
        { "Cyrillic letter", "g\u0441r.io/p/i" },
        { "full-width dot", "gcr\uFF0Eio/p/i" },
        { "Kelvin sign, which lower-cases to k", "doc\u212Aer.io/p/i" },
        { "soft hyphen", "gcr\u00AD.io/p/i" },
        { "zero-width space", "gcr.io/p\u200B/i" },
        { "underscore and port", "my_host:5000/i" },
        { "underscore and capital", "My_host.test/i" },
        { "IPv6 without brackets", "fc00::1:5000/i" },
        { "IPv6 not closed", "[::1/i" },
        { "IPv6 not opened", "::1]/i" },
        { "IPv6 empty", "[]:1/i" },
        { "IPv6 with a zone", "[fe80::1%eth0]:5000/i" },
        { "IPv6 with IPv4", "[2001:db8::192.0.2.33]:5000/i" },
        { "text between bracket and port", "[::1]x:5000/i" },
        { "IPv6 without repository", "[::1]:5000" },
    };

    [Theory, MemberData(nameof(Unusable))]
    [Trait("attack", "6")]
    public void Digest_of_another_algorithm_counts_as_none(string name, string digest)
    {
        Assert.True(ImageReference.TryParse($"gcr.io/p/i:t@{digest}", out var image, out var problem), $"{name}: {problem}");

        Assert.Null(image.Digest);
        Assert.True(image.HasUnusableDigest);
        Assert.Equal(("gcr.io/p/i", "t", $"gcr.io/p/i:t@{digest}"), (image.Name, image.Tag, image.MatchText));
    }

    [Theory, MemberData(nameof(MalformedDigest))]
    [Trait("attack", "6")]
    public void Malformed_digest_is_refused(string name, string digest)
    {
        AssertRefused(name, $"gcr.io/p/i@{digest}");
        AssertRefused(name, $"nginx:1@{digest}");
    }

    [Theory, MemberData(nameof(BareNotSha256))]
    [Trait("attack", "6")]
    public void Bare_digest_is_sha256_or_refused(string name, string text) => AssertRefused(name, text);

    [Theory, MemberData(nameof(MalformedName))]
    public void Malformed_name_or_tag_is_refused(string name, string? text) => AssertRefused(name, text);

    [Theory, MemberData(nameof(MalformedHost))]
    [Trait("attack", "14")]
    public void Malformed_host_is_refused(string name, string text) => AssertRefused(name, text);

    private static void AssertRefused(string name, string? text)
    {
        Assert.False(ImageReference.TryParse(text, out var image, out var problem), name);
        Assert.Null(image);
        Assert.NotEmpty(problem);
    }
}
