using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace PolicyService.Server.Tests.Abuse;

/// <summary>A connection of HTTP/2 (RFC 9113) whose frames are written by hand, so that it can say what no client library would.</summary>
internal sealed class RawHttp2 : IDisposable
{
    public const byte Data = 0, HeadersType = 1, Reset = 3, Settings = 4, Ping = 6, GoAway = 7, WindowUpdate = 8, Continuation = 9;
    public const byte EndStream = 1, EndHeaders = 4;

    private readonly TcpClient _client = new();
    private readonly ConcurrentQueue<uint> _resets = new();
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _answers;

    private RawHttp2()
    {
    }

    /// <summary>Codes of the streams that the server reset.</summary>
    public IReadOnlyCollection<uint> Resets => _resets;

    /// <summary>Streams that the server has ended with headers of its own.</summary>
    public int Answers => Volatile.Read(ref _answers);

    /// <summary>Code with which the server took its leave; null: it has not, or said nothing.</summary>
    public uint? Leave { get; private set; }

    /// <summary>Ends when the server closes the connection; only where it is read.</summary>
    public Task Closed => _closed.Task;

    /// <param name="url">Where the server listens.</param>
    /// <param name="reads">Whether what the server sends is read.</param>
    /// <param name="window">Bytes the server may send on a stream before it is allowed more.</param>
    public static async Task<RawHttp2> ConnectAsync(Uri url, bool reads = true, uint window = 65535)
    {
        var connection = new RawHttp2();
        await connection._client.ConnectAsync(IPAddress.Loopback, url.Port, TestContext.Current.CancellationToken);
        var settings = new byte[6];
        BinaryPrimitives.WriteUInt16BigEndian(settings, 4);
        BinaryPrimitives.WriteUInt32BigEndian(settings.AsSpan(2), window);
        byte[] greeting = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(Settings, 0, 0, settings)];
        await connection.TrySendAsync(greeting, TestContext.Current.CancellationToken);
        if (reads)
        {
            _ = connection.ReadAsync();
        }

        return connection;
    }

    public static byte[] Frame(byte type, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        (frame[3], frame[4]) = (type, flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame.AsSpan(9));
        return frame;
    }

    /// <summary>A block of headers in which nothing is compressed (RFC 7541, literal header field without indexing).</summary>
    public static byte[] Headers(string path, params (string Name, string Value)[] more)
    {
        var block = new MemoryStream();
        (string Name, string Value)[] all =
            [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost"), ("content-type", "application/grpc"), ("te", "trailers"), .. more];
        foreach (var (name, value) in all)
        {
            block.WriteByte(0);
            Write(block, name);
            Write(block, value);
        }

        return block.ToArray();
    }

    /// <summary>The frames of a whole gRPC call.</summary>
    public static byte[] Call(int stream, string path, byte[] message)
    {
        var body = new byte[5 + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(body.AsSpan(1), message.Length);
        message.CopyTo(body.AsSpan(5));
        var frames = new List<byte>(Frame(HeadersType, EndHeaders, stream, Headers(path)));
        foreach (var part in body.Chunk(16 * 1024))
        {
            frames.AddRange(Frame(Data, 0, stream, part));
        }

        frames.AddRange(Frame(Data, EndStream, stream, []));
        return [.. frames];
    }

    /// <returns>False: the connection is closed.</returns>
    public async Task<bool> TrySendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        try
        {
            await _client.GetStream().WriteAsync(bytes, cancellation);
            return !_closed.Task.IsCompleted;
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException or OperationCanceledException)
        {
            return false;
        }
    }

    public void Dispose() => _client.Dispose();

    private static void Write(MemoryStream block, string text)
    {
        // A length has seven bits in the first byte, and seven in each that follows.
        var length = text.Length;
        if (length < 127)
        {
            block.WriteByte((byte)length);
        }
        else
        {
            block.WriteByte(127);
            for (length -= 127; length >= 128; length >>= 7)
            {
                block.WriteByte((byte)((length & 127) | 128));
            }

            block.WriteByte((byte)length);
        }

        block.Write(Encoding.ASCII.GetBytes(text));
    }

    private async Task ReadAsync()
    {
        try
        {
            var stream = _client.GetStream();
            var head = new byte[9];
            while (true)
            {
                await stream.ReadExactlyAsync(head);
                var payload = new byte[BinaryPrimitives.ReadInt32BigEndian(head) >>> 8];
                await stream.ReadExactlyAsync(payload);
                switch (head[3])
                {
                    case Reset:
                        _resets.Enqueue(BinaryPrimitives.ReadUInt32BigEndian(payload));
                        break;
                    case GoAway:
                        Leave = BinaryPrimitives.ReadUInt32BigEndian(payload.AsSpan(4));
                        break;
                    case HeadersType when (head[4] & EndStream) != 0:
                        Interlocked.Increment(ref _answers);
                        break;
                }
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or InvalidOperationException)
        {
            _closed.TrySetResult();
        }
    }
}
