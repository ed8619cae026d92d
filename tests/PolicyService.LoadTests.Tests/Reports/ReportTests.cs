using System.Text.Json;
using PolicyService.LoadTests.Measuring;
using PolicyService.LoadTests.Reports;
using PolicyService.LoadTests.Scenarios;

namespace PolicyService.LoadTests.Tests.Reports;

public sealed class ReportTests
{
    [Fact]
    public async Task Json_has_the_names_of_the_method()
    {
        await using var output = new StringWriter();
        var report = new Report(output);
        await report.BeginAsync(MachineFacts.Read());
        await report.AddControlAsync(Result("control"));
        await report.AddAsync(Result("hot-unary"));
        var json = JsonSerializer.Deserialize<JsonElement>(report.ToJson());

        Assert.Equal(1.5, json.GetProperty("control").GetProperty("median").GetDouble());
        var scenario = json.GetProperty("scenarios")[0];
        Assert.Equal(1, scenario.GetProperty("ratio").GetProperty("min").GetDouble());
        Assert.Equal(2, scenario.GetProperty("ratio").GetProperty("max").GetDouble());
        Assert.Equal(3, scenario.GetProperty("p999").GetDouble());
        Assert.Equal(JsonValueKind.Object, json.GetProperty("machine").ValueKind);
        Assert.True(report.IsClean);
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(0, 1)]
    public async Task Error_or_wrong_verdict_makes_the_report_unclean_and_prints_no_ratio(long errors, long wrong)
    {
        await using var output = new StringWriter();
        var report = new Report(output);
        await report.BeginAsync(MachineFacts.Read());
        await report.AddAsync(Result("hot-unary") with { Ratio = null, Errors = errors, WrongVerdicts = wrong });
        await report.EndAsync();

        Assert.False(report.IsClean);
        Assert.Contains("none", output.ToString(), StringComparison.Ordinal);
    }

    private static ScenarioResult Result(string name) => new()
    {
        Name = name,
        Ratio = new Spread(1.5, 1, 2),
        Rate = 10,
        CpuMicrosPerRequest = 4,
        CpuRatio = 1.1,
        P50 = 1,
        P99 = 2,
        P999 = 3,
        Errors = 0,
        WrongVerdicts = 0,
    };
}
