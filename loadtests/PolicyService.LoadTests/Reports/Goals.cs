using System.Globalization;
using PolicyService.LoadTests.Scenarios;

namespace PolicyService.LoadTests.Reports;

/// <summary>The goals of PERFORMANCE.md that a scenario says something about. They are told, never a reason to fail: machines differ, and others use them.</summary>
internal static class Goals
{
    public static IEnumerable<string> Of(ScenarioResult result) => result.Name switch
    {
        "hot-unary" =>
        [
            AtLeast(result, "throughput against echo", result.Ratio?.Median, 0.95),
            AtMost(result, "CPU per request against echo", result.CpuRatio, 1.20),
            AtMost(result, "p99 against echo", result.P99 / result.EchoP99, 1.2),
            AtMost(result, "bytes allocated against echo", result.AllocatedRatio, 1.3),
        ],
        "hot-durable" => [AtLeast(result, "throughput against echo", result.Ratio?.Median, 0.80)],
        "stream" => [AtMost(result, "CPU per decision against unary echo", result.CpuRatio, 0.6)],
        "batch-100" => [AtLeast(result, "decisions per CPU second against unary echo", 1 / result.CpuRatio, 5)],
        "cold-p256" => [AtMost(result, "CPU added against one verification", result.Hot?.CpuAddedMicros / result.Hot?.VerificationMicros, 1.10)],
        "many-rules" or "many-attestations" => [AtMost(result, "median latency against ten", result.Hot?.P50Ratio, 1.1)],
        _ => [],
    };

    private static string AtLeast(ScenarioResult result, string what, double? value, double goal) => Line(result, what, value, "≥", goal, value >= goal);

    private static string AtMost(ScenarioResult result, string what, double? value, double goal) => Line(result, what, value, "≤", goal, value <= goal);

    private static string Line(ScenarioResult result, string what, double? value, string sign, double goal, bool isReached) => string.Create(
        CultureInfo.InvariantCulture,
        $"  {result.Name,-18}{what,-46}{value?.ToString("0.00", CultureInfo.InvariantCulture) ?? "none",6}  goal {sign} {goal:0.00}: {(value is null ? "not measured" : isReached ? "reached" : "missed")}");
}
