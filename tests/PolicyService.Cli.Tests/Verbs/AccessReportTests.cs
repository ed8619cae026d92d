using System.Text.Json;
using PolicyService.Cli.Tests.Running;

namespace PolicyService.Cli.Tests.Verbs;

/// <summary><c>policyctl access report</c>: exit codes, both outputs, and what it reads.</summary>
public sealed class AccessReportTests : IDisposable
{
    private const string Apart = """
        bindings:
        - {role: roles/binaryauthorization.policyEditor, members: ["user:alice@example.com"], resources: [projects/acme]}
        - {role: roles/containeranalysis.editor, members: ["group:builders"], resources: [projects/acme]}
        """;

    private readonly Folder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Duties_that_are_apart_are_no_finding_and_groups_are_named()
    {
        var run = await ReportAsync(Apart);

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal("Groups are not expanded, only their issuer knows who is in them: group:builders\n0 findings\n", run.Text);
    }

    [Fact]
    public async Task Who_does_both_is_named_with_the_grants()
    {
        var run = await ReportAsync(Apart.Replace("group:builders", "user:alice@example.com", StringComparison.Ordinal), "-o", "json");

        Assert.Equal(1, run.ExitCode);
        var finding = Assert.Single(JsonDocument.Parse(run.Output).RootElement.GetProperty("findings").EnumerateArray());
        Assert.Equal("CHANGES_AND_SIGNS", finding.GetProperty("kind").GetString());
        Assert.Equal("acme", finding.GetProperty("project").GetString());
        Assert.Equal(2, finding.GetProperty("grants").GetArrayLength());
    }

    [Fact]
    public async Task IAM_policies_and_clusters_come_from_an_export()
    {
        var longId = new string('a', 250);
        _folder.Write("backup/projects/acme/policy.json", """{"name": "projects/acme/policy", "defaultAdmissionRule": {"evaluationMode": "ALWAYS_DENY", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG"}}""");
        _folder.Write("backup/clusters.json", """{"clusters": {"dc1.one": {"project": "acme", "platform": "GKE"}}}""");
        _folder.Write("backup/projects/acme/store/policy-iam.json", """{"bindings": [{"role": "roles/binaryauthorization.policyAdmin", "members": ["group:builders"]}]}""");
        _folder.Write($"backup/projects/acme/store/attestor-iam/{longId[..200]}~/~{longId[200..]}.json", """{"bindings": [{"role": "roles/x", "members": ["user:eve@example.com"]}]}""");
        var run = await ReportAsync(Apart + "\nevaluators: [{members: [\"user:bob@example.com\"], clusters: [dc1.two]}]", "--policies", _folder["backup"]);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("group:builders can change what is required in project acme and sign", run.Text, StringComparison.Ordinal);
        Assert.Contains("IAM policy of projects/acme/policy, bindings[0]", run.Text, StringComparison.Ordinal);
        Assert.Contains($"IAM policy of projects/acme/attestors/{longId}", run.Text, StringComparison.Ordinal);
        Assert.Contains("may ask about dc1.two, which clusters.yaml does not know", run.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Attestors_and_notes_of_other_projects_that_a_policy_needs_come_from_it_too()
    {
        _folder.Write("backup/projects/shop/policy.json", """{"name": "projects/shop/policy", "defaultAdmissionRule": {"evaluationMode": "REQUIRE_ATTESTATION", "enforcementMode": "ENFORCED_BLOCK_AND_AUDIT_LOG", "requireAttestationsBy": ["projects/acme/attestors/build"]}}""");
        _folder.Write("backup/projects/acme/attestors/build.json", """{"name": "projects/acme/attestors/build", "userOwnedGrafeasNote": {"noteReference": "projects/notes/notes/build"}}""");
        const string Bindings = """
            bindings:
            - {role: roles/binaryauthorization.policyEditor, members: ["user:alice@example.com"], resources: [projects/shop]}
            - {role: roles/containeranalysis.editor, members: ["user:alice@example.com"], resources: [projects/notes]}
            """;

        var run = await ReportAsync(Bindings, "--policies", _folder["backup"]);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("user:alice@example.com can change what is required in project shop and sign", run.Text, StringComparison.Ordinal);
        Assert.Equal(0, (await ReportAsync(Bindings)).ExitCode);
    }

    [Fact]
    public async Task Records_tell_what_was_used()
    {
        var records = _folder.Write("records.jsonl", """
            {"time":"2026-11-23T10:00:00Z","kind":"ACCESS_USED","caller":"user:alice@example.com","member":"user:alice@example.com","role":"roles/binaryauthorization.policyEditor","resource":"projects/acme","source":"file"}
            {"decisionId":"x","caller":"user:bob@example.com","cluster":"dc1.one"}
            half a li
            """);
        var run = await ReportAsync(Apart + "\nevaluators: [{members: [\"user:bob@example.com\"], clusters: [dc1.one, dc1.two]}]", "--records", records);

        Assert.Equal((0, "policyctl: --records: 1 lines are no records and were passed over\n"), (run.ExitCode, run.Error));
        Assert.Contains("group:builders did not use roles/containeranalysis.editor on projects/acme", run.Text, StringComparison.Ordinal);
        Assert.Contains("user:bob@example.com did not ask about dc1.two", run.Text, StringComparison.Ordinal);
        Assert.EndsWith("2 findings\n", run.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_used_is_code_2()
    {
        Assert.Equal(2, (await Policyctl.RunHereAsync("access", "report")).ExitCode);
        Assert.Equal(2, (await Policyctl.RunHereAsync("access", "report", "--access", _folder["missing"])).ExitCode);
        Assert.Equal(2, (await ReportAsync("bindings: [{role: 1}]")).ExitCode);
        Assert.Equal(2, (await ReportAsync(Apart, "--policies", _folder["missing"])).ExitCode);
        Assert.Equal(2, (await ReportAsync(Apart, "--records", _folder["missing"])).ExitCode);
        Assert.Equal(2, (await ReportAsync(Apart, "--records", _folder.Write("empty", "\n"))).ExitCode);
    }

    private Task<Run> ReportAsync(string access, params string[] more) =>
        Policyctl.RunHereAsync(["access", "report", "--access", _folder.Write("access.yaml", access), .. more]);
}
