using PolicyService.LoadTests.Scenarios;
using PolicyService.LoadTests.Tests.Running;

namespace PolicyService.LoadTests.Tests.Scenarios;

/// <summary>Each scenario once with the real servers, for a second: the documents, the questions and what is expected belong together.</summary>
public sealed class ScenarioTests
{
    private static readonly string[] Fields = ["name", "ratio", "rate", "cpuMicrosPerRequest", "cpuRatio", "p50", "p99", "p999", "errors", "wrongVerdicts"];

    public static TheoryData<string> Names => [.. ScenarioList.All.Select(scenario => scenario.Name)];

    [Theory, MemberData(nameof(Names))]
    public async Task Scenario_is_answered_rightly(string name)
    {
        var (code, output, json) = await LoadTest.RunWithJsonAsync("--scenario", name);

        Assert.True(code == 0, output);
        var scenario = Assert.Single(json.GetProperty("scenarios").EnumerateArray());
        Assert.Equal(name, scenario.GetProperty("name").GetString());
        Assert.All(Fields, field => Assert.NotEqual(System.Text.Json.JsonValueKind.Null, scenario.GetProperty(field).ValueKind));
        Assert.All(new[] { "median", "min", "max" }, part => Assert.True(scenario.GetProperty("ratio").GetProperty(part).GetDouble() > 0 && json.GetProperty("control").GetProperty(part).GetDouble() > 0));
        Assert.True(json.GetProperty("machine").GetProperty("processors").GetInt32() > 0);
    }

    [Fact]
    public void Every_scenario_of_the_method_is_there() => Assert.Equal(
        ["batch-100", "cold-p256", "cold-redis", "cold-rsa4096", "hot-durable", "hot-unary", "many-attestations", "many-rules", "mixed", "overload", "policy-swap", "revocation-storm", "stream"],
        ScenarioList.All.Select(scenario => scenario.Name).Order(StringComparer.Ordinal));
}
