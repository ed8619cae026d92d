using System.Runtime.InteropServices;
using PolicyService.Api.V1;
using PolicyService.LoadTests.Calls;
using PolicyService.LoadTests.Documents;
using PolicyService.LoadTests.Processes;
using PolicyService.LoadTests.Reports;
using PolicyService.LoadTests.Scenarios;
using PolicyService.LoadTests.Soaks;
using PolicyService.LoadTests.Targets;

namespace PolicyService.LoadTests;

/// <summary>Does what the command line asks for. Results go to standard output, everything else to standard error.</summary>
internal static class LoadTestCommand
{
    /// <param name="arguments">The command line.</param>
    /// <param name="output">Where results go.</param>
    /// <param name="said">Where everything else goes.</param>
    /// <param name="time">The clock.</param>
    /// <param name="plan">How long and how much; null: as the command line says. Tests have little time.</param>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, TextWriter output, TextWriter said, TimeProvider time, RunPlan? plan = null)
    {
        if (LoadTestArguments.Parse(arguments, out var problem) is not { } parsed)
        {
            await said.WriteLineAsync(problem);
            await said.WriteLineAsync(LoadTestArguments.Usage);
            return ExitCodes.Usage;
        }

        using var ending = new CancellationTokenSource();
        // The servers end with us: whoever stops the run must not leave them behind.
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
        try
        {
            return await RunAsync(parsed, plan ?? (parsed.Quick ? RunPlan.Quick : RunPlan.Full), output, said, time, ending.Token);
        }
        catch (LoadTestException exception)
        {
            await said.WriteLineAsync(exception.Message);
            return exception.ExitCode;
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            await said.WriteLineAsync("stopped before its end");
            return ExitCodes.Failed;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            await said.WriteLineAsync(exception.Message);
            return ExitCodes.Usage;
        }

        void End(PosixSignalContext signal)
        {
            signal.Cancel = true;
            ending.Cancel();
        }
    }

    private static async Task<int> RunAsync(LoadTestArguments arguments, RunPlan plan, TextWriter output, TextWriter said, TimeProvider time, CancellationToken cancellation)
    {
        if (arguments.Help)
        {
            await output.WriteLineAsync(LoadTestArguments.Usage);
            return ExitCodes.Ok;
        }

        if (arguments.BodyFile is { } file)
        {
            var image = new EvaluateRequest(new TestImage(0).Ask(Verdict.Allow).Request) { ImageDigest = arguments.Image, Cluster = arguments.Cluster };
            await File.WriteAllBytesAsync(file, GrpcFrame.Of(image), cancellation);
            return ExitCodes.Ok;
        }

        if (arguments.JsonFile is { } json)
        {
            // What cannot be written is better known now than after half an hour.
            await File.WriteAllTextAsync(json, "", cancellation);
        }

        await using var bed = new TestBed(plan, time);
        if (arguments.Minutes is { } minutes)
        {
            return await new Soak(bed, output).RunAsync(arguments, minutes, cancellation);
        }

        var (report, run) = (new Report(output), new ScenarioRun(bed));
        await report.BeginAsync(MachineFacts.Read());
        if (arguments.Target is { } target)
        {
            var prepared = await DeployedTarget.PrepareAsync(bed, target, arguments, cancellation);
            await report.AddAsync(await run.RunAloneAsync("target", prepared, cancellation));
        }
        else
        {
            await report.AddControlAsync(await run.ControlAsync(cancellation));
            foreach (var scenario in arguments.Quick ? ScenarioList.Quick : arguments.Scenarios.Count > 0 ? arguments.Scenarios : ScenarioList.All)
            {
                await said.WriteLineAsync($"{scenario.Name} …");
                await report.AddAsync(await run.RunAsync(scenario, cancellation));
            }
        }

        await report.EndAsync();
        if (arguments.JsonFile is { } path)
        {
            await File.WriteAllTextAsync(path, report.ToJson(), cancellation);
        }

        return report.IsClean ? ExitCodes.Ok : ExitCodes.Failed;
    }
}
