using PolicyService.Cli.Tests.Running;

namespace PolicyService.Cli.Tests.Verbs;

/// <summary>The verbs that need a store, through the server that policyctl carries.</summary>
public sealed class StoreVerbsTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("policyctl-store-");

    [Fact]
    public async Task Directory_goes_into_a_store_and_out_again_and_changes_are_taken_back()
    {
        var store = At("store.db");
        Write("in/policy.yaml", Policy("ALWAYS_DENY"));
        var imported = await Policyctl.RunAsync("import", "--policies", At("in"), "--store", store);
        Assert.Equal((0, "imported 1 documents and 0 occurrences; what was the same already stays as it is\n", ""), (imported.ExitCode, imported.Text, imported.Error));
        Write("in/policy.yaml", Policy("ALWAYS_ALLOW"));
        Assert.Equal(0, (await Policyctl.RunAsync("import", "--policies", At("in"), "--store", store)).ExitCode);

        var listed = (await Policyctl.RunAsync("policy", "history", "list", "projects/acme/policy", "--store", store)).Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        // Columns are padded: a time that ends in a zero is written shorter than others.
        Assert.Equal(["changed", "created"], listed.Select(line => line.Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[2]));
        var diff = await Policyctl.RunAsync("policy", "history", "diff", "projects/acme/policy", "--store", store);
        Assert.Contains("+     \"evaluationMode\": \"ALWAYS_ALLOW\"", diff.Text, StringComparison.Ordinal);
        var rolled = await Policyctl.RunAsync("policy", "history", "rollback", "projects/acme/policy", listed[1].Trim().Split(' ')[0], "--store", store);
        Assert.Equal((0, ""), (rolled.ExitCode, rolled.Error));

        // As the environment names it, the way that shows no password.
        var exported = await Policyctl.RunAsync(["export", "--policies", At("out")], new Dictionary<string, string> { ["Store__Path"] = store });
        Assert.Equal((0, "exported 1 documents and 0 occurrences\n"), (exported.ExitCode, exported.Text));
        Assert.Contains("ALWAYS_DENY", File.ReadAllText(At("out/projects/acme/policy.json")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refusals_are_one_line_and_code_2()
    {
        foreach (var arguments in new string[][]
        {
            ["export", "--policies", At("out"), "--store", At("missing.db")],
            ["export", "--policies", At("out")],
            ["import", "--policies", At("missing"), "--store", At("store.db")],
            ["policy", "history", "list", "nonsense", "--store", At("missing.db")],
            ["import", "--policies", At("in"), "--postgres", "secret-password"],
        })
        {
            var run = await Policyctl.RunAsync(arguments);

            Assert.True(run.ExitCode == 2 && run.ErrorLines.Length == 1 && run.Output.Length == 0, $"{string.Join(' ', arguments)}: {run.ExitCode} {run.Error}");
            Assert.StartsWith("policyctl: ", run.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("secret-password", run.Error, StringComparison.Ordinal);
        }

        Assert.Equal(2, (await Policyctl.RunHereAsync("export")).ExitCode);
        Assert.Equal(2, (await Policyctl.RunHereAsync("policy", "history", "rollback", "projects/acme/policy", "--store", "x")).ExitCode);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private string At(string name) => Path.Combine(_folder.FullName, name);

    private void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        File.WriteAllText(At(name), text);
    }

    private static string Policy(string mode) =>
        $$"""
        name: projects/acme/policy
        defaultAdmissionRule: {evaluationMode: {{mode}}, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG}
        """;
}
