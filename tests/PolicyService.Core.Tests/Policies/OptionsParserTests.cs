using PolicyService.Core.Policies;
using PolicyService.Core.Tests.Documents;

namespace PolicyService.Core.Tests.Policies;

public sealed class OptionsParserTests
{
    private const string File = "options.yaml";
    private const string Digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    public static TheoryData<string, string, int, int, string> Refused => new()
    {
        { "list", "- a\n", 1, 1, "the options document is a list" },
        { "unknown field", "failmode: OPEN\n", 1, 1, "unknown field `failmode`" },
        { "fail mode unknown", "failMode: HALF\n", 1, 11, "`failMode`: `HALF` is not usable" },
        { "fail mode in lower case", "failMode: open\n", 1, 11, "`failMode`: `open` is not usable" },
        { "fail mode a list", "failMode: [OPEN]\n", 1, 11, "`failMode` is a list" },
        { "fail mode of an unknown platform", "failMode: {AWS: OPEN}\n", 1, 12, "unknown field `AWS`" },
        { "fail mode of a platform unknown", "failMode: {GKE: MAYBE}\n", 1, 17, "`GKE`: `MAYBE` is not usable" },
        { "boolean as text", "bindRepository: \"true\"\n", 1, 17, "`bindRepository` is a string" },
        { "boolean as yes", "bindRepository: yes\n", 1, 17, "`bindRepository` is `yes`" },
        { "boolean in capitals", "indexCoversChildren: TRUE\n", 1, 22, "`indexCoversChildren` is `TRUE`" },
        { "duration without unit", "maxAttestationAge: 24\n", 1, 20, "`maxAttestationAge`: `24` is not usable" },
        { "duration of days", "maxAttestationAge: 3d\n", 1, 20, "`maxAttestationAge`: `3d` is not usable" },
        { "duration zero", "maxSnapshotAge: 0h\n", 1, 17, "`maxSnapshotAge`: `0h` is not usable" },
        { "duration negative", "maxSnapshotAge: -1h\n", 1, 17, "`maxSnapshotAge`: `-1h` is not usable" },
        { "duration endless", "evidenceGrace: 999999999999999h\n", 1, 16, "`evidenceGrace`: `999999999999999h` is not usable" },
        { "sources empty", "evidenceSources: []\n", 1, 1, "no evidence source is left" },
        { "source unknown", "evidenceSources: [GRAFEAS, DISK]\n", 1, 28, "`evidenceSources`: `DISK` is not usable" },
        { "attestor name", "attestors:\n  build: {}\n", 2, 3, "`build` names no attestor" },
        { "attestor's options a list", "attestors:\n  projects/p/attestors/a: []\n", 2, 27, "the attestor's options is a list" },
        { "attestor's unknown option", "attestors:\n  projects/p/attestors/a: {age: 1h}\n", 2, 28, "unknown field `age`" },
        { "attestor's age", "attestors:\n  projects/p/attestors/a: {maxAttestationAge: old}\n", 2, 47, "`maxAttestationAge`: `old` is not usable" },
        { "attestor twice", "attestors:\n  projects/p/attestors/a: {}\n  projects/p/attestors/a: {}\n", 3, 3, "the key `projects/p/attestors/a` stands twice" },
        { "pin of no key id", $"pinnedKeys:\n  \"a b\": {Digest}\n", 2, 3, "`a b` is not the id of a key version in Cloud KMS" },
        { "pin no digest", "pinnedKeys:\n  //cloudkms.googleapis.com/v1/projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1: abc\n", 2, 100, "`pinnedKeys`: `abc` is not usable" },
        { "revocation without digest", "revocations:\n- {reason: r, author: a}\n", 2, 3, "`digest` is missing" },
        { "revocation without reason", $"revocations:\n- {{digest: \"{Digest}\", author: a}}\n", 2, 3, "`reason` is missing" },
        { "revocation without author", $"revocations:\n- {{digest: \"{Digest}\", reason: r}}\n", 2, 3, "`author` is missing" },
        { "revocation of a short digest", "revocations:\n- {digest: \"sha256:abc\", reason: r, author: a}\n", 2, 12, "`digest`: `sha256:abc` is not usable" },
        { "revocation of a bad attestor", $"revocations:\n- {{digest: \"{Digest}\", attestor: qa, reason: r, author: a}}\n", 2, 97, "`attestor`: `qa` is not usable" },
        { "revocation with more", $"revocations:\n- {{digest: \"{Digest}\", reason: r, author: a, until: x}}\n", 2, 109, "unknown field `until`" },
        { "revocations a mapping", "revocations: {}\n", 1, 14, "`revocations` is a mapping" },
        { "registry without host", "registries:\n- {insecure: true}\n", 2, 3, "`host` is missing" },
        { "registry at a port that is none", "registries:\n- {host: 'r.example:65536'}\n", 2, 10, "`host`: `r.example:65536` is not usable" },
        { "mirror at an address that is none", "registries:\n- {host: r.example, mirrors: ['[1::2::3]']}\n", 2, 31, "`mirrors`: `[1::2::3]` is not usable" },
        { "registry insecure as text", "registries:\n- {host: r.example, insecure: no}\n", 2, 31, "`insecure` is `no`" },
        { "cloud credentials in plain text", "registries:\n- {host: gcr.io, insecure: true, credentials: google}\n", 2, 34, "a cloud's credentials never go over plain HTTP" },
        { "analysis with more", "containerAnalysis: {endpoint: https://x, region: eu}\n", 1, 42, "unknown field `region`" },
        { "analysis of a bad project", "containerAnalysis: {projects: [\"a/b\"]}\n", 1, 32, "`projects`: `a/b` is not usable" },
        { "break-glass with more", "breakGlass: {requireGrants: true}\n", 1, 14, "unknown field `requireGrants`" },
        { "break-glass as text", "breakGlass: {requireGrant: maybe}\n", 1, 28, "`requireGrant` is `maybe`" },
    };

    [Theory, MemberData(nameof(Refused))]
    [Trait("attack", "95")]
    public void Parse_refuses_at_the_place(string name, string text, int line, int column, string message) =>
        Reading.Refused(File, text, line, column, message, name);

    [Fact]
    public void Parse_reads_the_example_of_the_specification()
    {
        var options = Reading.Accepted<ProjectOptions>(File, $$"""
            failMode: {GKE: OPEN, ON_PREM: CLOSED}
            bindRepository: true
            indexCoversChildren: true
            maxAttestationAge: 720h
            maxSnapshotAge: 1h30m
            evidenceSources: [GRAFEAS, REGISTRY]
            attestors:
              projects/p/attestors/build: {evidenceSources: [INLINE, INLINE], maxAttestationAge: 24h}
            pinnedKeys:
              //cloudkms.googleapis.com/v1/projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1: {{Digest}}
            revocations:
              - {digest: "{{Digest}}", reason: CVE-2026-1, author: alice@example.com}
              - {digest: "{{Digest}}", attestor: projects/p/attestors/qa, reason: withdrawn, author: bob@example.com}
            evidenceGrace: 168h
            revokeOnKmsDisable: true
            registries:
              - {host: registry.example.com, insecure: false, mirrors: [], credentials: docker-config}
            containerAnalysis: {endpoint: https://containeranalysis.googleapis.com, projects: [acme]}
            breakGlass: {requireGrant: true}
            """);

        Assert.Equal((FailMode.Open, FailMode.Closed, FailMode.Closed), (options.FailModeOn(Platform.Gke), options.FailModeOn(Platform.OnPrem), options.FailModeOn(Platform.CloudRun)));
        Assert.True(options is { BindRepository: true, IndexCoversChildren: true, RevokeOnKmsDisable: true, ContainerAnalysis: not null, RequireGrant: true });
        Assert.Equal((TimeSpan.FromHours(720), TimeSpan.FromMinutes(90), TimeSpan.FromHours(168)), (options.MaxAttestationAge, options.MaxSnapshotAge, options.EvidenceGrace));
        Assert.True(AttestorName.TryParse("projects/p/attestors/build", out var build));
        Assert.True(AttestorName.TryParse("projects/p/attestors/qa", out var qa));
        Assert.Equal([EvidenceSource.Inline], options.SourcesOf(build));
        Assert.Equal([EvidenceSource.Grafeas, EvidenceSource.Registry], options.SourcesOf(qa));
        Assert.Equal((TimeSpan.FromHours(24), TimeSpan.FromHours(720)), (options.MaxAgeOf(build), options.MaxAgeOf(qa)));
        Assert.Equal("alice@example.com", Assert.Single(options.RevokedDigests).Value.Author);
        Assert.Equal("withdrawn", Assert.Single(options.RevokedPairs).Value.Reason);
        Assert.Single(options.PinnedKeys);
        Assert.Equal("registry.example.com", Assert.Single(options.Registries).Key);
    }

    [Theory]
    [InlineData("no key version", "projects/p")]
    [InlineData("a key without version", "//cloudkms.googleapis.com/v1/projects/p/locations/l/keyRings/r/cryptoKeys/k")]
    public void Parse_refuses_a_pin_of(string name, string key)
    {
        var problem = Assert.Single(Reading.Of(File, $"pinnedKeys:\n  {key}: {Digest}\n").Problems);

        Assert.True(problem.Message.Contains("is not the id of a key version", StringComparison.Ordinal), name);
        Assert.Contains("policyctl attestor pin", problem.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_refuses_two_different_pins_of_one_key_however_it_is_spelled()
    {
        const string Resource = "projects/p/locations/l/keyRings/r/cryptoKeys/k/";
        string Pins(string other) =>
            $"pinnedKeys:\n  //cloudkms.googleapis.com/v1/{Resource}cryptoKeyVersions/1: {Digest}\n  gcpkms://{Resource}versions/1: {other}\n";

        Assert.Single(Reading.Accepted<ProjectOptions>(File, Pins(Digest)).PinnedKeys);
        Reading.Refused(File, Pins($"sha256:{new string('1', 64)}"), 3, 3, $"the key `gcpkms://{Resource}versions/1` is pinned twice, differently", "two pins");
    }

    [Fact]
    public void Parse_gives_the_defaults_for_an_empty_mapping()
    {
        var options = Reading.Accepted<ProjectOptions>(File, "{}\n");

        Assert.All(Enum.GetValues<Platform>(), platform => Assert.Equal(FailMode.Closed, options.FailModeOn(platform)));
        Assert.Equal(TimeSpan.FromHours(24), options.MaxSnapshotAge);
        Assert.Null(options.MaxAttestationAge);
        Assert.Equal([EvidenceSource.Grafeas], options.SourcesOf(default));
        Assert.False(options.RequireGrant || options.BindRepository || options.IndexCoversChildren);
    }

    [Fact]
    public void Parse_reports_all_problems_at_once() => Assert.Equal(
        [
            "6:3 `reason` is missing", "1:11 `failMode`: `AJAR` is not usable", "2:17 `bindRepository` is `perhaps`", "3:20 `maxAttestationAge`: `x` is not usable",
            "4:19 `evidenceSources`: `DISK` is not usable", "4:1 no evidence source is left", "7:1 unknown field `colour`",
        ],
        Reading.Problems(File, $$"""
            failMode: AJAR
            bindRepository: perhaps
            maxAttestationAge: x
            evidenceSources: [DISK]
            revocations:
            - {digest: "{{Digest}}", author: a}
            colour: red
            """));
}
