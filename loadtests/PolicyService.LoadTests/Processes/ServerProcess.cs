using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using PolicyService.Cli.Demo;

namespace PolicyService.LoadTests.Processes;

/// <summary>A server as a process of its own, on free ports of 127.0.0.1. It ends with the load test, whatever happens.</summary>
internal sealed partial class ServerProcess : IAsyncDisposable
{
    private const int LastWords = 20;
    private static readonly TimeSpan StopTime = TimeSpan.FromSeconds(20);
    private readonly Process _process;
    private readonly TimeProvider _time;
    private readonly Queue<string> _said = new();
    private readonly TaskCompletionSource<(Uri Grpc, Uri? Http)> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ServerProcess(ProcessStartInfo start, TimeProvider time)
    {
        _time = time;
        ServerEnvironment.Clean(start.Environment);
        _process = new Process { StartInfo = start };
        _process.ErrorDataReceived += (_, line) => Hear(line.Data);
        _process.OutputDataReceived += (_, _) => { };
    }

    public int Id => _process.Id;

    /// <summary>Where gRPC listens.</summary>
    public Uri Grpc => _ready.Task.Result.Grpc;

    /// <summary>Where HTTP/1.1 listens; null for the echo.</summary>
    public Uri? Http => _ready.Task.Result.Http;

    /// <summary>From the start of the process to its word that it is ready.</summary>
    public TimeSpan StartTime { get; private set; }

    /// <summary>What the process takes now.</summary>
    public ProcessUsage Usage => ProcessUsage.Of(Id);

    /// <param name="assembly">The server.</param>
    /// <param name="arguments">Its flags.</param>
    /// <param name="patience">How long it may take to be ready; a million documents take a while.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellation">The end of everything.</param>
    /// <exception cref="LoadTestException">It does not start.</exception>
    public static async Task<ServerProcess> StartAsync(string assembly, IEnumerable<string> arguments, TimeSpan patience, TimeProvider time, CancellationToken cancellation)
    {
        var server = new ServerProcess(
            new ProcessStartInfo(Builds.Dotnet, [assembly, .. arguments])
            {
                WorkingDirectory = Path.GetDirectoryName(assembly),
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
            time);
        var isReady = false;
        try
        {
            var started = time.GetTimestamp();
            server._process.Start();
            server._process.StandardInput.Close();
            server._process.BeginErrorReadLine();
            server._process.BeginOutputReadLine();
            await server.UntilReadyAsync(patience, cancellation);
            server.StartTime = time.GetElapsedTime(started);
            isReady = true;
            return server;
        }
        finally
        {
            if (!isReady)
            {
                await server.DisposeAsync();
            }
        }
    }

    /// <summary>Asks it to end, waits, and ends it if that does not help.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            Signals.Terminate(_process);
            using var timeout = new CancellationTokenSource(StopTime, _time);
            await _process.WaitForExitAsync(timeout.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!_process.HasExited)
            {
                _process.Kill();
                await _process.WaitForExitAsync(CancellationToken.None);
            }
        }

        _process.Dispose();
    }

    private async Task UntilReadyAsync(TimeSpan patience, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(patience, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellation);
        try
        {
            var ended = _process.WaitForExitAsync(either.Token);
            if (await Task.WhenAny(_ready.Task, ended) == ended && !_ready.Task.IsCompleted)
            {
                await ended;
                throw new LoadTestException(ExitCodes.NoTarget, string.Create(CultureInfo.InvariantCulture, $"{Words()} ended with code {_process.ExitCode} before it was ready"));
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new LoadTestException(ExitCodes.NoTarget, string.Create(CultureInfo.InvariantCulture, $"{Words()} was not ready after {patience.TotalSeconds:0} s"));
        }
    }

    private string Words()
    {
        lock (_said)
        {
            return string.Join('\n', [.. _said, Path.GetFileNameWithoutExtension(_process.StartInfo.ArgumentList[0])]);
        }
    }

    private void Hear(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_said)
        {
            _said.Enqueue(line);
            if (_said.Count > LastWords)
            {
                _said.Dequeue();
            }
        }

        if (Ready().Match(line) is { Success: true } match)
        {
            _ready.TrySetResult((new Uri(match.Groups["grpc"].Value), match.Groups["http"] is { Success: true } http ? new Uri(http.Value) : null));
        }
    }

    [GeneratedRegex(@"is ready: gRPC (?<grpc>http://127\.0\.0\.1:[0-9]{1,5})(, HTTP (?<http>http://127\.0\.0\.1:[0-9]{1,5}))?$", RegexOptions.CultureInvariant)]
    private static partial Regex Ready();
}
