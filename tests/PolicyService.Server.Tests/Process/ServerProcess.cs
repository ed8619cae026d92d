using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Grpc.Net.Client;
using PolicyService.Api.V1;

namespace PolicyService.Server.Tests.Process;

/// <summary>The service as an operator starts it: a process of its own, told by flags, known by what it prints.</summary>
internal sealed partial class ServerProcess : IAsyncDisposable
{
    private readonly System.Diagnostics.Process _process;
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly Task _readingErrors;
    private GrpcChannel? _channel;

    private ServerProcess(System.Diagnostics.Process process)
    {
        _process = process;
        _readingErrors = ReadErrorsAsync();
    }

    public int Id => _process.Id;

    /// <summary>Lines of standard error so far.</summary>
    public IReadOnlyCollection<string> Errors => _errors;

    public StreamReader Output => _process.StandardOutput;

    public string GrpcUrl { get; private set; } = "";

    public PolicyDecisionService.PolicyDecisionServiceClient Client { get; private set; } = null!;

    public HttpClient Http { get; private set; } = null!;

    public Uri HttpUrl => Http.BaseAddress!;

    /// <summary>Starts it and waits for the line that says it is ready.</summary>
    public static Task<ServerProcess> StartAsync(DocumentsFolder documents, params string[] arguments) =>
        StartAsync(["--Policies:Directory", documents.Path, .. arguments]);

    /// <summary>The same with nothing but these arguments.</summary>
    public static async Task<ServerProcess> StartAsync(string[] arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var server = Launch(["--Urls:Grpc", "http://127.0.0.1:0", "--Urls:Http", "http://127.0.0.1:0", .. arguments], environment: environment);
        Match? ready = null;
        await Eventually.Holds("the service is ready", () =>
        {
            Assert.False(server._process.HasExited, string.Join('\n', server.Errors));
            ready = server.Errors.Select(line => Ready().Match(line)).FirstOrDefault(match => match.Success);
            return ready is not null;
        });
        server.GrpcUrl = ready!.Groups["grpc"].Value;
        server._channel = GrpcChannel.ForAddress(server.GrpcUrl);
        server.Client = new PolicyDecisionService.PolicyDecisionServiceClient(server._channel);
        server.Http = new HttpClient { BaseAddress = new Uri(ready.Groups["http"].Value) };
        return server;
    }

    /// <summary>Starts it where it must not start.</summary>
    /// <returns>Its exit code and the lines of standard error.</returns>
    public static async Task<(int Code, IReadOnlyList<string> Errors)> FailAsync(params string[] arguments)
    {
        await using var server = Launch(arguments);
        return (await server.ExitAsync(), [.. server.Errors]);
    }

    /// <summary>The same without the right to open ports below 1024, whoever runs the tests.</summary>
    public static async Task<(int Code, IReadOnlyList<string> Errors)> FailUnprivilegedAsync(params string[] arguments)
    {
        await using var server = Launch(arguments, "$([ \"$(id -u)\" != 0 ] || echo setpriv --bounding-set=-net_bind_service)");
        return (await server.ExitAsync(), [.. server.Errors]);
    }

    /// <summary>Starts it and kills it once it has written so many lines, or has at least begun.</summary>
    public static async Task KillEarlyAsync(int lines, params string[] arguments)
    {
        await using var server = Launch(["--Urls:Grpc", "http://127.0.0.1:0", "--Urls:Http", "http://127.0.0.1:0", .. arguments]);
        await Eventually.Holds("it has begun", () => server._process.HasExited || server.Errors.Count >= lines);
        server._process.Kill();
        await server._process.WaitForExitAsync();
    }

    public void Signal(int signal) => Native.Signal(_process.Id, signal);

    /// <summary>Waits for its end.</summary>
    public async Task<int> ExitAsync()
    {
        await Eventually.Holds("the process ended", () => _process.HasExited);
        await _readingErrors;
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        _channel?.Dispose();
        Http?.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private static ServerProcess Launch(string[] arguments, string under = "", IReadOnlyDictionary<string, string>? environment = null)
    {
        // Under a shell that lets a file's limit fail a write instead of ending the process; exec leaves one process.
        var start = new ProcessStartInfo("bash") { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        string[] all = ["-c", $"trap '' XFSZ; exec {under} dotnet \"$@\"", "bash", Path.Combine(AppContext.BaseDirectory, "PolicyService.Server.dll"), .. arguments];
        // The runtime keeps its code in a memory file, which the limit would meet too.
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        foreach (var argument in all)
        {
            start.ArgumentList.Add(argument);
        }

        return new ServerProcess(System.Diagnostics.Process.Start(start)!);
    }

    /// <summary>Cuts the size files of the process may have; -1: no limit.</summary>
    public void LimitFiles(long bytes)
    {
        var limit = bytes < 0 ? "unlimited" : bytes.ToString(CultureInfo.InvariantCulture);
        using var prlimit = System.Diagnostics.Process.Start("prlimit", ["--pid", Id.ToString(CultureInfo.InvariantCulture), $"--fsize={limit}:unlimited"]);
        prlimit.WaitForExit();
        Assert.Equal(0, prlimit.ExitCode);
    }

    private async Task ReadErrorsAsync()
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            _errors.Enqueue(line);
        }
    }

    [GeneratedRegex("^PolicyService is ready: gRPC (?<grpc>https?://\\S+), HTTP (?<http>https?://\\S+)$")]
    private static partial Regex Ready();
}
