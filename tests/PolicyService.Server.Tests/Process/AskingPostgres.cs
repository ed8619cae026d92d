using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace PolicyService.Server.Tests.Process;

/// <summary>Speaks as much of PostgreSQL's protocol as it takes to be told a password, which is always the wrong one.</summary>
internal sealed class AskingPostgres : IAsyncDisposable
{
    private const int SslRequest = 80877103;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly List<string> _passwords = [];
    private readonly Task _serving;

    public AskingPostgres()
    {
        _listener.Start();
        _serving = ServeAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public IReadOnlyList<string> Passwords
    {
        get
        {
            lock (_passwords)
            {
                return [.. _passwords];
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _serving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _listener.Dispose();
        _end.Dispose();
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            using var client = await _listener.AcceptTcpClientAsync(_end.Token);
            try
            {
                await TalkAsync(client.GetStream());
            }
            catch (IOException)
            {
                // The client had enough.
            }
        }
    }

    private async Task TalkAsync(NetworkStream stream)
    {
        var startup = await ReadAsync(stream);
        if (BinaryPrimitives.ReadInt32BigEndian(startup) == SslRequest)
        {
            await stream.WriteAsync("N"u8.ToArray(), _end.Token);
            await ReadAsync(stream);
        }

        // AuthenticationCleartextPassword.
        await stream.WriteAsync(new byte[] { (byte)'R', 0, 0, 0, 8, 0, 0, 0, 3 }, _end.Token);
        var type = new byte[1];
        await stream.ReadExactlyAsync(type, _end.Token);
        var password = Encoding.UTF8.GetString(await ReadAsync(stream)).TrimEnd('\0');
        lock (_passwords)
        {
            _passwords.Add(password);
        }

        var error = Encoding.UTF8.GetBytes("SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user \"u\"\0\0");
        var length = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, error.Length + 4);
        await stream.WriteAsync((byte[])[(byte)'E', .. length, .. error], _end.Token);
    }

    private async Task<byte[]> ReadAsync(NetworkStream stream)
    {
        var length = new byte[4];
        await stream.ReadExactlyAsync(length, _end.Token);
        var rest = new byte[BinaryPrimitives.ReadInt32BigEndian(length) - 4];
        await stream.ReadExactlyAsync(rest, _end.Token);
        return rest;
    }
}
