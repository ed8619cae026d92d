using System.Diagnostics;
using System.Text.Json;
using PolicyService.Cli.Tests.Running;

namespace PolicyService.Cli.Tests.Demo;

/// <summary>The real demo: policyctl as a process, which starts the real server as another.</summary>
public sealed class DemoTests : IDisposable
{
    private readonly string _temporary = Directory.CreateTempSubdirectory("demo-tests-").FullName;

    public void Dispose() => Directory.Delete(_temporary, recursive: true);

    [Fact]
    public async Task Demo_gets_the_five_expected_verdicts_and_leaves_nothing()
    {
        var run = await Policyctl.RunAsync(["demo"], Settings);

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal(
            [
                "ALLOW shop/web europe-west1.prod ATTESTED",
                "DENY shop/payments europe-west1.prod DENIED_BY_ATTESTOR",
                "DRYRUN shop/payments europe-west1.staging DENIED_BY_ATTESTOR",
                "DENY shop/cart europe-west1.prod DENIED_BY_ATTESTOR",
                "ALLOW shop/payments europe-west1.prod BREAK_GLASS",
            ],
            Rows(run.Text));
        Assert.Contains("SIGNATURE_INVALID", run.Text, StringComparison.Ordinal);
        Assert.Contains("overrides DENY", run.Text, StringComparison.Ordinal);
        Assert.Contains("\n    policyctl payload registry.example.com/shop/payments@sha256:", run.Text, StringComparison.Ordinal);
        Assert.Contains("\n    openssl dgst -sha256 -sign", run.Text, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_temporary));
    }

    [Fact]
    public async Task Record_shown_is_one_line_of_json_about_the_denial()
    {
        var run = await Policyctl.RunAsync(["demo"], Settings);

        var line = Assert.Single(run.Text.Split('\n'), line => line.StartsWith("    {", StringComparison.Ordinal));
        using var record = JsonDocument.Parse(line);
        Assert.Equal("VIOLATES_POLICY", record.RootElement.GetProperty("verdict").GetString());
    }

    [Fact]
    public async Task Demo_that_is_terminated_leaves_neither_server_nor_directory()
    {
        var cancellation = TestContext.Current.CancellationToken;
        using var demo = Process.Start(Policyctl.StartInfo(["demo"], Settings))!;
        demo.StandardInput.Close();
        var error = demo.StandardError.ReadToEndAsync(cancellation);
        var first = await demo.StandardOutput.ReadLineAsync(cancellation);
        Assert.NotNull(first);

        Cli.Demo.Signals.Terminate(demo);
        await demo.StandardOutput.ReadToEndAsync(cancellation);
        await demo.WaitForExitAsync(cancellation);

        // It may have come to its end before the signal came.
        Assert.Contains(await error, new[] { "", "policyctl: interrupted\n" });
        Assert.Empty(Directory.GetFileSystemEntries(_temporary));
        // Its first line names the address; nobody listens there any more.
        var url = first[first.IndexOf("http://", StringComparison.Ordinal)..].TrimEnd('.');
        var after = await Policyctl.RunAsync("evaluate", "x", "--cluster", "a.b", "--server", url);
        Assert.Contains("cannot be reached", after.Error, StringComparison.Ordinal);
    }

    private Dictionary<string, string> Settings => new()
    {
        ["TMPDIR"] = _temporary,
        // What someone's shell may hold for a server of their own.
        ["Policies__Directory"] = "/nonexistent",
        ["Audit__File"] = "/nonexistent/audit",
        ["ASPNETCORE_URLS"] = "http://0.0.0.0:1",
    };

    /// <summary>Verdict, repository, cluster and code of every row; second lines of a row have no verdict.</summary>
    private static IEnumerable<string> Rows(string text) => text.Split('\n')
        .Where(line => line.StartsWith('│'))
        .Select(line => line.Split('│', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        .Where(cells => cells is ["ALLOW" or "DENY" or "DRYRUN", _, _, _])
        .Select(cells => $"{cells[0]} {cells[1].Split('@')[0]} {cells[2]} {cells[3]}");
}
