using PolicyService.Core.Documents;

namespace PolicyService.Core.Tests.Linting;

public sealed class OptionsLintTests
{
    private const string Digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    [Theory]
    [InlineData("failMode: OPEN", "PS050 options.yaml:1:1")]
    [InlineData("failMode: CLOSED", null)]
    [InlineData("failMode: {GKE: CLOSED, ON_PREM: OPEN}", "PS050 options.yaml:1:25")]
    [InlineData("failMode: {GKE: CLOSED}", null)]
    [InlineData("failMode: {}", null)]
    [InlineData("bindRepository: false", null)]
    public void Fail_mode_open_is_a_warning(string options, string? place)
    {
        var documents = new Documents().With("options.yaml", options);

        Assert.Equal(place is null ? [] : [place], documents.Places());
        Assert.All(documents.Lint(), finding => Assert.Equal(ProblemSeverity.Warning, finding.Severity));
    }

    [Fact]
    public void Each_platform_that_fails_open_is_named() => Assert.Equal(
        ["`failMode: OPEN` for GKE", "`failMode: OPEN` for CLOUD_RUN"],
        new Documents().With("options.yaml", "failMode:\n  GKE: OPEN\n  CLOUD_RUN: OPEN").Lint().Select(finding => finding.Message.Split(" admits")[0]));

    [Fact]
    public void Revocation_of_an_attestor_that_does_not_exist_is_an_error()
    {
        var documents = new Documents().With("options.yaml", $$"""
            revocations:
              - {digest: {{Digest}}, reason: r, author: a@example.com}
              - {digest: {{Digest}}, attestor: projects/acme/attestors/build, reason: r, author: a@example.com}
              - {digest: {{Digest}}, attestor: projects/acme/attestors/biuld, reason: r, author: a@example.com}
            """);

        var finding = Assert.Single(documents.Lint());
        Assert.Equal(["PS051 options.yaml:4:87"], documents.Places());
        Assert.Equal(ProblemSeverity.Error, finding.Severity);
        Assert.Contains("projects/acme/attestors/biuld", finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Revocation_of_an_attestor_of_another_project_is_left_alone() => Assert.DoesNotContain(
        new Documents().With("projects/other/attestors/qa.yaml", "name: projects/other/attestors/qa\nuserOwnedGrafeasNote: {noteReference: projects/other/notes/qa}")
            .With("options.yaml", $"revocations: [{{digest: {Digest}, attestor: projects/other/attestors/qa, reason: r, author: a@example.com}}]").Lint(),
        finding => finding.File == "options.yaml");

    [Fact]
    public void Options_of_an_attestor_that_does_not_exist_are_a_warning() => Assert.Equal(
        ["PS052 options.yaml:3:3"],
        new Documents().With("options.yaml", "attestors:\n  projects/acme/attestors/build: {maxAttestationAge: 24h}\n  projects/acme/attestors/biuld: {maxAttestationAge: 24h}").Places());

    [Theory]
    [InlineData("evidenceSources: [GRAFEAS, REGISTRY]", "PS053 options.yaml:1:1")]
    [InlineData("attestors:\n  projects/acme/attestors/build: {evidenceSources: [REGISTRY]}", "PS053 options.yaml:2:35")]
    [InlineData("evidenceSources: [GRAFEAS]", null)]
    [InlineData("evidenceSources: [GRAFEAS, REGISTRY]\nregistries: [{host: r.example}]", null)]
    [InlineData("registries: [{host: r.example, credentials: docker-config, insecure: true}]", "PS054 options.yaml:1:60")]
    [InlineData("registries: [{host: r.example, credentials: docker-config, insecure: false}]", null)]
    [InlineData("registries: [{host: r.example, credentials: none, insecure: true}]", null)]
    [InlineData("registries: [{host: r.example}]\nevidenceSources: [REGISTRY]\nmaxAttestationAge: 24h", "PS055 options.yaml:3:1")]
    [InlineData("registries: [{host: r.example}]\nattestors:\n  projects/acme/attestors/build: {evidenceSources: [REGISTRY], maxAttestationAge: 24h}", "PS055 options.yaml:3:64")]
    [InlineData("registries: [{host: r.example}]\nmaxAttestationAge: 24h", null)]
    [InlineData("registries: [{host: r.example}]\nevidenceSources: [REGISTRY]", null)]
    public void Registries_that_are_probably_not_meant_so_are_told(string options, string? place) =>
        Assert.Equal(place is null ? [] : [place], new Documents().With("options.yaml", options).Places());
}
