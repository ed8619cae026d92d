using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace PolicyService.Cli.Demo;

/// <summary>The server as a child process. Ends with the demo, whatever happens: politely first, then not.</summary>
internal sealed partial class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(10);

    private readonly Process _process;
    private readonly TimeProvider _time;
    private readonly LogTail _log = new();
    private readonly TaskCompletionSource<Uri> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ServerProcess(ServerCommand command, TimeProvider time)
    {
        _time = time;
        var start = new ProcessStartInfo(command.Program, command.Arguments)
        {
            // Not the caller's: the server reads settings from the folder it runs in.
            WorkingDirectory = command.WorkingDirectory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        ServerEnvironment.Clean(start.Environment);
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => _log.Add(line.Data);
        _process.ErrorDataReceived += (_, line) => OnErrorLine(line.Data);
    }

    /// <summary>gRPC address the server said it listens on.</summary>
    public Uri Url => _ready.Task.Result;

    public static async Task<ServerProcess> StartAsync(ServerCommand command, TimeProvider time, CancellationToken cancellation)
    {
        var server = new ServerProcess(command, time);
        var isReady = false;
        try
        {
            server.Start(command);
            await server.UntilReadyAsync(cancellation);
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

    /// <summary>Asks the server to end and waits for it, so that it has written all it had to write.</summary>
    public async Task StopAsync()
    {
        if (!IsRunning())
        {
            return;
        }

        Signals.Terminate(_process);
        if (!await HasEndedAsync())
        {
            _process.Kill();
            await HasEndedAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _process.Dispose();
    }

    private void Start(ServerCommand command)
    {
        try
        {
            _process.Start();
        }
        catch (Win32Exception problem)
        {
            throw new DemoException($"cannot start {command.Program}: {problem.Message}");
        }

        _process.StandardInput.Close();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    private async Task UntilReadyAsync(CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(StartTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellation);
        try
        {
            var ended = _process.WaitForExitAsync(either.Token);
            if (await Task.WhenAny(_ready.Task.WaitAsync(either.Token), ended) == ended)
            {
                await ended;
                throw new DemoException(
                    string.Create(CultureInfo.InvariantCulture, $"the server ended with code {_process.ExitCode} before it was ready; its last words:"), _log.Lines);
            }

            await _ready.Task.WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new DemoException("the server was not ready after 60 s; its last words:", _log.Lines);
        }
    }

    private void OnErrorLine(string? line)
    {
        _log.Add(line);
        if (line is not null && Ready().Match(line) is { Success: true } match)
        {
            _ready.TrySetResult(new Uri(match.Groups["grpc"].Value));
        }
    }

    private async Task<bool> HasEndedAsync()
    {
        using var timeout = new CancellationTokenSource(StopTimeout, _time);
        try
        {
            await _process.WaitForExitAsync(timeout.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private bool IsRunning()
    {
        try
        {
            return !_process.HasExited;
        }
        catch (InvalidOperationException)
        {
            return false; // it never started
        }
    }

    [GeneratedRegex(@"^PolicyService is ready: gRPC (?<grpc>http://127\.0\.0\.1:[0-9]{1,5}), HTTP http://127\.0\.0\.1:[0-9]{1,5}$", RegexOptions.CultureInvariant)]
    private static partial Regex Ready();
}
