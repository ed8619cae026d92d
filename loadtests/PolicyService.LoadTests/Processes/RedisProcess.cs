using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace PolicyService.LoadTests.Processes;

/// <summary>A real redis-server on a free port of 127.0.0.1, in memory alone.</summary>
internal sealed class RedisProcess : IAsyncDisposable
{
    private const int Attempts = 5;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(20);
    private readonly Process _process;

    private RedisProcess(Process process, int port) => (_process, Port) = (process, port);

    public int Port { get; }

    /// <exception cref="LoadTestException">It is not installed, or does not start.</exception>
    public static async Task<RedisProcess> StartAsync(string folder, TimeProvider time, CancellationToken cancellation)
    {
        // A free port may be taken by somebody else before redis-server has it.
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var port = FreePort();
            var redis = new RedisProcess(Launch(port, folder), port);
            if (await redis.IsUpAsync(time, cancellation))
            {
                return redis;
            }

            await redis.DisposeAsync();
        }

        throw new LoadTestException(ExitCodes.NoTarget, "redis-server does not start");
    }

    /// <summary>Values that it holds.</summary>
    public async Task<long> CountAsync(CancellationToken cancellation)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, Port, cancellation);
        await client.GetStream().WriteAsync("DBSIZE\r\n"u8.ToArray(), cancellation);
        using var reader = new StreamReader(client.GetStream());
        // An integer of RESP: `:123`.
        return long.Parse((await reader.ReadLineAsync(cancellation))![1..], CultureInfo.InvariantCulture);
    }

    /// <summary>Waits until it holds so many values, or the patience is over: nobody promises that each is stored.</summary>
    public async Task HoldsAsync(long count, TimeSpan patience, TimeProvider time, CancellationToken cancellation)
    {
        for (var started = time.GetTimestamp(); await CountAsync(cancellation) < count && time.GetElapsedTime(started) < patience;)
        {
            await Task.Delay(Between, time, cancellation);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        _process.Dispose();
    }

    private static Process Launch(int port, string folder)
    {
        try
        {
            return Process.Start(new ProcessStartInfo(
                "redis-server", ["--port", port.ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1", "--save", "", "--dir", folder, "--logfile", Path.Combine(folder, "redis.log")]))!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            throw new LoadTestException(ExitCodes.NoTarget, "cold-redis needs redis-server: install it, or leave the scenario out");
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task<bool> IsUpAsync(TimeProvider time, CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        while (!_process.HasExited && time.GetElapsedTime(started) < Patience)
        {
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, Port, cancellation);
                return !_process.HasExited;
            }
            catch (SocketException)
            {
                await Task.Delay(Between, time, cancellation);
            }
        }

        return false;
    }
}
