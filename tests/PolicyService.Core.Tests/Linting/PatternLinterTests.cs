using PolicyService.Core.Linting;

namespace PolicyService.Core.Tests.Linting;

public sealed class PatternLinterTests
{
    private const string Digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    [Theory]
    [InlineData("PS020", "gcr.io/proj**", "`gcr.io/proj-evil/x`", "`gcr.io/proj/**`")]
    [InlineData("PS020", "gcr.io/proj/app*", "`gcr.io/proj/app-evil`", "`gcr.io/proj/app@*`")]
    [InlineData("PS020", "gcr.io/proj/app@sha256:e3*", "an attacker can make one", "`gcr.io/proj/app@*`")]
    [InlineData("PS021", "gcr.io/proj/app:v1", "names no digest", "by digest")]
    [InlineData("PS021", "gcr.io/proj/app:*", "names no digest", "by digest")]
    [InlineData("PS021", "gcr.io/proj/app:v*", "names no digest", "by digest")]
    [InlineData("PS021", "gcr.io/proj/app", "names no digest", "by digest")]
    [InlineData("PS021", "localhost:5000/app", "names no digest", "by digest")]
    [InlineData("PS022", "nginx", "`docker.io/library/nginx`", "in full")]
    [InlineData("PS022", "docker.io/nginx:1", "`docker.io/library/nginx:1`", "in full")]
    [InlineData("PS022", "docker.io/*", "`docker.io/library/x`", "in full")]
    [InlineData("PS022", "index.docker.io/library/*", "`docker.io/library/x`", "in full")]
    [InlineData("PS022", "GCR.io/proj/*", "`gcr.io/proj/x`", "in lower case")]
    [InlineData("PS022", "gcr.io/Proj/*", "no image reference", "spelling")]
    [InlineData("PS022", "gcr.io/proj/app@sha256:e3b0", "no image reference", "spelling")]
    [InlineData("PS022", "gcr.io/proj/app@sha256:E3*", "no image reference", "spelling")]
    [InlineData("PS022", Digest, "bare digest", "<registry>/<repository>@sha256:")]
    public void Pattern_is_found(string code, string pattern, string message, string remedy)
    {
        var finding = Assert.Single(new Documents().WithAllowlist(pattern).Lint());

        Assert.Equal((code, "policy.yaml"), (finding.Rule.Code, finding.File));
        Assert.Equal((6, 44), (finding.Mark.Line, finding.Mark.Column));
        Assert.Contains(message, finding.Message, StringComparison.Ordinal);
        Assert.Contains(remedy, finding.Remedy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gcr.io/proj/**")]
    [InlineData("gcr.io/proj/*")]
    [InlineData("localhost:5000/team/*")]
    [InlineData("docker.io/library/*")]
    [InlineData("gcr.io/proj/app@*")]
    [InlineData("gcr.io/proj/app@sha*")]
    [InlineData("gcr.io/proj/app@sha256:*")]
    [InlineData("gcr.io/proj/app@sha512:*")]
    [InlineData($"gcr.io/proj/app@{Digest}")]
    [InlineData($"gcr.io/proj/app@{Digest}*")]
    [InlineData($"gcr.io/proj/app:v1@{Digest}")]
    public void Pattern_is_left_alone(string pattern) => Assert.Empty(new Documents().WithAllowlist(pattern).Lint());

    [Theory]
    [InlineData("gcr.io/a/**", "gcr.io/a/b/*", true)]
    [InlineData("gcr.io/a/**", "gcr.io/a/b/**", true)]
    [InlineData("gcr.io/a/*", "gcr.io/a/@*", false)]
    [InlineData("gcr.io/a/*", "gcr.io/a/b@*", true)]
    [InlineData("gcr.io/a/b@*", "gcr.io/a/b@*", true)]
    [InlineData("gcr.io/a/**", "gcr.io/a/*", true)]
    [InlineData("gcr.io/a/*", "gcr.io/a/b/**", false)]
    [InlineData("gcr.io/a/*", "gcr.io/a/b/*", false)]
    [InlineData("gcr.io/a/**", "gcr.io/b/**", false)]
    public void Narrower_pattern_is_shadowed(string first, string second, bool isShadowed)
    {
        // The order does not matter, but of two that are the same the second is found.
        Assert.Equal(isShadowed ? [second] : [], Shadowed(first, second));
        Assert.Equal(isShadowed ? [second] : [], Shadowed(second, first));
    }

    [Fact]
    public void Patterns_of_the_system_policy_are_linted_too() => Assert.Equal(
        ["PS020 system-policy.yaml:1:44"],
        new Documents().With("system-policy.yaml", "admissionWhitelistPatterns: [{namePattern: \"gcr.io/proj**\"}]\n" + Documents.AllowAll.Replace("name: projects/acme/policy\n", "", StringComparison.Ordinal)).Places());

    private static string[] Shadowed(params string[] patterns) =>
        [.. new Documents().WithAllowlist(patterns).Lint().Where(finding => finding.Rule == LintRule.PatternShadowed).Select(finding => finding.Message.Split('`')[1])];
}
