using System.Collections.Concurrent;
using System.Diagnostics;

namespace PolicyService.Kubernetes.Tests.Running;

/// <summary>The adapter as an operator starts it: a process of its own, told by flags, known by what it prints.</summary>
internal sealed class AdapterProcess : IAsyncDisposable
{
    private const string Ready = "PolicyService adapter is ready: ";
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly Task _reading;

    private AdapterProcess(Process process)
    {
        _process = process;
        _reading = ReadAsync();
    }

    public HttpClient Http { get; private set; } = new();

    /// <summary>Starts it and waits for the line that says it is ready.</summary>
    public static async Task<AdapterProcess> StartAsync(string[] arguments)
    {
        var adapter = Launch(arguments);
        await Eventually.Holds("the adapter is ready", () =>
        {
            Assert.False(adapter._process.HasExited, string.Join('\n', adapter._errors));
            return adapter._errors.Any(line => line.StartsWith(Ready, StringComparison.Ordinal));
        });
        adapter.Http = new HttpClient { BaseAddress = new Uri(adapter._errors.First(line => line.StartsWith(Ready, StringComparison.Ordinal))[Ready.Length..]) };
        return adapter;
    }

    /// <summary>Starts it where it must not start.</summary>
    /// <returns>Its exit code and the lines of standard error.</returns>
    public static async Task<(int Code, IReadOnlyList<string> Errors)> FailAsync(params string[] arguments)
    {
        await using var adapter = Launch(arguments);
        await Eventually.Holds("the process ended", () => adapter._process.HasExited);
        await adapter._reading;
        return (adapter._process.ExitCode, [.. adapter._errors]);
    }

    public void Kill() => _process.Kill();

    /// <summary>Asks it to stop, as a kubelet does.</summary>
    public async Task<int> StopAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        await Eventually.Holds("the process ended", () => _process.HasExited);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private static AdapterProcess Launch(string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "PolicyService.Kubernetes.dll"), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        return new AdapterProcess(Process.Start(start)!);
    }

    private async Task ReadAsync()
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            _errors.Enqueue(line);
        }
    }
}
