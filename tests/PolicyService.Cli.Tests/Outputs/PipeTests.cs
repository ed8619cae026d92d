using System.Diagnostics;
using PolicyService.Cli.Tests.Running;

namespace PolicyService.Cli.Tests.Outputs;

/// <summary>Pipes that take nothing, and pipes that say nothing.</summary>
public sealed class PipeTests : IDisposable
{
    private const string Refused = "policyctl: stdout could not be written (";

    private readonly Folder _folder = new();

    public PipeTests() => _folder.Write("p/policy.yaml", Folder.RequireByNamespace);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(">/dev/full", "version")]
    [InlineData(">/dev/full", "--help")]
    [InlineData(">/dev/full", "completion bash")]
    [InlineData(">/dev/full", "policy lint P")]
    [InlineData(">/dev/full", "policy lint P --format json")]
    [InlineData(">/dev/full", "evaluate IMAGE --cluster a.b --policies P")]
    [InlineData(">/dev/full", "evaluate IMAGE --cluster a.b --policies P -o json")]
    [InlineData(">/dev/full", "payload IMAGE")]
    [InlineData(">&-", "version")]
    [InlineData(">&-", "evaluate IMAGE --cluster a.b --policies P -o json")]
    public async Task Stdout_that_takes_nothing_is_named_and_is_3(string redirection, string arguments)
    {
        var run = await RunAsync(redirection, arguments);

        Assert.Equal(3, run.ExitCode);
        var line = Assert.Single(run.ErrorLines);
        Assert.StartsWith(redirection == ">/dev/full" ? $"{Refused}No space left on device): " : Refused, line, StringComparison.Ordinal);
        Assert.DoesNotContain("internal error", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("2>/dev/full", "judge", 2)]
    [InlineData("2>/dev/full", "policy lint MISSING", 2)]
    [InlineData("2>/dev/full", "evaluate IMAGE --cluster a.b --policies P", 1)]
    [InlineData("2>/dev/full >/dev/full", "policy lint P", 3)]
    [InlineData("2>&-", "policy lint MISSING", 2)]
    [InlineData("2>&- >&-", "version", 3)]
    public async Task Stderr_that_takes_nothing_leaves_the_exit_code(string redirection, string arguments, int exitCode) =>
        Assert.Equal(exitCode, (await RunAsync(redirection, arguments)).ExitCode);

    [Fact]
    public async Task Pipe_that_never_ends_is_left_at_SIGTERM()
    {
        var fifo = _folder["fifo"];
        using (var made = Process.Start("mkfifo", [fifo]))
        {
            await made.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        using var process = Process.Start(Policyctl.StartInfo(["evaluate", "-f", fifo, "--cluster", "a.b", "--policies", _folder["p"]], []))!;
        process.StandardInput.Close();
        // It opens when the other end is opened for reading.
        await using var writer = await Task.Run(() => new FileStream(fifo, FileMode.Open, FileAccess.Write), TestContext.Current.CancellationToken);

        await AssertEnds(process);
    }

    [Fact]
    public async Task Stdin_that_never_ends_is_left_at_SIGTERM()
    {
        using var process = Process.Start(Policyctl.StartInfo(["evaluate", "-f", "-", "--cluster", "a.b", "--policies", _folder["p"]], []))!;
        // More than a pipe holds: once it is written, it is being read.
        await process.StandardInput.BaseStream.WriteAsync(new byte[512 * 1024], TestContext.Current.CancellationToken);

        await AssertEnds(process);
    }

    private static async Task AssertEnds(Process process)
    {
        var timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(60));
        try
        {
            Cli.Demo.Signals.Terminate(process);
            await process.WaitForExitAsync(timeout.Token);

            // By our own handler or, before it stands, by the system's.
            Assert.Contains(process.ExitCode, new[] { 3, 143 });
        }
        finally
        {
            process.Kill();
            timeout.Dispose();
        }
    }

    private Task<Run> RunAsync(string redirection, string arguments)
    {
        var words = arguments.Split(' ').Select(word => word switch { "P" => _folder["p"], "IMAGE" => Samples.Image, "MISSING" => _folder["missing"], _ => word });
        var direct = Policyctl.StartInfo(words, []);
        return Policyctl.RunAsync(new ProcessStartInfo("/bin/sh", ["-c", $"exec \"$0\" \"$@\" {redirection}", direct.FileName, .. direct.ArgumentList])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        });
    }
}
