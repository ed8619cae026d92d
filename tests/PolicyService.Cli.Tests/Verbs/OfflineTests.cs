using System.Security.Cryptography;
using System.Text.Json;
using PolicyService.Cli.Tests.Running;

namespace PolicyService.Cli.Tests.Verbs;

/// <summary><c>evaluate --policies</c>: what can be wrong with directory and time.</summary>
public sealed class OfflineTests : IDisposable
{
    private readonly Folder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Directory_that_is_not_there_is_invalid_input()
    {
        var run = await Ask(_folder["missing"]);

        Assert.Equal((2, ""), (run.ExitCode, run.Text));
        Assert.Equal($"policyctl: --policies: there is no directory `{_folder["missing"]}`: mend the path", Assert.Single(run.ErrorLines));
    }

    [Fact]
    public async Task File_in_the_place_of_the_directory_is_invalid_input()
    {
        var run = await Ask(_folder.Write("policy.yaml", "a"));

        Assert.Equal((2, ""), (run.ExitCode, run.Text));
        Assert.Contains("is a file: give the directory", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Problems_of_documents_are_said_and_the_decision_stands()
    {
        _folder.Write("policy.yaml", Folder.RequireByNamespace);
        _folder.Write("attestors/a.yaml", "name: 1\n");
        _folder.Write("note.yaml", "");

        var run = await Ask(_folder.Path, "--namespace", "shop", "--service-account", "web");

        Assert.Equal(0, run.ExitCode);
        Assert.StartsWith("ALLOW", run.Text, StringComparison.Ordinal);
        Assert.Contains(run.ErrorLines, line => line.StartsWith($"policyctl: {_folder["attestors/a.yaml"]}:1:7: error: ", StringComparison.Ordinal));
        Assert.Contains(run.ErrorLines, line => line.StartsWith($"policyctl: {_folder["note.yaml"]}:1:1: warning: ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Empty_directory_has_no_policy_and_denies()
    {
        var run = await Ask(_folder.Path);

        Assert.Equal((1, ""), (run.ExitCode, run.Error));
        Assert.Contains("NO_POLICY", run.Text, StringComparison.Ordinal);
    }

    [Fact, Trait("attack", "83")]
    public async Task Container_analysis_is_not_asked_offline_and_what_it_may_have_is_an_error()
    {
        Assert.True(PolicyService.Core.Images.Digest.TryParse($"sha256:{new string('a', 64)}", out var digest));
        _folder.Write("policy.yaml", "defaultAdmissionRule: {evaluationMode: REQUIRE_ATTESTATION, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG, requireAttestationsBy: [projects/default/attestors/qa]}");
        _folder.Write("attestors/qa.json", JsonSerializer.Serialize(new
        {
            name = "projects/default/attestors/qa",
            userOwnedGrafeasNote = new { noteReference = "projects/default/notes/qa", publicKeys = new[] { new { pkixPublicKey = new { publicKeyPem = PublicKey(), signatureAlgorithm = "ECDSA_P256_SHA256" } } } },
        }));
        // Whoever asked it would hang: nothing listens on the port of tcpmux, and nothing is sent there.
        _folder.Write("options.yaml", "failMode: OPEN\ncontainerAnalysis: {endpoint: 'http://127.0.0.1:1', projects: [default]}\n");

        var run = await Policyctl.RunAsync("evaluate", $"a.test/i@{digest}", "--cluster", "us-east1.prod", "--policies", _folder.Path);

        Assert.Equal(3, run.ExitCode);
        Assert.Contains("CONTAINER_ANALYSIS:NOT_FETCHED", run.Text, StringComparison.Ordinal);
        Assert.Contains("offline, nothing remote is read", run.Text, StringComparison.Ordinal);

        static string PublicKey()
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            return key.ExportSubjectPublicKeyInfoPem();
        }
    }

    [Theory]
    [InlineData("2026-01-31T12:00:00Z", "019c13ec-9e00-")]
    [InlineData("2026-01-31T14:00:00+02:00", "019c13ec-9e00-")]
    [InlineData("2026-01-31T12:00:00.001Z", "019c13ec-9e01-")]
    [InlineData("1970-01-01T00:00:00Z", "00000000-0000-")]
    public async Task Decision_id_is_of_the_time_asked_for(string at, string id)
    {
        var run = await Ask(_folder.Path, "--at", at);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains($"decision {id}", run.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("yesterday")]
    [InlineData("2026-01-31")]
    [InlineData("2026-01-31T12:00:00")]
    [InlineData("2026-02-30T12:00:00Z")]
    [InlineData("31/01/2026T12:00:00Z")]
    [InlineData("1969-12-31T23:59:59Z")]
    [InlineData("")]
    public async Task Time_without_meaning_is_wrong_usage(string at)
    {
        var run = await Ask(_folder.Path, "--at", at);

        Assert.Equal((2, ""), (run.ExitCode, run.Text));
        Assert.StartsWith("policyctl: --at: write a time from 1970 on with its offset", run.ErrorLines[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Several_images_keep_their_order_and_the_worst_counts()
    {
        _folder.Write("policy.yaml", Folder.RequireByNamespace);

        var run = await Policyctl.RunHereAsync("evaluate", "a", "Not/An/Image", "b", "--cluster", "a.b", "--policies", _folder.Path);

        Assert.Equal(2, run.ExitCode);
        Assert.Equal(["DENY  a  on a.b", "DENY  b  on a.b"], run.Text.Split('\n').Where(line => line.StartsWith("DENY", StringComparison.Ordinal)));
        Assert.StartsWith("policyctl: no decision about Not/An/Image: image_digest: ", Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }

    private Task<Run> Ask(string directory, params string[] more) => Policyctl.RunHereAsync(["evaluate", "registry.example.com/shop/web", "--cluster", "a.b", "--policies", directory, .. more]);
}
