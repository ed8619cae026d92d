using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using PolicyService.Cli.Outputs;
using PolicyService.Cli.Verbs;

namespace PolicyService.Cli.Tests.Running;

/// <summary>What one run of policyctl left: its code, and both pipes to the last byte.</summary>
public sealed record Run(int ExitCode, byte[] Output, string Error)
{
    public string Text => Encoding.UTF8.GetString(Output);

    public string[] ErrorLines => Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}

/// <summary>The real policyctl as a process of its own: exit codes and pipes are what a pipeline sees.</summary>
public static class Policyctl
{
    /// <summary>
    /// As its own build left it. The copy beside the tests lacks what the web framework brings, which the tests have and policyctl has not.
    /// </summary>
    private static string Assembly
    {
        get
        {
            var framework = new DirectoryInfo(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
            var configuration = framework.Parent!;
            var repository = configuration.Parent!.Parent!.Parent!.Parent!;
            return Path.Combine(repository.FullName, "src", "PolicyService.Cli", "bin", configuration.Name, framework.Name, "policyctl.dll");
        }
    }

    /// <summary>A busy machine must not look like a slow registry.</summary>
    private static TimeSpan Patient { get; } = TimeSpan.FromMinutes(2);

    public static Task<Run> RunAsync(params string[] arguments) => RunAsync(arguments, []);

    /// <summary>The same in this process, between pipes of the test's own: fast, for what needs no process to be seen.</summary>
    public static Task<Run> RunHereAsync(params string[] arguments) => RunHereAsync(arguments, "");

    public static async Task<Run> RunHereAsync(string[] arguments, string input)
    {
        using var output = new MemoryStream();
        await using var text = new StreamWriter(output, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true };
        using var error = new StringWriter();
        using var stdin = new MemoryStream(Encoding.UTF8.GetBytes(input));
        var exitCode = await VerbRunner.RunAsync(arguments, new Terminal(stdin, output, text, error, IsPiped: true) { RegistryAttempt = Patient });
        return new Run(exitCode, output.ToArray(), error.ToString());
    }

    public static Task<Run> RunAsync(string[] arguments, Dictionary<string, string> environment) => RunAsync(StartInfo(arguments, environment));

    /// <summary>Any program, to its end, with nothing on its stdin but what is given.</summary>
    public static async Task<Run> RunAsync(ProcessStartInfo start, byte[]? input = null)
    {
        var cancellation = TestContext.Current.CancellationToken;
        using var process = new Process { StartInfo = start };
        process.Start();
        if (input is not null)
        {
            await process.StandardInput.BaseStream.WriteAsync(input, cancellation);
        }

        process.StandardInput.Close();
        try
        {
            using var output = new MemoryStream();
            var copied = process.StandardOutput.BaseStream.CopyToAsync(output, cancellation);
            var error = await process.StandardError.ReadToEndAsync(cancellation);
            await copied;
            await process.WaitForExitAsync(cancellation);
            return new Run(process.ExitCode, output.ToArray(), error);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    public static ProcessStartInfo StartInfo(IEnumerable<string> arguments, Dictionary<string, string> environment)
    {
        var host = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", "dotnet"));
        var start = new ProcessStartInfo(host, [Assembly, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["TERM"] = "xterm-256color";
        start.Environment.Remove("NO_COLOR");
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return start;
    }
}
