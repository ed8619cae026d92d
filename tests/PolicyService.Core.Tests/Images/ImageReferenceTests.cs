using PolicyService.Core.Images;

namespace PolicyService.Core.Tests.Images;

public sealed class ImageReferenceTests
{
    private const string Hex = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    private const string Sha = $"sha256:{Hex}";

    public static TheoryData<string, string, string> Normalised => new()
    {
        { "short name", "nginx", "docker.io/library/nginx" },
        { "official image", "library/nginx", "docker.io/library/nginx" },
        { "Docker Hub, official", "docker.io/nginx", "docker.io/library/nginx" },
        { "full name", "docker.io/library/nginx", "docker.io/library/nginx" },
        { "old name of Docker Hub", "index.docker.io/library/nginx", "docker.io/library/nginx" },
        { "old name of Docker Hub, official", "index.docker.io/nginx", "docker.io/library/nginx" },
        { "Docker Hub in upper case", "DOCKER.IO/nginx", "docker.io/library/nginx" },
        { "old name in upper case", "Index.Docker.io/nginx", "docker.io/library/nginx" },
        { "team on Docker Hub", "team/app", "docker.io/team/app" },
        { "deeper on Docker Hub", "team/app/part", "docker.io/team/app/part" },
        { "no tag is added", "ghcr.io/acme/api", "ghcr.io/acme/api" },
        { "tag stays", "nginx:1.27", "docker.io/library/nginx:1.27" },
        { "digest stays", $"nginx@{Sha}", $"docker.io/library/nginx@{Sha}" },
        { "tag and digest stay", $"nginx:1.27@{Sha}", $"docker.io/library/nginx:1.27@{Sha}" },
        { "case of a tag stays", "nginx:RC_1", "docker.io/library/nginx:RC_1" },
    };

    public static TheoryData<string, string, string> Hosts => new()
    {
        { "lower-cased", "GCR.io/p/i", "gcr.io/p/i" },
        { "port stays", "gcr.io:443/p/i", "gcr.io:443/p/i" },
        { "port keeps its zeros", "gcr.io:0443/p/i", "gcr.io:0443/p/i" },
        { "Docker Hub with a port is another host", "docker.io:443/nginx", "docker.io:443/nginx" },
        { "localhost", "localhost/i", "localhost/i" },
        { "localhost in upper case", "LOCALHOST/i", "localhost/i" },
        { "single label with a port", "registry:5000/i", "registry:5000/i" },
        { "single label without one", "registry/i", "docker.io/registry/i" },
        { "IPv4", "192.168.1.1:5000/i", "192.168.1.1:5000/i" },
        { "IPv6", "[2001:DB8::1]/i", "[2001:db8::1]/i" },
        { "IPv6 with a port", "[::1]:5000/i:t", "[::1]:5000/i:t" },
        { "punycode", "xn--n3h.com/i", "xn--n3h.com/i" },
        { "no slash: a name", "gcr.io", "docker.io/library/gcr.io" },
        { "no slash: a name and tag", "test.com:5000", "docker.io/library/test.com:5000" },
        { "underscore, as nodes take it", "my_host.test/i", "my_host.test/i" },
        { "host by its capital alone stays", "Acme/api", "Acme/api" },
        { "digits of a port beside a tag", "a.test:1/i:1", "a.test:1/i:1" },
    };

    public static TheoryData<string, string> Repositories => new()
    {
        { "one character", "a" },
        { "dot", "a.b" },
        { "one underscore", "a_b" },
        { "two underscores", "a__b" },
        { "run of dashes", "a---b" },
        { "mixed", "a.b_c__d-e" },
        { "digits first", "0a" },
        { "64 hex digits below a host", Hex },
    };

    [Theory, MemberData(nameof(Normalised))]
    [Trait("attack", "13")]
    public void Spellings_of_one_image_have_one_match_text(string name, string text, string matchText) => AssertMatchText(name, text, matchText);

    [Theory, MemberData(nameof(Hosts))]
    [Trait("attack", "14")]
    public void Host_is_read_as(string name, string text, string matchText) => AssertMatchText(name, text, matchText);

    [Theory, MemberData(nameof(Repositories))]
    public void Repository_may_have(string name, string repository) => AssertMatchText(name, $"gcr.io/{repository}", $"gcr.io/{repository}");

    [Fact]
    [Trait("attack", "3")]
    public void Tag_and_digest_are_both_read()
    {
        Assert.True(ImageReference.TryParse($"ghcr.io/acme/api:1.2@{Sha}", out var image));

        Assert.Equal($"ghcr.io/acme/api:1.2@{Sha}", image.Text);
        Assert.Equal("ghcr.io/acme/api", image.Name);
        Assert.Equal("1.2", image.Tag);
        Assert.Equal(Sha, image.Digest?.ToString());
        Assert.False(image.HasUnusableDigest);
    }

    [Fact]
    public void Name_alone_has_neither_tag_nor_digest()
    {
        Assert.True(ImageReference.TryParse("nginx", out var image));

        Assert.Equal(("nginx", "docker.io/library/nginx"), (image.Text, image.Name));
        Assert.Null(image.Tag);
        Assert.Null(image.Digest);
        Assert.False(image.HasUnusableDigest);
    }

    [Fact]
    public void Bare_digest_has_no_name()
    {
        Assert.True(ImageReference.TryParse(Sha, out var image));

        Assert.Equal((Sha, "", ""), (image.Text, image.Name, image.MatchText));
        Assert.Null(image.Tag);
        Assert.Equal(Sha, image.Digest?.ToString());
        Assert.False(image.HasUnusableDigest);
    }

    [Fact]
    public void Hex_after_a_colon_is_a_tag()
    {
        Assert.True(ImageReference.TryParse($"nginx:{Hex[..40]}", out var image));

        Assert.Equal(Hex[..40], image.Tag);
        Assert.Null(image.Digest);
    }

    private static void AssertMatchText(string name, string text, string matchText)
    {
        Assert.True(ImageReference.TryParse(text, out var image, out var problem), $"{name}: {problem}");
        Assert.Equal(matchText, image.MatchText);
        Assert.Equal(text, image.Text);
    }
}
