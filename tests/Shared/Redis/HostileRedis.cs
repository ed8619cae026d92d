using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace PolicyService.Tests.Redis;

/// <summary>
/// A server that speaks RESP and lies: what it answers to a read is up to the test. It keeps everything it was ever given. It shares no
/// code with the client under test.
/// </summary>
internal sealed class HostileRedis : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ending = new();
    private readonly ConcurrentDictionary<TcpClient, bool> _clients = new();
    private readonly ConcurrentDictionary<TcpClient, string> _listeners = new();
    private readonly Task _accepting;

    public HostileRedis()
    {
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string Endpoint => $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>All it was ever told to store, in order.</summary>
    public ConcurrentQueue<(string Key, byte[] Value)> Stored { get; } = new();

    /// <summary>All it was ever told to tell others.</summary>
    public ConcurrentQueue<byte[]> Published { get; } = new();

    /// <summary>Connections made to it so far.</summary>
    public int Connections;

    /// <summary>Bytes it could send so far.</summary>
    public long Sent;

    /// <summary>The reply to a read, as bytes on the wire; null: none at all.</summary>
    public Func<string, byte[]?> OnRead { get; set; } = _ => "$0\r\n\r\n"u8.ToArray();

    /// <summary>The reply to a write.</summary>
    public Func<byte[]?> OnWrite { get; set; } = () => "+OK\r\n"u8.ToArray();

    /// <summary>What it does to its answers to anything, the handshake among it.</summary>
    public Func<string, byte[]?, byte[]?> OnAnything { get; set; } = (_, reply) => reply;

    public static byte[] Bulk(ReadOnlySpan<byte> value) => [.. Encoding.ASCII.GetBytes($"${value.Length}\r\n"), .. value, .. "\r\n"u8];

    /// <summary>Sends a message to everybody who listens.</summary>
    public async Task TellAsync(byte[] message)
    {
        foreach (var (client, channel) in _listeners)
        {
            await SendAsync(client, [.. Encoding.ASCII.GetBytes($"*3\r\n$7\r\nmessage\r\n${channel.Length}\r\n{channel}\r\n"), .. Bulk(message)]);
        }
    }

    /// <summary>Sends bytes to everybody, asked or not.</summary>
    public async Task BlurtAsync(byte[] bytes)
    {
        foreach (var client in _clients.Keys)
        {
            await SendAsync(client, bytes);
        }
    }

    public bool HasListeners => !_listeners.IsEmpty;

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        _listener.Stop();
        foreach (var client in _clients.Keys)
        {
            client.Dispose();
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
                var client = await _listener.AcceptTcpClientAsync(_ending.Token);
                client.NoDelay = true;
                Interlocked.Increment(ref Connections);
                _clients[client] = true;
                _ = ServeAsync(client);
            }
        }
        // The last of them: the listener has stopped between two connections.
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The end.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            var stream = new BufferedStream(client.GetStream(), 64 * 1024);
            await Task.Yield();
            while (await ReadCommandAsync(stream) is { } command)
            {
                var reply = OnAnything(command[0], Answer(client, command));
                if (reply is not null)
                {
                    await SendAsync(client, reply);
                }
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or FormatException or InvalidOperationException)
        {
            // It went away.
        }

        _clients.TryRemove(client, out _);
        _listeners.TryRemove(client, out _);
        client.Dispose();
    }

    private byte[]? Answer(TcpClient client, string[] command)
    {
        switch (command[0].ToUpperInvariant())
        {
            case "HELLO":
                return "-ERR unknown command 'HELLO'\r\n"u8.ToArray();
            case "PING" when _listeners.ContainsKey(client):
                return "*2\r\n$4\r\npong\r\n$0\r\n\r\n"u8.ToArray();
            case "PING":
                return "+PONG\r\n"u8.ToArray();
            case "ECHO":
                return Bulk(Encoding.Latin1.GetBytes(command[1]));
            case "INFO":
                return Bulk("redis_version:7.0.15\r\nredis_mode:standalone\r\nrole:master\r\n"u8);
            case "SUBSCRIBE":
                _listeners[client] = command[1];
                return Encoding.ASCII.GetBytes($"*3\r\n$9\r\nsubscribe\r\n${command[1].Length}\r\n{command[1]}\r\n:1\r\n");
            case "UNSUBSCRIBE":
                return Encoding.ASCII.GetBytes($"*3\r\n$11\r\nunsubscribe\r\n${command[1].Length}\r\n{command[1]}\r\n:0\r\n");
            case "PUBLISH":
                Published.Enqueue(Encoding.Latin1.GetBytes(command[2]));
                return ":1\r\n"u8.ToArray();
            case "SETEX":
                Stored.Enqueue((command[1], Encoding.Latin1.GetBytes(command[3])));
                return OnWrite();
            case "GETRANGE":
                return OnRead(command[1]);
            default:
                return "+OK\r\n"u8.ToArray();
        }
    }

    private async Task SendAsync(TcpClient client, byte[] bytes)
    {
        try
        {
            // In pieces, so that what a client does not take shows.
            for (var sent = 0; sent < bytes.Length; sent += 64 * 1024)
            {
                var piece = bytes.AsMemory(sent, Math.Min(64 * 1024, bytes.Length - sent));
                await client.GetStream().WriteAsync(piece, _ending.Token);
                Interlocked.Add(ref Sent, piece.Length);
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or InvalidOperationException or OperationCanceledException)
        {
            // It went away.
        }
    }

    private static async Task<string[]?> ReadCommandAsync(BufferedStream stream)
    {
        var header = await ReadLineAsync(stream);
        if (header is null)
        {
            return null;
        }

        var parts = new string[int.Parse(header[1..], CultureInfo.InvariantCulture)];
        for (var index = 0; index < parts.Length; index++)
        {
            var length = int.Parse((await ReadLineAsync(stream))![1..], CultureInfo.InvariantCulture);
            var bytes = new byte[length + 2];
            await stream.ReadExactlyAsync(bytes);
            parts[index] = Encoding.Latin1.GetString(bytes, 0, length);
        }

        return parts;
    }

    private static async Task<string?> ReadLineAsync(BufferedStream stream)
    {
        var line = new StringBuilder();
        var one = new byte[1];
        while (await stream.ReadAsync(one) == 1)
        {
            if (one[0] == '\n')
            {
                return line.ToString();
            }

            if (one[0] != '\r')
            {
                line.Append((char)one[0]);
            }
        }

        return null;
    }
}
