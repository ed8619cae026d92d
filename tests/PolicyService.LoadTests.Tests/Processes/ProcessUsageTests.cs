using PolicyService.LoadTests.Processes;

namespace PolicyService.LoadTests.Tests.Processes;

public sealed class ProcessUsageTests
{
    [Theory]
    [InlineData("7 (dotnet) S 1 7 7 0 -1 4194304 9 0 0 0 150 50 3 4 20 0 30 0 99 1 2")]
    [InlineData("7 (a) b) S 9) S 1 7 7 0 -1 4194304 9 0 0 0 150 50 3 4 20 0 30 0 99 1 2")]
    public void Cpu_is_user_and_system_time_whatever_the_program_is_called(string stat) => Assert.Equal(TimeSpan.FromSeconds(2), ProcessUsage.CpuOf(stat));

    [Fact]
    public void Own_process_takes_something()
    {
        var usage = ProcessUsage.Of(Environment.ProcessId);

        Assert.True(usage is { Memory: > 0, Handles: > 0, Threads: > 0 } && usage.PeakMemory >= usage.Memory && usage.Cpu > TimeSpan.Zero, usage.ToString());
    }
}
