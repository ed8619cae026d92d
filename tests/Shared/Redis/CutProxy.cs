using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace PolicyService.Tests.Redis;

/// <summary>A way to a server that can be blocked: bytes then vanish, connections stay as they are, nobody is told.</summary>
internal sealed class CutProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ending = new();
    private readonly ConcurrentQueue<TcpClient> _ends = new();
    private readonly int _port;
    private readonly Task _accepting;
    private volatile bool _isCut;

    public CutProxy(int port)
    {
        _port = port;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string Endpoint => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    public bool IsCut
    {
        set => _isCut = value;
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        _listener.Stop();
        foreach (var end in _ends)
        {
            end.Dispose();
        }

        await _accepting;
        _ending.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var near = await _listener.AcceptTcpClientAsync(_ending.Token);
                var far = new TcpClient();
                _ends.Enqueue(near);
                _ends.Enqueue(far);
                await far.ConnectAsync(IPAddress.Loopback, _port, _ending.Token);
                _ = PumpAsync(near, far);
                _ = PumpAsync(far, near);
            }
        }
        // The last of them: the listener has stopped between two connections.
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The end.
        }
    }

    private async Task PumpAsync(TcpClient from, TcpClient to)
    {
        try
        {
            var buffer = new byte[16 * 1024];
            while (await from.GetStream().ReadAsync(buffer, _ending.Token) is > 0 and var count)
            {
                if (!_isCut)
                {
                    await to.GetStream().WriteAsync(buffer.AsMemory(0, count), _ending.Token);
                }
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or InvalidOperationException or OperationCanceledException)
        {
            // It went away.
        }

        from.Dispose();
        to.Dispose();
    }
}
