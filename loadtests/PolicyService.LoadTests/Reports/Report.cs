using System.Globalization;
using System.Text;
using System.Text.Json;
using PolicyService.LoadTests.Measuring;
using PolicyService.LoadTests.Scenarios;

namespace PolicyService.LoadTests.Reports;

/// <summary>The table for people, printed as it comes, and the JSON for programs (PERFORMANCE.md, "How to measure").</summary>
internal sealed class Report(TextWriter output)
{
    private static readonly CompositeFormat Columns = CompositeFormat.Parse("{0,-18}{1,10}  {2,-22}{3,8}{4,8}  {5,8}{6,8}{7,8}{8,9}{9,8}{10,7}{11,7}");
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };
    private readonly List<ScenarioResult> _results = [];
    private MachineFacts? _machine;
    private ScenarioResult? _control;

    public bool IsClean => _results.Append(_control).All(result => result?.IsClean is not false);

    public async Task BeginAsync(MachineFacts machine)
    {
        _machine = machine;
        await output.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"{machine.Processors} × {machine.Processor}, {machine.Runtime}, load average {machine.LoadAverage:0.0}"));
        await output.WriteLineAsync("rate: decisions a second; ratio: to the echo, median (least to greatest); cpu: µs of the server for one decision; latency: ms, on a fixed schedule\n");
        await output.WriteLineAsync(Row("", "rate", "ratio", "cpu", "to echo", "p50", "p99", "p99.9", "echo p99", "MiB", "errors", "wrong"));
    }

    public Task AddControlAsync(ScenarioResult control)
    {
        _control = control;
        return PrintAsync(control);
    }

    public Task AddAsync(ScenarioResult result)
    {
        _results.Add(result);
        return PrintAsync(result);
    }

    public async Task EndAsync()
    {
        string[] goals = [.. _results.SelectMany(Goals.Of)];
        if (goals.Length > 0)
        {
            await output.WriteLineAsync($"\ngoals\n{string.Join('\n', goals)}");
        }
    }

    public string ToJson() => JsonSerializer.Serialize(
        new
        {
            Control = _control?.Ratio,
            Scenarios = _results,
            Machine = _machine,
        },
        Json);

    private async Task PrintAsync(ScenarioResult result)
    {
        await output.WriteLineAsync(Row(
            result.Name,
            Number(result.Rate, "0"),
            result.Ratio is { } ratio ? string.Create(CultureInfo.InvariantCulture, $"{ratio.Median:0.00} ({ratio.Min:0.00} to {ratio.Max:0.00})") : "none",
            Number(result.CpuMicrosPerRequest, "0.0"),
            Number(result.CpuRatio, "0.00"),
            Number(result.P50, "0.00"),
            Number(result.P99, "0.00"),
            Number(result.P999, "0.00"),
            Number(result.EchoP99, "0.00"),
            Number(result.PeakMemoryMiB, "0"),
            Number(result.Errors, "0"),
            Number(result.WrongVerdicts, "0")));
        foreach (var line in Details(result))
        {
            await output.WriteLineAsync($"  {line}");
        }

        await output.FlushAsync();
    }

    private static IEnumerable<string> Details(ScenarioResult result)
    {
        foreach (var (kind, count) in result.Kinds)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"{count} × {kind}");
        }

        if (result.AllocatedBytes is { } allocated)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"allocated for one decision: {allocated:0} bytes, {Number(result.AllocatedRatio, "0.00")} of the echo's");
        }

        if (result.Hot is { } hot)
        {
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"against hot: rate {Of(hot.Ratio)}, p50 {Number(hot.P50Ratio, "0.00")}, p99 {Number(hot.P99Ratio, "0.00")}, cpu {Number(hot.CpuAddedMicros, "+0.0;-0.0")} µs");
            if (hot.VerificationMicros is { } verification)
            {
                yield return string.Create(CultureInfo.InvariantCulture, $"one verification by the base library alone: {verification:0.0} µs");
            }
        }

        foreach (var note in result.Notes)
        {
            yield return note;
        }
    }

    private static string Of(Spread spread) => string.Create(CultureInfo.InvariantCulture, $"{spread.Median:0.00} ({spread.Min:0.00} to {spread.Max:0.00})");

    private static string Number(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "-";

    private static string Row(params object[] cells) => string.Format(CultureInfo.InvariantCulture, Columns, cells).TrimEnd();
}
