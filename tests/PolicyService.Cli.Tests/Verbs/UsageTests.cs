using PolicyService.Cli.Tests.Running;

namespace PolicyService.Cli.Tests.Verbs;

public sealed class UsageTests
{
    public static TheoryData<string, string> Wrong => new()
    {
        { "no verb", "" },
        { "an unknown verb", "judge" },
        { "no image", "evaluate --cluster a.b --server http://127.0.0.1:1" },
        { "no cluster", "evaluate x --server http://127.0.0.1:1" },
        { "nobody to ask", "evaluate x --cluster a.b" },
        { "server and policies", "evaluate x --cluster a.b --server http://127.0.0.1:1 --policies ." },
        { "a time for a server", "evaluate x --cluster a.b --server http://127.0.0.1:1 --at 2026-01-31T12:00:00Z" },
        { "a timeout without a server", "evaluate x --cluster a.b --policies . --timeout 1" },
        { "a verb of a group alone", "policy" },
        { "an unknown verb of a group", "policy mend" },
        { "lint of two directories", "policy lint a b" },
        { "lint in an unknown format", "policy lint --format xml" },
        { "verify without files", "verify attestation --image x" },
        { "verify image without a key", "verify image registry.example.com/a:1" },
        { "tree of nothing", "tree" },
        { "tree with an unknown option", "tree registry.example.com/a:1 --keys x" },
        { "tree in no known form", "tree registry.example.com/a:1 -o yaml" },
        { "completion of an unknown shell", "completion fish" },
        { "completion of no shell", "completion" },
        { "an unknown option", "evaluate x --cluster a.b --server http://127.0.0.1:1 --force" },
        { "a server without scheme", "evaluate x --cluster a.b --server 127.0.0.1:1" },
        { "an unknown output", "evaluate x --cluster a.b --server http://127.0.0.1:1 -o xml" },
        { "a timeout of nothing", "evaluate x --cluster a.b --server http://127.0.0.1:1 --timeout 0" },
        { "a negative timeout", "evaluate x --cluster a.b --server http://127.0.0.1:1 --timeout -1" },
        { "an endless timeout", "evaluate x --cluster a.b --server http://127.0.0.1:1 --timeout 301" },
        { "no number for a timeout", "evaluate x --cluster a.b --server http://127.0.0.1:1 --timeout NaN" },
        { "payload of nothing", "payload" },
        { "payload of two images", "payload x y" },
        { "arguments for the demo", "demo x" },
        { "a service without a namespace", "doctor kubernetes --service adapter" },
        { "a report in an unknown form", "doctor kubernetes -o yaml" },
        { "pin without documents", "attestor pin build" },
        { "pin of nothing", "attestor pin --policies ." },
        { "a key service on another machine without TLS", "attestor pin build --policies . --kms-endpoint http://192.0.2.1" },
        { "a key service for a server", "evaluate x --cluster a.b --server http://127.0.0.1:1 --kms-endpoint http://127.0.0.1:1" },
    };

    [Theory, MemberData(nameof(Wrong))]
    public async Task Wrong_usage_is_2_and_says_so_on_stderr_alone(string name, string arguments)
    {
        var run = await Policyctl.RunAsync(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.True(run.ExitCode == 2, $"{name}: {run.ExitCode} {run.Error}");
        Assert.Empty(run.Output);
        Assert.All(run.ErrorLines, line => Assert.StartsWith("policyctl: ", line, StringComparison.Ordinal));
        Assert.Contains("--help`", run.ErrorLines[^1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("evaluate")]
    [InlineData("payload")]
    [InlineData("demo")]
    [InlineData("version")]
    [InlineData("verify")]
    [InlineData("verify attestation")]
    [InlineData("verify image")]
    [InlineData("tree")]
    [InlineData("policy")]
    [InlineData("policy lint")]
    [InlineData("completion")]
    [InlineData("attestor")]
    [InlineData("attestor pin")]
    [InlineData("doctor")]
    [InlineData("doctor kubernetes")]
    public async Task Help_of_every_verb_has_an_example(string verb)
    {
        var run = await Policyctl.RunHereAsync([.. verb.Split(' '), "--help"]);

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains($"Example:\n  policyctl {verb}", run.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_lists_the_verbs()
    {
        var run = await Policyctl.RunAsync("--help");

        Assert.Equal(0, run.ExitCode);
        Assert.All(["evaluate", "payload", "verify", "tree", "policy", "demo", "completion", "version"], verb => Assert.Contains($"\n  {verb}", run.Text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Version_is_one_line()
    {
        var run = await Policyctl.RunAsync("version");

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Matches(@"^policyctl [0-9]+\.[0-9]+\.[0-9]+[^\n]*\n$", run.Text);
    }
}
