using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Cli.Demo;

namespace PolicyService.Cli.Tests.Demo;

/// <summary>Servers that misbehave, played by a shell.</summary>
public sealed class ServerProcessTests : IDisposable
{
    private const string Ready = "echo 'PolicyService is ready: gRPC http://127.0.0.1:4321, HTTP http://127.0.0.1:4322' >&2";

    private readonly string _directory = Directory.CreateTempSubdirectory("server-process-tests-").FullName;
    private readonly FakeTimeProvider _time = new();

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Ready_line_gives_the_address_and_the_process_ends_with_us()
    {
        await using (var server = await StartAsync($"echo log >&2; echo noise; {Ready}; exec sleep 600"))
        {
            Assert.Equal(new Uri("http://127.0.0.1:4321"), server.Url);
            Assert.True(IsRunning());
        }

        Assert.False(IsRunning());
    }

    [Fact]
    public async Task Server_that_ignores_SIGTERM_is_killed()
    {
        // The shell waits in its own built-in, so that no child of it stays behind.
        var server = await StartAsync($"trap '' TERM; mkfifo pipe; {Ready}; read -r line < pipe");

        var stopping = server.StopAsync();
        Assert.True(IsRunning());
        _time.Advance(TimeSpan.FromSeconds(11));
        await stopping;

        Assert.False(IsRunning());
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Server_that_ends_before_it_is_ready_is_reported_with_its_last_words()
    {
        var problem = await Assert.ThrowsAsync<DemoException>(() => StartAsync("echo why >&2; echo and >&2; exit 7"));

        Assert.Contains("code 7", problem.Message, StringComparison.Ordinal);
        Assert.Equal(["why", "and"], problem.Log);
    }

    [Theory]
    [InlineData("PolicyService is ready: gRPC http://0.0.0.0:4321, HTTP http://127.0.0.1:4322")]
    [InlineData("info: PolicyService is ready: gRPC http://127.0.0.1:4321, HTTP http://127.0.0.1:4322")]
    [InlineData("PolicyService is ready: gRPC http://127.0.0.1:4321, HTTP http://127.0.0.1:4322 or not")]
    public async Task Only_the_exact_line_counts(string line)
    {
        var problem = await Assert.ThrowsAsync<DemoException>(() => StartAsync($"echo '{line}' >&2"));

        Assert.Equal([line], problem.Log);
    }

    [Fact]
    public async Task Server_that_is_never_ready_is_given_up_after_a_minute()
    {
        var starting = StartAsync("echo slow >&2; echo $$ > started; exec sleep 600");
        _time.Advance(TimeSpan.FromSeconds(61));

        var problem = await Assert.ThrowsAsync<DemoException>(() => starting);

        Assert.Contains("60 s", problem.Message, StringComparison.Ordinal);
        Assert.False(IsRunning());
    }

    [Fact]
    public async Task Cancelled_start_ends_the_process()
    {
        using var cancelled = new CancellationTokenSource();
        var starting = ServerProcess.StartAsync(Shell("exec sleep 600"), _time, cancelled.Token);
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => starting);

        Assert.False(IsRunning());
    }

    [Fact]
    public async Task Program_that_is_missing_is_reported()
    {
        var problem = await Assert.ThrowsAsync<DemoException>(
            () => ServerProcess.StartAsync(new ServerCommand("/nonexistent/server", _directory, []), _time, CancellationToken.None));

        Assert.Contains("/nonexistent/server", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Settings_of_the_caller_for_servers_are_not_passed_on()
    {
        var variables = new Dictionary<string, string?>
        {
            ["PATH"] = "/bin",
            ["STORE__PATH"] = "x",
            ["Urls__Grpc"] = "x",
            ["ASPNETCORE_ENVIRONMENT"] = "x",
            ["AUTHOR"] = "me",
            ["DOTNET_ROOT"] = "/d",
        };

        ServerEnvironment.Clean(variables);

        Assert.Equal(["AUTHOR", "DOTNET_ROOT", "PATH"], variables.Keys.Order(StringComparer.Ordinal));
    }

    private Task<ServerProcess> StartAsync(string script) =>
        ServerProcess.StartAsync(Shell(script), _time, TestContext.Current.CancellationToken);

    private ServerCommand Shell(string script) => new("/bin/sh", _directory, ["-c", $"echo $$ > pid; {script}"]);

    /// <summary>False too if it was ended before it could say its number.</summary>
    private bool IsRunning()
    {
        var file = Path.Combine(_directory, "pid");
        if (!File.Exists(file) || !int.TryParse(File.ReadAllText(file), CultureInfo.InvariantCulture, out var id))
        {
            return false;
        }

        try
        {
            using var process = Process.GetProcessById(id);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
