using System.Text.Json;
using PolicyService.Cli.Linting;
using PolicyService.Cli.Outputs;
using PolicyService.Cli.Tests.Running;
using PolicyService.Core.Documents;
using PolicyService.Core.Linting;
using PolicyService.Core.Tests.Verification.Pgp;

namespace PolicyService.Cli.Tests.Verbs;

public sealed class PolicyLintTests(GpgHome gpg) : IDisposable
{
    private const string Clean = """
        name: projects/acme/policy
        defaultAdmissionRule: {evaluationMode: ALWAYS_ALLOW, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG}
        """;

    private readonly Folder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("clean", 0, 0)]
    [InlineData("warning", 0, 1)]
    [InlineData("error", 1, 1)]
    public async Task Exit_code_is_that_of_the_worst_finding(string content, int expected, int strict)
    {
        Write(content);
        foreach (var format in new[] { "text", "json", "sarif" })
        {
            Assert.Equal(expected, (await Policyctl.RunHereAsync("policy", "lint", _folder["p"], "--format", format)).ExitCode);
            Assert.Equal(strict, (await Policyctl.RunHereAsync("policy", "lint", _folder["p"], "--format", format, "--strict")).ExitCode);
        }
    }

    [Fact]
    public async Task Text_is_grouped_by_file_with_place_code_and_remedy()
    {
        Write("error");

        var run = await Policyctl.RunHereAsync("policy", "lint", _folder["p"]);

        Assert.Equal("", run.Error);
        Assert.Equal(
            $"""
            {_folder["p/options.yaml"]}:1:1: error PS001: unknown field `failmode`
                did you mean `failMode`?

            {_folder["p/policy.yaml"]}:3:44: warning PS020: `gcr.io/proj**` also matches `gcr.io/proj-evil/x`
                write `gcr.io/proj/**` for what is below it
            {_folder["p/policy.yaml"]}:3:74: warning PS021: `gcr.io/proj/x:1` names no digest, so it admits whatever is pushed under that tag tomorrow
                name the image by digest, or require an attestation
            {_folder["p/policy.yaml"]}:3:74: warning PS023: everything `gcr.io/proj/x:1` matches, `gcr.io/proj**` matches too
                remove the narrower pattern, or the broader one if it was not meant

            2 files: 1 error, 3 warnings

            """.ReplaceLineEndings("\n"),
            run.Text);
    }

    [Fact]
    public async Task Clean_directory_says_so()
    {
        Write("clean");

        Assert.Equal("1 file: 0 errors, 0 warnings\n", (await Policyctl.RunHereAsync("policy", "lint", _folder["p"])).Text);
        Assert.Equal("[]\n", (await Policyctl.RunHereAsync("policy", "lint", _folder["p"], "--format", "json")).Text);
    }

    [Fact]
    public async Task Json_is_an_array_of_findings()
    {
        Write("warning");

        var run = await Policyctl.RunHereAsync("policy", "lint", _folder["p"], "--format", "json");

        Assert.Equal(
            $$"""
            [
              {
                "code": "PS020",
                "severity": "warning",
                "file": "{{_folder["p/policy.yaml"]}}",
                "line": 3,
                "column": 44,
                "message": "`gcr.io/proj**` also matches `gcr.io/proj-evil/x`",
                "remedy": "write `gcr.io/proj/**` for what is below it"
              }
            ]

            """.ReplaceLineEndings("\n"),
            run.Text);
    }

    [Fact]
    public async Task Sarif_names_every_rule_and_the_place_of_each_result()
    {
        Write("error");

        var run = await Policyctl.RunHereAsync("policy", "lint", _folder["p"], "--format", "sarif");

        var sarif = JsonSerializer.Deserialize<JsonElement>(run.Output);
        Assert.Equal("2.1.0", sarif.GetProperty("version").GetString());
        var one = Assert.Single(sarif.GetProperty("runs").EnumerateArray());
        var rules = one.GetProperty("tool").GetProperty("driver").GetProperty("rules").EnumerateArray().ToArray();
        Assert.Equal(LintRule.All.Select(rule => (rule.Code, rule.Summary)), rules.Select(rule => (rule.GetProperty("id").GetString()!, rule.GetProperty("shortDescription").GetProperty("text").GetString()!)));
        var results = one.GetProperty("results").EnumerateArray().ToArray();
        Assert.Equal(["PS001", "PS020", "PS021", "PS023"], results.Select(result => result.GetProperty("ruleId").GetString()));
        Assert.All(results, result => Assert.Equal(result.GetProperty("ruleId").GetString(), rules[result.GetProperty("ruleIndex").GetInt32()].GetProperty("id").GetString()));
        Assert.Equal(["error", "warning", "warning", "warning"], results.Select(result => result.GetProperty("level").GetString()));
        Assert.Equal(
            $"{{\"artifactLocation\":{{\"uri\":\"file://{_folder["p/policy.yaml"]}\"}},\"region\":{{\"startLine\":3,\"startColumn\":44}}}}",
            JsonSerializer.Serialize(Assert.Single(results[1].GetProperty("locations").EnumerateArray()).GetProperty("physicalLocation")));
        Assert.Equal("`gcr.io/proj**` also matches `gcr.io/proj-evil/x`; write `gcr.io/proj/**` for what is below it", results[1].GetProperty("message").GetProperty("text").GetString());
    }

    [Theory]
    [InlineData("policies/policy.yaml", "policies/policy.yaml")]
    [InlineData("./a b/ü#.yaml", "a%20b/%C3%BC%23.yaml")]
    [InlineData("/a b/policy.yaml", "file:///a%20b/policy.yaml")]
    public void Sarif_writes_files_as_uris(string file, string uri)
    {
        using var output = new MemoryStream();

        LintSarif.Write(output, [new LintFinding(LintRule.Document, file, new Mark(1, 1), "m", "r")]);

        Assert.Contains($"\"uri\": \"{uri}\"", System.Text.Encoding.UTF8.GetString(output.ToArray()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("attestors/qa.yaml")]
    [InlineData("attestors")]
    [InlineData("projects/other")]
    public async Task Link_that_leads_nowhere_is_a_warning(string link)
    {
        Write("clean");
        _folder.Write("p/projects/acme-2/options.yaml", "bindRepository: true");
        Directory.CreateDirectory(Path.GetDirectoryName(_folder[$"p/{link}"])!);
        File.CreateSymbolicLink(_folder[$"p/{link}"], "nowhere");

        var text = await Policyctl.RunHereAsync("policy", "lint", _folder["p"]);
        var json = await Policyctl.RunHereAsync("policy", "lint", _folder["p"], "--format", "json", "--strict");
        var sarif = await Policyctl.RunHereAsync("policy", "lint", _folder["p"], "--format", "sarif");

        Assert.Equal((0, 1, 0), (text.ExitCode, json.ExitCode, sarif.ExitCode));
        Assert.Equal(
            $"""
            {_folder[$"p/{link}"]}:1:1: warning PS003: the link leads to nothing, so the document counts as deleted
                delete the link, or put the file where it leads

            2 files: 0 errors, 1 warning

            """.ReplaceLineEndings("\n"),
            text.Text);
        var finding = Assert.Single(JsonSerializer.Deserialize<JsonElement>(json.Output).EnumerateArray());
        Assert.Equal(
            ("PS003", "warning", _folder[$"p/{link}"], "delete the link, or put the file where it leads"),
            (finding.GetProperty("code").GetString(), finding.GetProperty("severity").GetString(), finding.GetProperty("file").GetString(), finding.GetProperty("remedy").GetString()));
        var result = Assert.Single(JsonSerializer.Deserialize<JsonElement>(sarif.Output).GetProperty("runs")[0].GetProperty("results").EnumerateArray());
        Assert.Equal(("PS003", "warning"), (result.GetProperty("ruleId").GetString(), result.GetProperty("level").GetString()));
    }

    [Fact]
    public async Task Directory_of_nothing_but_a_link_that_leads_nowhere_is_linted()
    {
        Directory.CreateDirectory(_folder["p"]);
        File.CreateSymbolicLink(_folder["p/policy.yaml"], "nowhere.yaml");

        var run = await Policyctl.RunHereAsync("policy", "lint", _folder["p"], "--strict");

        Assert.Equal((1, ""), (run.ExitCode, run.Error));
        Assert.Contains("warning PS003: ", run.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Directory_is_this_one_unless_given()
    {
        Write("warning");
        var start = Policyctl.StartInfo(["policy", "lint"], []);
        start.WorkingDirectory = _folder["p"];

        var run = await Policyctl.RunAsync(start);

        Assert.Equal(0, run.ExitCode);
        Assert.StartsWith("policy.yaml:3:44: warning PS020: ", run.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("2026-01-15T00:00:00Z", 0, null)]
    [InlineData("2026-02-15T00:00:00Z", 0, "PS019")]
    [InlineData("2026-03-01T00:00:00Z", 1, "PS018")]
    [InlineData(null, 1, "PS018")]
    public async Task Keys_are_judged_as_of_a_time(string? at, int exitCode, string? code)
    {
        Write("clean");
        _folder.Write("p/attestors/build.yaml", $$"""
            name: projects/acme/attestors/build
            userOwnedGrafeasNote:
              noteReference: projects/acme/notes/build
              publicKeys: [{asciiArmoredPgpPublicKey: "{{gpg.Export(gpg.Generate("ed25519", expire: "20260301T000000")).ReplaceLineEndings("\\n")}}"}]
            """);

        var run = await Policyctl.RunHereAsync(["policy", "lint", _folder["p"], .. at is null ? Array.Empty<string>() : ["--at", at]]);

        Assert.Equal(exitCode, run.ExitCode);
        Assert.Equal(code, new[] { "PS018", "PS019" }.FirstOrDefault(one => run.Text.Contains($"warning {one}", StringComparison.Ordinal)));
        Assert.Equal(code == "PS018", run.Text.Contains("error PS013", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Time_without_an_offset_is_wrong_usage()
    {
        Write("clean");

        Assert.Equal(2, (await Policyctl.RunHereAsync("policy", "lint", _folder["p"], "--at", "2026-01-15T00:00:00")).ExitCode);
    }

    [Theory]
    [InlineData("missing", "there is no directory")]
    [InlineData("empty", "holds no documents: give the directory of policy.yaml")]
    [InlineData("file", "is a file: give the directory it stands in")]
    public async Task Nothing_to_lint_is_wrong_usage(string name, string because)
    {
        _folder.Write("empty/readme.txt", "");
        _folder.Write("file", "");

        var run = await Policyctl.RunHereAsync("policy", "lint", _folder[name]);

        Assert.Equal((2, ""), (run.ExitCode, run.Text));
        Assert.Contains(because, Assert.Single(run.ErrorLines), StringComparison.Ordinal);
    }

    [Fact]
    public void Severity_is_coloured_on_a_terminal_alone()
    {
        LintFinding[] findings = [new(LintRule.Document, "a\u001b[2J.yaml", new Mark(1, 1), "m", "r")];
        var (plain, coloured) = (new StringWriter(), new StringWriter());

        LintText.Write(Screen.Open(plain, decorated: false), findings, 1);
        LintText.Write(Screen.Open(coloured, decorated: true), findings, 1);

        Assert.DoesNotContain('\u001b', plain.ToString());
        Assert.Contains("\u001b[", coloured.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b[2J", coloured.ToString(), StringComparison.Ordinal);
    }

    private void Write(string content)
    {
        var patterns = content switch
        {
            "clean" => "",
            "warning" => "\nadmissionWhitelistPatterns: [{namePattern: gcr.io/proj**}]",
            _ => "\nadmissionWhitelistPatterns: [{namePattern: gcr.io/proj**}, {namePattern: \"gcr.io/proj/x:1\"}]",
        };
        _folder.Write("p/policy.yaml", Clean + patterns);
        if (content == "error")
        {
            _folder.Write("p/options.yaml", "failmode: OPEN");
        }
    }
}
