using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace PolicyService.Tests.Redis;

/// <summary>A real redis-server (or sentinel) on a free port of 127.0.0.1, with a folder of its own.</summary>
internal sealed class RedisServer : IDisposable
{
    private const int SigStop = 19;
    private const int SigCont = 18;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("redis-");
    private readonly string[] _arguments;
    private readonly string? _password;
    private Process? _process;

    private RedisServer(string[] arguments, string? password) => (_arguments, _password) = (arguments, password);

    public int Port { get; private set; }

    /// <summary>Where it listens, as a connection string.</summary>
    public string Endpoint => $"127.0.0.1:{Port}";

    public int Id => _process!.Id;

    /// <summary>What it prints.</summary>
    public string Log => File.Exists(Path.Combine(_folder.FullName, "log")) ? File.ReadAllText(Path.Combine(_folder.FullName, "log")) : "it wrote no log";

    public static Task<RedisServer> StartAsync(params string[] arguments) => StartAsync(null, arguments);

    /// <param name="password">The password that the arguments set.</param>
    /// <param name="arguments">Arguments of redis-server; <c>{port}</c> stands for the port, <c>{folder}</c> for its folder.</param>
    public static async Task<RedisServer> StartAsync(string? password, string[] arguments)
    {
        var server = new RedisServer(arguments, password);
        // A free port may be taken by somebody else before redis-server has it.
        var isUp = false;
        try
        {
            for (var attempt = 0; attempt < 5 && !isUp; attempt++)
            {
                server.Port = FreePort();
                isUp = await server.LaunchAsync();
            }

            return isUp ? server : throw new InvalidOperationException(server.Log);
        }
        finally
        {
            if (!isUp)
            {
                server.Dispose();
            }
        }
    }

    /// <summary>A folder file of its own.</summary>
    public string Write(string name, string text)
    {
        var path = Path.Combine(_folder.FullName, name);
        File.WriteAllText(path, text);
        return path;
    }

    /// <summary>kill -9.</summary>
    public void Kill()
    {
        _process!.Kill();
        _process.WaitForExit();
    }

    /// <summary>The same port again, with nothing in memory.</summary>
    public async Task RestartAsync() => Assert.True(await LaunchAsync(), Log);

    public void Stop() => Assert.Equal(0, kill(Id, SigStop));

    public void Continue() => Assert.Equal(0, kill(Id, SigCont));

    public RespClient Connect() => new(Port, _password);

    /// <summary>One command; errors come back as text that begins with <c>-</c>.</summary>
    public object? Ask(params string[] command)
    {
        using var client = Connect();
        return client.Ask(command);
    }

    /// <summary>How often the server was given the command, by its own count.</summary>
    public long Calls(string command)
    {
        var line = $"{Ask("INFO", "commandstats")}".Split("\r\n").FirstOrDefault(line => line.StartsWith($"cmdstat_{command}:", StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line.Split("calls=")[1].Split(',')[0], CultureInfo.InvariantCulture);
    }

    public void Dispose()
    {
        if (_process is { HasExited: false })
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process?.Dispose();
        _folder.Delete(recursive: true);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <returns>False: it ended at once.</returns>
    private async Task<bool> LaunchAsync()
    {
        var start = new ProcessStartInfo("redis-server") { WorkingDirectory = _folder.FullName, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        var given = _arguments.Select(argument => argument
            .Replace("{port}", Port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("{folder}", _folder.FullName, StringComparison.Ordinal)).ToArray();
        string[] standard = ["--bind", "127.0.0.1", "--save", "", "--dir", _folder.FullName, "--logfile", Path.Combine(_folder.FullName, "log")];
        string[] port = given.Contains("--tls-port") ? ["--port", "0"] : ["--port", $"{Port}"];
        // A configuration file, which a sentinel needs, comes first.
        foreach (var argument in (string[])[.. given.TakeWhile(argument => !argument.StartsWith('-')), .. port, .. standard, .. given.SkipWhile(argument => !argument.StartsWith('-'))])
        {
            start.ArgumentList.Add(argument);
        }

        _process?.Dispose();
        _process = Process.Start(start)!;
        var started = TimeProvider.System.GetTimestamp();
        while (!IsListening())
        {
            if (_process.HasExited)
            {
                return false;
            }

            if (TimeProvider.System.GetElapsedTime(started) > Patience)
            {
                throw new InvalidOperationException(Log);
            }

            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, TestContext.Current.CancellationToken);
        }

        return true;
    }

    private bool IsListening()
    {
        try
        {
            using var client = new TcpClient();
            client.Connect(IPAddress.Loopback, Port);
            return !_process!.HasExited;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int kill(int process, int signal);
}
