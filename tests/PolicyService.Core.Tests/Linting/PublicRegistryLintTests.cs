using PolicyService.Core.Documents;

namespace PolicyService.Core.Tests.Linting;

/// <summary>Registries where anybody may push: a pattern that names no owner in one admits what an attacker pushes there.</summary>
public sealed class PublicRegistryLintTests
{
    private const string Digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    [Theory]
    [InlineData("docker.io/**")]
    [InlineData("registry-1.docker.io/**")]
    [InlineData("ghcr.io/*")]
    [InlineData("ghcr.io/**")]
    [InlineData("ghcr.io:443/**")]
    [InlineData("quay.io/**")]
    [InlineData("gcr.io/**")]
    [InlineData("eu.gcr.io/**")]
    [InlineData("mirror.gcr.io/**")]
    [InlineData("europe-west1-docker.pkg.dev/**")]
    [InlineData("public.ecr.aws/**")]
    [InlineData("registry.gitlab.com/**")]
    [InlineData("ttl.sh/**")]
    [InlineData("ttl.sh/team/app/**")]
    public void Whole_public_registry_is_a_warning(string pattern)
    {
        var finding = Assert.Single(new Documents().WithAllowlist(pattern).Lint());

        Assert.Equal(("PS025", "policy.yaml", 6, 44), (finding.Rule.Code, finding.File, finding.Mark.Line, finding.Mark.Column));
        Assert.Equal(ProblemSeverity.Warning, finding.Severity);
        Assert.Contains("where anybody can push", finding.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("docker.io/**", "`docker.io/<owner>/**`")]
    [InlineData("docker.io/**", "`docker.io/library/**` for the images of Docker itself")]
    [InlineData("ghcr.io/**", "`ghcr.io/<owner>/**`")]
    [InlineData("ttl.sh/x/*", "nobody owns a name")]
    public void Remedy_names_what_to_write(string pattern, string remedy) =>
        Assert.Contains(remedy, Assert.Single(new Documents().WithAllowlist(pattern).Lint()).Remedy, StringComparison.Ordinal);

    [Theory]
    [InlineData("docker.io/library/**")]
    [InlineData("docker.io/acme/**")]
    [InlineData("ghcr.io/acme/**")]
    [InlineData("ghcr.io/acme/*")]
    [InlineData("europe-west1-docker.pkg.dev/acme/**")]
    [InlineData("registry.example.com/**")]
    [InlineData("localhost:5000/**")]
    [InlineData("acme.azurecr.io/**")]
    [InlineData("registry.k8s.io/**")]
    [InlineData("notghcr.io/**")]
    [InlineData($"ttl.sh/x@{Digest}*")]
    public void Registry_with_an_owner_is_left_alone(string pattern) => Assert.Empty(new Documents().WithAllowlist(pattern).Lint());

    /// <summary>What is refused, or matches nothing, or only begins like an owner, has a finding already.</summary>
    [Theory]
    [InlineData("*", "PS001")]
    [InlineData("**", "PS001")]
    [InlineData("ghcr.io*", "PS001")]
    [InlineData("docker.io/*", "PS022")]
    [InlineData("GHCR.io/**", "PS022")]
    [InlineData("ghcr.io/ac**", "PS020")]
    public void Worse_findings_come_first(string pattern, string code) =>
        Assert.Equal([code], new Documents().WithAllowlist(pattern).Lint().Select(finding => finding.Rule.Code));

    [Theory]
    [InlineData("docker.io/**", true)]
    [InlineData("docker.io/*", true)]
    [InlineData("'*.gcr.io/**'", true)]
    [InlineData("'*-docker.pkg.dev/**'", true)]
    [InlineData("'*.pkg.dev/*'", true)]
    [InlineData("gcr.io", false)]
    [InlineData("gcr.io/acme/**", false)]
    [InlineData("'*.gcr.io/acme/**'", false)]
    [InlineData("registry.example.com/**", false)]
    [InlineData("'*.example.com/**'", false)]
    public void Trusted_directory_is_judged_alike(string directory, bool isFound) => Assert.Equal(
        isFound ? ["PS025 platform-policies/base.yaml:2:81"] : [],
        new Documents().With(
            "platform-policies/base.yaml",
            $"name: projects/acme/platforms/gke/policies/base\ngkePolicy: {{checkSets: [{{checks: [{{trustedDirectoryCheck: {{trustedDirPatterns: [{directory}]}}}}]}}]}}").Places());

    [Fact]
    public void Allowlists_of_platform_policies_are_looked_at() => Assert.Equal(
        ["PS025 platform-policies/base.yaml:2:45"],
        new Documents().With(
            "platform-policies/base.yaml",
            "name: projects/acme/platforms/gke/policies/base\ngkePolicy: {imageAllowlist: {allowPattern: [quay.io/**]}, checkSets: [{checks: [{alwaysDeny: true}]}]}").Places());
}
