using PolicyService.Tests.Redis;

namespace PolicyService.Server.Tests.Redis;

public sealed class RedisStartTests : IDisposable
{
    private readonly DocumentsFolder _documents = DocumentsFolder.Fixed("ALWAYS_DENY");

    /// <summary>A word in braces is a file with that in it.</summary>
    public static TheoryData<string, string[], string> Refused => new()
    {
        { "a fleet key without Redis", ["--Redis:FleetKeyFile", "{0123456789abcdef0123456789abcdef}"], "--Redis:FleetKeyFile is set and there is no Redis" },
        { "a password without Redis", ["--Redis:PasswordFile", "{secret}"], "--Redis:PasswordFile is set and there is no Redis" },
        { "an authority without Redis", ["--Redis:Ca", "{x}"], "--Redis:Ca is set and there is no Redis" },
        { "options without an address", ["--Redis:Connection", "ssl=true"], "--Redis:Connection is no connection string" },
        { "an option that is none", ["--Redis:Connection", "127.0.0.1:1,hunter2=1"], "--Redis:Connection is no connection string" },
        { "a number that is none", ["--Redis:Connection", "127.0.0.1:1,connectTimeout=hunter2"], "--Redis:Connection is no connection string" },
        { "two passwords", ["--Redis:Connection", "127.0.0.1:1,password=hunter2", "--Redis:PasswordFile", "{secret}"], "two passwords" },
        { "no password file", ["--Redis:Connection", "127.0.0.1:1", "--Redis:PasswordFile", "/nowhere"], "`/nowhere` cannot be read (FileNotFoundException): mend --Redis:PasswordFile" },
        { "an empty password file", ["--Redis:Connection", "127.0.0.1:1", "--Redis:PasswordFile", "{\n}"], "is empty or no UTF-8" },
        { "no fleet key file", ["--Redis:Connection", "127.0.0.1:1", "--Redis:FleetKeyFile", "/nowhere"], "`/nowhere` cannot be read (FileNotFoundException): mend --Redis:FleetKeyFile" },
        { "a directory for a fleet key", ["--Redis:Connection", "127.0.0.1:1", "--Redis:FleetKeyFile", "/tmp"], "mend --Redis:FleetKeyFile" },
        { "a short fleet key", ["--Redis:Connection", "127.0.0.1:1", "--Redis:FleetKeyFile", "{hunter2hunter2hunter2hunter2}"], "it has 28 bytes, and at least 32 are needed" },
        { "a fleet key of nothing but zeros", ["--Redis:Connection", "127.0.0.1:1", "--Redis:FleetKeyFile", "{0000000000000000000000000000000000000000}"], "one byte over and over" },
        { "a fleet key without end", ["--Redis:Connection", "127.0.0.1:1", "--Redis:FleetKeyFile", "/dev/urandom"], "mend --Redis:FleetKeyFile" },
        { "an authority without TLS", ["--Redis:Connection", "127.0.0.1:1", "--Redis:Ca", "{x}"], "--Redis:Ca without TLS" },
        { "an authority that is none", ["--Redis:Connection", "127.0.0.1:1,ssl=true", "--Redis:Ca", "{x}"], "holds no certificate in PEM" },
        { "no authority file", ["--Redis:Connection", "127.0.0.1:1,ssl=true", "--Redis:Ca", "/nowhere"], "cannot be read (FileNotFoundException): mend --Redis:Ca" },
        { "a tunnel", ["--Redis:Connection", "127.0.0.1:1,tunnel=http:127.0.0.1:2"], "names a tunnel" },
    };

    [Theory, MemberData(nameof(Refused))]
    public void Setting_that_cannot_be_meant_stops_the_start_with_one_line_and_no_secret(string name, string[] arguments, string message)
    {
        var exception = Assert.Throws<SettingsException>(() => ServerHost.Build(["--Policies:Directory", _documents.Path, .. arguments.Select(Filled)], TimeProvider.System));

        Assert.True(exception.Message.Contains(message, StringComparison.Ordinal), $"{name}: {exception.Message}");
        Assert.DoesNotContain('\n', exception.Message);
        Assert.DoesNotContain("hunter2", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_does_not_wait_for_Redis_and_warns_of_open_secrets()
    {
        using var server = await RedisServer.StartAsync();
        server.Kill();
        var (open, closed) = (Filled("{0123456789abcdef0123456789abcdef}"), Filled("{hunter2}"));
        SetMode(open, "u=r,g=,o=r");
        SetMode(closed, "u=r,g=r,o=");
        await using var service = await TestServer.StartAsync(
            DocumentsFolder.Fixed("ALWAYS_ALLOW"), more: ["--Redis:Connection", server.Endpoint, "--Redis:FleetKeyFile", open, "--Redis:PasswordFile", closed]);

        Assert.Equal(Api.V1.Verdict.Allow, (await service.AskAsync(Ask.For(Ask.Attested))).Verdict);
        Assert.Equal($"Warning everybody on this machine may read `{open}`: take that right away (chmod o-r)", Assert.Single(service.Log.Lines, line => line.Contains("may read", StringComparison.Ordinal)));
        await Eventually.Holds("it says that Redis is down", async () => (await service.ReadyAsync()).Body.GetProperty("redis").GetProperty("state").GetString() == "down");
        var (status, body) = await service.ReadyAsync();
        Assert.Equal((System.Net.HttpStatusCode.OK, "ready", true), (status, body.GetProperty("status").GetString(), body.GetProperty("redis").GetProperty("degraded").GetBoolean()));
        Assert.DoesNotContain(service.Log.Lines, line => line.Contains("hunter2", StringComparison.Ordinal));
        Assert.Equal(0, (await service.MetricsAsync()).Sum("policyservice_redis_up"));
    }

    [Fact]
    public async Task Password_on_the_command_line_is_warned_of_and_not_repeated()
    {
        using var server = await RedisServer.StartAsync();
        await using var service = await TestServer.StartAsync(DocumentsFolder.Fixed("ALWAYS_ALLOW"), more: ["--Redis:Connection", $"{server.Endpoint},Password=hunter2"]);

        Assert.Contains("on the command line", Assert.Single(service.Log.Lines, line => line.Contains("password of Redis", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.DoesNotContain(service.Log.Lines, line => line.Contains("hunter2", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_Redis_nothing_speaks_of_it()
    {
        await using var service = await TestServer.StartAsync(DocumentsFolder.Fixed("ALWAYS_ALLOW"));

        Assert.Equal(System.Text.Json.JsonValueKind.Null, (await service.ReadyAsync()).Body.GetProperty("redis").ValueKind);
        Assert.DoesNotContain((await service.MetricsAsync()).Series, series => series.StartsWith("policyservice_redis_up", StringComparison.Ordinal));
        Assert.Equal(0, (await service.MetricsAsync()).Sum("policyservice_cache_reads_total"));
    }

    public void Dispose() => _documents.Dispose();

    private static void SetMode(string file, string mode)
    {
        using var chmod = System.Diagnostics.Process.Start("chmod", [mode, file]);
        chmod.WaitForExit();
        Assert.Equal(0, chmod.ExitCode);
    }

    private string Filled(string argument)
    {
        if (argument[0] != '{')
        {
            return argument;
        }

        var file = _documents.Beside($"{Guid.NewGuid():n}");
        File.WriteAllText(file, argument[1..^1]);
        return file;
    }
}
