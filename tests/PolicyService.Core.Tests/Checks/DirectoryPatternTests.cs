using PolicyService.Core.Checks;

namespace PolicyService.Core.Tests.Checks;

public sealed class DirectoryPatternTests
{
    public static TheoryData<string, string> Rejected => new()
    {
        { "star within a word", "gcr.i*" },
        { "star within the registry", "sub*domain.gcr.io/x" },
        { "star ends inside a word, so another's domain would do", "*pkg.dev/x" },
        { "two stars before the registry", "**-docker.pkg.dev" },
        { "a whole top-level domain", "*.io" },
        { "one word", "localhost/x" },
        { "a star alone", "*" },
        { "three stars", "gcr.io/p/***" },
        { "star within the path", "gcr.io/p*/x" },
        { "star in the middle of the path", "gcr.io/*/x" },
        { "empty", "" },
        { "empty part of the path", "gcr.io//x" },
        { "trailing slash", "gcr.io/p/" },
        { "empty word", "gcr..io/p" },
        { "white space", "gcr .io/p" },
    };

    public static TheoryData<string, string, string, bool> Contained => new()
    {
        { "directly inside", "gcr.io/p", "gcr.io/p/app", true },
        { "not deeper without a star", "gcr.io/p", "gcr.io/p/team/app", false },
        { "not the directory itself", "gcr.io/p", "gcr.io/p", false },
        { "not a sibling that begins alike", "gcr.io/p", "gcr.io/p-evil/app", false },
        { "one star: inside a direct sub-directory", "gcr.io/p/*", "gcr.io/p/team/app", true },
        { "one star: not the directory's own", "gcr.io/p/*", "gcr.io/p/app", false },
        { "one star: not deeper", "gcr.io/p/*", "gcr.io/p/team/sub/app", false },
        { "two stars: the directory's own", "gcr.io/p/**", "gcr.io/p/app", true },
        { "two stars: deeper", "gcr.io/p/**", "gcr.io/p/team/sub/app", true },
        { "two stars: not a sibling", "gcr.io/p/**", "gcr.io/p-evil/app", false },
        { "registry part: one region", "*-docker.pkg.dev/p/r", "europe-docker.pkg.dev/p/r/app", true },
        { "registry part: not across a dot", "*-docker.pkg.dev/p/r", "evil.europe-docker.pkg.dev/p/r/app", false },
        { "registry part: not nothing", "*-docker.pkg.dev/p/r", "-docker.pkg.dev/p/r/app", false },
        { "subdomain", "*.gcr.io/p", "eu.gcr.io/p/app", true },
        { "subdomain: not another domain", "*.gcr.io/p", "evilgcr.io/p/app", false },
        { "subdomain: not the domain itself", "*.gcr.io/p", "gcr.io/p/app", false },
        { "a bare digest lies nowhere", "gcr.io/p/**", "", false },
    };

    [Theory, MemberData(nameof(Rejected))]
    [Trait("attack", "27")]
    public void TryParse_rejects(string name, string text)
    {
        Assert.False(DirectoryPattern.TryParse(text, out _, out var problem), name);
        Assert.NotEmpty(problem);
    }

    [Theory, MemberData(nameof(Contained))]
    [Trait("attack", "27")]
    public void Directory_contains(string name, string pattern, string image, bool contains)
    {
        Assert.True(DirectoryPattern.TryParse(pattern, out var directory, out _), name);
        Assert.True(directory.Contains(image) == contains, name);
    }
}
