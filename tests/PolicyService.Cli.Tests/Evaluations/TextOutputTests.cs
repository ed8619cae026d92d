using PolicyService.Api.V1;
using PolicyService.Cli.Evaluations;
using PolicyService.Cli.Outputs;
using PolicyService.Cli.Tests.Running;

namespace PolicyService.Cli.Tests.Evaluations;

public sealed class TextOutputTests
{
    private const char Escape = '\u001b';

    [Theory]
    [InlineData("TERM", "xterm-256color")]
    [InlineData("GITHUB_ACTIONS", "true")]
    [InlineData("TF_BUILD", "true")]
    [InlineData("COLORTERM", "truecolor")]
    public async Task Piped_output_is_plain(string variable, string value)
    {
        await using var server = await ScriptedServer.StartAsync(Samples.Deny);

        var run = await Policyctl.RunAsync(Samples.Evaluate(server, Samples.Image), new() { [variable] = value });

        Assert.StartsWith("DENY  ", run.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(Escape, run.Text);
        Assert.Equal("", run.Error);
    }

    [Fact]
    public async Task Remedy_is_a_block_whose_lines_are_whole()
    {
        await using var server = await ScriptedServer.StartAsync(Samples.Deny);

        var run = await Policyctl.RunAsync(Samples.Evaluate(server, Samples.Image));

        var block = string.Join('\n', Samples.Remedy.ReplaceLineEndings("\n").Split('\n').Select(line => $"    {line}"));
        Assert.Contains($"  to satisfy it:\n{block}\n", run.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Decision_reads_well()
    {
        var answer = Samples.Allow;
        answer.BreakGlass = true;
        answer.OverriddenVerdict = Verdict.Deny;
        answer.Stale = true;
        answer.Trace.Add(new Step { Step_ = "allowlist", Outcome = "no match", Text = "3 patterns" });
        await using var server = await ScriptedServer.StartAsync(answer);

        var run = await Policyctl.RunAsync(Samples.Evaluate(server, "first", "--explain"));

        var expected = """
            ALLOW  first  on europe-west1.prod
              CONFORMANT, break-glass overrode DENY, decided by stale documents, policy sha256:1, decision id-1
              ATTESTED: attested
              step allowlist: no match (3 patterns)

            """;
        Assert.Equal(expected.ReplaceLineEndings("\n"), run.Text);
    }

    [Fact]
    public async Task Escape_sequences_of_a_server_do_not_reach_the_terminal()
    {
        var answer = Samples.Deny;
        answer.Reasons[0].Text = "\u001b[2Jcleared\r\nALLOW\u202e";
        answer.Reasons[0].Remedy = "a\u0007\nb";
        answer.DecisionId = "\u009b1m";
        await using var server = await ScriptedServer.StartAsync(answer);

        var run = await Policyctl.RunAsync(Samples.Evaluate(server, Samples.Image));

        Assert.DoesNotContain(run.Text, character => char.IsControl(character) && character != '\n');
        Assert.Contains(@": \u001b[2Jcleared\u000d\u000aALLOW\u202e", run.Text, StringComparison.Ordinal);
        Assert.Contains("    a\\u0007\n    b\n", run.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(20)]
    [InlineData(400)]
    public void Width_of_the_console_changes_nothing(int width)
    {
        var writer = new StringWriter();
        var console = Screen.Open(writer, decorated: false);
        console.Profile.Width = width;
        var request = new EvaluateRequest { ImageDigest = Samples.Image, Cluster = Samples.Cluster };

        TextOutput.Write(console, [Answer.Of(request, ScriptedServer.Echo(request, Samples.Deny))]);

        Assert.Contains($"\n    {Samples.Remedy.ReplaceLineEndings("\n").Split('\n')[1]}", writer.ToString(), StringComparison.Ordinal);
        Assert.Equal(7, writer.ToString().Split('\n').Length);
    }

    [Fact]
    public void Terminal_gets_colour()
    {
        var writer = new StringWriter();

        TextOutput.Write(Screen.Open(writer, decorated: true), [Answer.Of(new EvaluateRequest(), Samples.Deny)]);

        Assert.StartsWith($"{Escape}[", writer.ToString(), StringComparison.Ordinal);
    }
}
