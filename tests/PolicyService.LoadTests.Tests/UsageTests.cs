using PolicyService.LoadTests.Tests.Running;

namespace PolicyService.LoadTests.Tests;

public sealed class UsageTests
{
    public static TheoryData<string, string> Wrong => new()
    {
        { "an unknown option", "--fast" },
        { "an option without its value", "--scenario" },
        { "an option for the value of another", "--scenario --quick" },
        { "no option", "hot-unary" },
        { "an unknown option with a value", "--slices 3" },
        { "an unknown scenario", "--scenario warm" },
        { "a scenario of a quick run", "--quick --scenario mixed" },
        { "no minutes", "--minutes 0" },
        { "negative minutes", "--minutes -1" },
        { "minutes for ever", "--minutes 1000000" },
        { "minutes of two scenarios", "--minutes 1 --scenario mixed --scenario stream" },
        { "minutes of a quick run", "--minutes 1 --quick" },
        { "a target without scheme", "--target 127.0.0.1:50051" },
        { "a target with a path", "--target http://127.0.0.1:50051/v1" },
        { "a scenario on a target", "--target http://127.0.0.1:1 --scenario mixed" },
        { "an unknown verdict", "--target http://127.0.0.1:1 --expect YES" },
        { "an image without a target", "--image x" },
        { "a file that cannot be written", "--json /proc/none/x" },
    };

    [Theory, MemberData(nameof(Wrong))]
    public async Task Wrong_usage_ends_with_2(string name, string arguments)
    {
        var (code, output, said) = await LoadTest.RunAsync(arguments.Split(' '));

        Assert.True(code == 2, $"{name}: {code}");
        Assert.Empty(output);
        Assert.NotEmpty(said);
    }

    [Fact]
    public async Task Help_is_no_failure()
    {
        var (code, output, _) = await LoadTest.RunAsync("--help");

        Assert.Equal(0, code);
        Assert.Contains("--dump-body", output, StringComparison.Ordinal);
    }
}
