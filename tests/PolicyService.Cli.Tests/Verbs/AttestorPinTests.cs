using System.Runtime.Versioning;
using System.Text.Json;
using PolicyService.Cli.Tests.Running;
using PolicyService.Tests.Kms;

namespace PolicyService.Cli.Tests.Verbs;

/// <summary><c>policyctl attestor pin</c> against a key service on a socket.</summary>
public sealed class AttestorPinTests : IAsyncDisposable
{
    private const string Resource = "projects/acme/locations/eu/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1";
    private const string Second = "projects/acme/locations/eu/keyRings/r/cryptoKeys/k/cryptoKeyVersions/2";
    private const string Id = $"//cloudkms.googleapis.com/v1/{Resource}";
    private const string Attestor = "projects/acme/attestors/build";

    private readonly Folder _folder = new();
    private readonly KmsStandIn _kms = new();
    private readonly KmsStandInKey _key;

    public AttestorPinTests()
    {
        _key = _kms.Add(Resource);
        _folder.Write("policy.yaml", $$"""
            name: projects/acme/policy
            defaultAdmissionRule: {evaluationMode: REQUIRE_ATTESTATION, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG, requireAttestationsBy: [{{Attestor}}]}
            """);
        WriteAttestor($"{{id: {Id}}}");
    }

    public async ValueTask DisposeAsync()
    {
        _folder.Dispose();
        await _kms.DisposeAsync();
    }

    [Theory]
    [InlineData(Attestor)]
    [InlineData("build")]
    [InlineData(Id)]
    [InlineData($"gcpkms://{Resource}")]
    public async Task Pin_is_shown_and_written(string asked)
    {
        _folder.Write("options.yaml", "# ours\nfailMode: CLOSED\n");

        var run = await Pin(asked);

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal($"{Id}\n  signs with  ECDSA_P256_SHA256\n  SHA-256     {_key.Pin}\n  {_folder["options.yaml"]}: pinned\n", run.Text);
        Assert.Equal($"# ours\nfailMode: CLOSED\npinnedKeys:\n  {Id}: {_key.Pin}\n", Options);
        Assert.Equal([".", ".."], Directory.EnumerateFileSystemEntries(_folder.Path, ".*").Select(Path.GetFileName).Concat([".", ".."]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Pinned_key_decides_offline()
    {
        var payload = Core.Attestations.SimpleSigningPayload.Write("registry.example.com/shop/web", Core.Images.Digest.TryParse($"sha256:{Samples.Hex}", out var digest) ? digest : default);
        _folder.Write("attestations/web.yaml", $$"""
            noteName: projects/acme/notes/build
            resourceUri: https://{{Samples.Image}}
            attestation:
              serializedPayload: {{Convert.ToBase64String(payload)}}
              signatures: [{publicKeyId: "{{Id}}", signature: "{{Convert.ToBase64String(_key.SignData(payload))}}"}]
            """);
        string[] evaluate = ["evaluate", Samples.Image, "--cluster", Samples.Cluster, "--policies", _folder.Path, "-o", "json"];
        Assert.Equal("KMS:NOT_PINNED", Detail(await Policyctl.RunHereAsync(evaluate)));

        await Pin(Attestor);

        var offline = await Policyctl.RunHereAsync(evaluate);
        Assert.Equal((3, "KMS:NOT_FETCHED"), (offline.ExitCode, Detail(offline)));
        Assert.Contains("--kms-endpoint", offline.Text, StringComparison.Ordinal);
        var online = await Policyctl.RunHereAsync([.. evaluate, "--kms-endpoint", _kms.Url]);
        Assert.True(online.ExitCode == 0, online.Text + online.Error);
        await _kms.DisposeAsync();
        Assert.Equal("KMS:CONNECTION", Detail(await Policyctl.RunHereAsync([.. evaluate, "--kms-endpoint", _kms.Url])));

        static string? Detail(Run run) => JsonSerializer.Deserialize<JsonElement>(run.Output).GetProperty("reasons")[0].GetProperty("detail").GetString();
    }

    [Fact]
    public async Task Second_run_changes_nothing()
    {
        await Pin(Attestor);
        var before = Options;

        var run = await Pin(Attestor, "-o", "json");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(before, Options);
        var one = Assert.Single(JsonSerializer.Deserialize<JsonElement>(run.Output).EnumerateArray());
        Assert.Equal(
            (Id, "ECDSA_P256_SHA256", _key.Pin, _folder["options.yaml"], "UNCHANGED"),
            (Text(one, "key"), Text(one, "algorithm"), Text(one, "sha256"), Text(one, "file"), Text(one, "outcome")));

        static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();
    }

    [Fact]
    public async Task Other_pin_is_replaced_only_on_demand()
    {
        var old = $"sha256:{new string('1', 64)}";
        _folder.Write("options.yaml", $"pinnedKeys:\n  {Id}: {old} # since 2026\n");

        var refused = await Pin(Attestor);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("--replace", refused.Text, StringComparison.Ordinal);
        Assert.Contains(old, Options, StringComparison.Ordinal);

        var replaced = await Pin(Attestor, "--replace");
        Assert.Equal(0, replaced.ExitCode);
        Assert.Equal($"pinnedKeys:\n  {Id}: {_key.Pin} # since 2026\n", Options);
    }

    [Fact]
    public async Task Of_several_keys_none_is_written_where_one_is_refused()
    {
        _kms.Add(Second);
        WriteAttestor($"{{id: {Id}}}, {{id: //cloudkms.googleapis.com/v1/{Second}}}");
        var before = $"pinnedKeys:\n  {Id}: sha256:{new string('1', 64)}\n";
        _folder.Write("options.yaml", before);

        Assert.Equal(1, (await Pin(Attestor)).ExitCode);
        Assert.Equal(before, Options);

        Assert.Equal(0, (await Pin(Attestor, "--replace")).ExitCode);
        Assert.Equal(2, Options.Split("sha256:").Length - 1);
    }

    [Theory]
    [InlineData(KmsFault.Forbidden, "KMS:PERMISSION_DENIED")]
    [InlineData(KmsFault.WrongChecksum, "KMS:CHECKSUM")]
    [InlineData(KmsFault.OtherName, "KMS:OTHER_NAME")]
    [InlineData(KmsFault.Certificate, "KMS:UNUSABLE_KEY")]
    [InlineData(KmsFault.UnknownAlgorithm, "KMS:UNSUPPORTED_ALGORITHM")]
    public async Task Key_that_cannot_be_had_is_not_pinned(KmsFault fault, string detail)
    {
        _kms.Fault = fault;

        var run = await Pin(Attestor);

        Assert.Equal((3, ""), (run.ExitCode, run.Text));
        Assert.Contains(detail, Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        Assert.False(File.Exists(_folder["options.yaml"]));
    }

    [Fact]
    public async Task Key_that_signs_otherwise_than_declared_is_not_pinned()
    {
        WriteAttestor($"{{id: {Id}, pkixPublicKey: {{signatureAlgorithm: ECDSA_P384_SHA384}}}}");

        var run = await Pin(Attestor);

        Assert.Equal((1, ""), (run.ExitCode, run.Text));
        Assert.Contains("declares ECDSA_P384_SHA384", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        Assert.False(File.Exists(_folder["options.yaml"]));
    }

    [Fact]
    public async Task Pin_goes_to_the_project_whose_rule_needs_the_key()
    {
        _folder.Write("projects/shop/policy.yaml", $$"""
            name: projects/shop/policy
            defaultAdmissionRule: {evaluationMode: REQUIRE_ATTESTATION, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG, requireAttestationsBy: [{{Attestor}}]}
            """);
        File.Delete(_folder["policy.yaml"]);

        Assert.Equal(0, (await Pin(Attestor)).ExitCode);

        Assert.False(File.Exists(_folder["options.yaml"]));
        Assert.Contains(_key.Pin, File.ReadAllText(_folder["projects/shop/options.yaml"]), StringComparison.Ordinal);
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public async Task Link_stays_a_link_and_the_file_keeps_its_mode()
    {
        _folder.Write("shared.txt", "failMode: CLOSED\n");
        File.SetUnixFileMode(_folder["shared.txt"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        File.CreateSymbolicLink(_folder["options.yaml"], _folder["shared.txt"]);

        Assert.Equal(0, (await Pin(Attestor)).ExitCode);

        Assert.NotNull(new FileInfo(_folder["options.yaml"]).LinkTarget);
        Assert.Contains(_key.Pin, File.ReadAllText(_folder["shared.txt"]), StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead, File.GetUnixFileMode(_folder["shared.txt"]));
    }

    [Theory]
    [InlineData("projects/acme/attestors/nobody", "neither an attestor")]
    [InlineData("//cloudkms.googleapis.com/v1/projects/acme/locations/eu/keyRings/r/cryptoKeys/k/cryptoKeyVersions/9", "no attestor has the key")]
    [InlineData("//cloudkms.googleapis.com/v1/projects/acme/locations/eu/keyRings/r/cryptoKeys/k", "neither an attestor")]
    public async Task What_is_not_there_is_invalid_input(string asked, string why)
    {
        var run = await Pin(asked);

        Assert.Equal((2, ""), (run.ExitCode, run.Text));
        Assert.Contains(why, Assert.Single(run.ErrorLines), StringComparison.Ordinal);
        Assert.Empty(_kms.Calls);
    }

    [Fact]
    public async Task Options_that_are_refused_are_left_alone()
    {
        _folder.Write("options.yaml", "failMode: AJAR\n");

        var run = await Pin(Attestor);

        Assert.Equal(2, run.ExitCode);
        Assert.Equal("failMode: AJAR\n", Options);
    }

    [Fact]
    public async Task Attestor_without_a_key_elsewhere_has_nothing_to_pin()
    {
        WriteAttestor("");

        var run = await Pin(Attestor);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("nothing to pin", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }

    private string Options => File.ReadAllText(_folder["options.yaml"]);

    private void WriteAttestor(string keys) =>
        _folder.Write("attestors/build.yaml", $"name: {Attestor}\nuserOwnedGrafeasNote: {{noteReference: projects/acme/notes/build, publicKeys: [{keys}]}}\n");

    private Task<Run> Pin(string asked, params string[] more) =>
        Policyctl.RunHereAsync(["attestor", "pin", asked, "--policies", _folder.Path, "--kms-endpoint", _kms.Url, .. more]);
}
