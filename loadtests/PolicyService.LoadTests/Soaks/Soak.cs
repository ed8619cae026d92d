using System.Globalization;
using System.Text;
using PolicyService.LoadTests.Measuring;
using PolicyService.LoadTests.Processes;
using PolicyService.LoadTests.Scenarios;
using PolicyService.LoadTests.Targets;

namespace PolicyService.LoadTests.Soaks;

/// <summary>One scenario for as long as one likes: what grows shows in the lines.</summary>
internal sealed class Soak(TestBed bed, TextWriter output)
{
    private static readonly CompositeFormat Columns = CompositeFormat.Parse("{0,8}{1,10}{2,9}{3,9}{4,9}{5,9}{6,8}{7,9}{8,9}{9,12}{10,7}{11,8}{12,7}");
    private const int Lines = 60;
    private const string DefaultScenario = "mixed";

    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    public async Task<int> RunAsync(LoadTestArguments arguments, int minutes, CancellationToken cancellation)
    {
        var scenario = arguments.Scenarios.Count > 0 ? arguments.Scenarios[0] : ScenarioList.All.Single(one => one.Name == DefaultScenario);
        await using var prepared = arguments.Target is { } target
            ? await DeployedTarget.PrepareAsync(bed, target, arguments, cancellation)
            : await scenario.PrepareAsync(bed, cancellation);
        using var counters = prepared.Service.Server is { } server ? RuntimeCounters.Of(server.Id) : null;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var meanwhile = prepared.Meanwhile?.Invoke(over.Token) ?? Task.CompletedTask;
        try
        {
            return await SampleAsync(prepared.Service, TimeSpan.FromMinutes(minutes), counters, cancellation);
        }
        finally
        {
            await over.CancelAsync();
            await meanwhile;
        }
    }

    private async Task<int> SampleAsync(Side side, TimeSpan whole, RuntimeCounters? counters, CancellationToken cancellation)
    {
        await output.WriteLineAsync(Row("seconds", "rate", "p50 ms", "p99 ms", "rss MiB", "handles", "threads", "heap MiB", "gc 0/1/2", "alloc B/call", "queue", "errors", "wrong"));
        var tally = new Tally();
        var started = bed.Time.GetTimestamp();
        var span = whole / Lines;
        while (bed.Time.GetElapsedTime(started) < whole)
        {
            var before = counters?.Read();
            var slice = await ClosedLoop.RunAsync(side.Callers, span, long.MaxValue, tally, bed.Time, cancellation);
            var (usage, after) = (side.Server?.Usage, counters?.Read());
            await output.WriteLineAsync(Row(
                Number(bed.Time.GetElapsedTime(started).TotalSeconds, "0"),
                Number(slice.Rate, "0"),
                Number(slice.Latencies.Percentile(0.5), "0.00"),
                Number(slice.Latencies.Percentile(0.99), "0.00"),
                Number(usage?.Memory / 1024.0 / 1024.0, "0"),
                Number(usage?.Handles, "0"),
                Number(usage?.Threads, "0"),
                Number(after?.HeapMiB, "0.0"),
                after is null ? "-" : string.Create(CultureInfo.InvariantCulture, $"{after.Gen0}/{after.Gen1}/{after.Gen2}"),
                Number((after?.AllocatedBytes - before?.AllocatedBytes) / Math.Max(1.0, slice.Decisions), "0"),
                Number(await MetricsPage.ReadAsync(side.Server?.Http, "policyservice_audit_queue_records", cancellation), "0"),
                Number(tally.Errors, "0"),
                Number(tally.WrongVerdicts, "0")));
            await output.FlushAsync(cancellation);
        }

        foreach (var line in tally.Kinds.Select(kind => $"{kind.Value} × {kind.Key}").Concat(tally.Examples))
        {
            await output.WriteLineAsync($"  {line}");
        }

        return tally.IsClean ? ExitCodes.Ok : ExitCodes.Failed;
    }

    private static string Number(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "-";

    private static string Row(params object[] cells) => string.Format(CultureInfo.InvariantCulture, Columns, cells);
}
