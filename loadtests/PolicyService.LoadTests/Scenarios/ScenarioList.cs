namespace PolicyService.LoadTests.Scenarios;

/// <summary>Every scenario, in the order in which they run.</summary>
internal static class ScenarioList
{
    private static readonly string[] QuickNames = ["hot-unary", "hot-durable", "stream", "batch-100", "cold-p256"];

    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("hot-unary", HotScenarios.UnaryAsync),
        new("hot-durable", HotScenarios.DurableAsync),
        new("stream", HotScenarios.StreamAsync),
        new("batch-100", HotScenarios.BatchAsync),
        new("cold-p256", ColdScenarios.P256Async),
        new("cold-rsa4096", ColdScenarios.Rsa4096Async),
        new("cold-redis", RedisScenario.PrepareAsync),
        new("many-rules", LargeScenarios.RulesAsync),
        new("many-attestations", LargeScenarios.AttestationsAsync),
        new("policy-swap", ChangeScenarios.SwapAsync),
        new("revocation-storm", ChangeScenarios.StormAsync),
        new("mixed", HotScenarios.MixedAsync),
        new("overload", OverloadScenario.PrepareAsync),
    ];

    /// <summary>Those of <c>--quick</c>.</summary>
    public static IReadOnlyList<Scenario> Quick { get; } = [.. All.Where(scenario => QuickNames.Contains(scenario.Name))];
}
