using System.Text.Json;
using PolicyService.LoadTests.Scenarios;

namespace PolicyService.LoadTests.Tests.Running;

/// <summary>Runs the command with a plan that takes a second.</summary>
internal static class LoadTest
{
    /// <summary>Long enough to see that it works, too short to measure anything.</summary>
    public static RunPlan Short { get; } = new()
    {
        Connections = 2,
        Streams = 4,
        Slices = 2,
        SliceTime = TimeSpan.FromMilliseconds(100),
        WarmDecisions = 50,
        LatencySlices = 1,
        ColdImages = 2000,
        ColdDecisionsPerSlice = 200,
        RedisImages = 1500,
        RedisDecisionsPerSlice = 200,
        ManyRulesProjects = 3,
        RulesPerProject = 500,
        ManyAttestations = 5000,
        OverloadTime = TimeSpan.FromSeconds(1),
        CountsAllocations = false,
    };

    public static async Task<(int ExitCode, string Output, string Said)> RunAsync(params string[] arguments)
    {
        await using var output = new StringWriter();
        await using var said = new StringWriter();
        var code = await LoadTestCommand.RunAsync(arguments, TextWriter.Synchronized(output), TextWriter.Synchronized(said), TimeProvider.System, Short);
        return (code, output.ToString(), said.ToString());
    }

    public static async Task<(int ExitCode, string Output, JsonElement Json)> RunWithJsonAsync(params string[] arguments)
    {
        var file = Path.GetTempFileName();
        try
        {
            var (code, output, said) = await RunAsync([.. arguments, "--json", file]);
            var text = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
            return (code, output + said, text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text));
        }
        finally
        {
            File.Delete(file);
        }
    }
}
