using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace PolicyService.Tests.Registries;

/// <summary>
/// A registry, a realm, or whatever else a registry may lead to, on a socket of 127.0.0.1: it answers what a test says, below HTTP if need
/// be, and keeps every request. It shares no code with our client.
/// </summary>
public sealed class HostileRegistry : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ending = new();
    private readonly X509Certificate2? _certificate;
    private readonly ConcurrentBag<Task> _connections = [];
    private readonly Task _accepting;
    private int _underWay;
    private int _most;
    private bool _isEnded;

    /// <param name="certificate">With its key; null: plain HTTP.</param>
    /// <param name="name">By which it is called: anything that is this machine.</param>
    public HostileRegistry(X509Certificate2? certificate = null, string name = "127.0.0.1")
    {
        _certificate = certificate;
        _listener.Start();
        Host = $"{name}:{((IPEndPoint)_listener.LocalEndpoint).Port}";
        Url = $"{(certificate is null ? "http" : "https")}://{Host}";
        _accepting = AcceptAsync();
    }

    /// <summary>Name and port, as images have them.</summary>
    public string Host { get; }

    public string Url { get; }

    public ConcurrentQueue<HostileCall> Calls { get; } = new();

    /// <summary>What is answered; null: 404, as a registry says it of a manifest.</summary>
    public Func<HostileCall, HostileAnswer?> Answer { get; set; } = _ => null;

    /// <summary>Each request waits for this before it is answered.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    /// <summary>Requests under way now.</summary>
    public int UnderWay => Volatile.Read(ref _underWay);

    /// <summary>The most that were.</summary>
    public int MostUnderWay => Volatile.Read(ref _most);

    /// <summary>Bytes written of bodies.</summary>
    public long BytesWritten { get; private set; }

    /// <summary>Answers so from now on.</summary>
    public HostileRegistry With(Func<HostileCall, HostileAnswer?> answer)
    {
        Answer = answer;
        return this;
    }

    /// <summary>Stops listening and cuts every connection.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isEnded)
        {
            return;
        }

        _isEnded = true;
        await _ending.CancelAsync();
        // First: a listener that has stopped is no longer to be asked for the next connection.
        await _accepting;
        _listener.Stop();
        await Task.WhenAll(_connections);
        _ending.Dispose();
        _listener.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _connections.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_ending.Token)));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Its end.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        await Task.Yield();
        try
        {
            using (client)
            {
                await using var stream = await OpenAsync(client);
                while (await ReadAsync(stream) is { } call && await ServeAsync(stream, call))
                {
                }
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or SocketException or System.Security.Authentication.AuthenticationException)
        {
            // The client went away, or the test is over.
        }
    }

    private async Task<bool> ServeAsync(Stream stream, HostileCall call)
    {
        var underWay = Interlocked.Increment(ref _underWay);
        try
        {
            Calls.Enqueue(call);
            for (var seen = _most; underWay > seen && Interlocked.CompareExchange(ref _most, underWay, seen) != seen; seen = _most)
            {
            }

            await Gate.WaitAsync(_ending.Token);
            return await WriteAsync(stream, Answer(call) ?? HostileAnswer.Error(404, "MANIFEST_UNKNOWN"));
        }
        finally
        {
            Interlocked.Decrement(ref _underWay);
        }
    }

    private async Task<Stream> OpenAsync(TcpClient client)
    {
        if (_certificate is null)
        {
            return client.GetStream();
        }

        var secure = new SslStream(client.GetStream());
        await secure.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = _certificate }, _ending.Token);
        return secure;
    }

    private async Task<HostileCall?> ReadAsync(Stream stream)
    {
        var head = new List<byte>();
        var one = new byte[1];
        while (head.Count < 4 || !head[^4..].SequenceEqual("\r\n\r\n"u8.ToArray()))
        {
            if (await stream.ReadAsync(one, _ending.Token) == 0)
            {
                return null;
            }

            head.Add(one[0]);
            if (head[0] == 0x16)
            {
                return null; // the greeting of TLS
            }
        }

        var lines = Encoding.ASCII.GetString([.. head]).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var headers = lines.Skip(1).Select(line => line.Split(':', 2)).ToDictionary(parts => parts[0].ToLowerInvariant(), parts => parts[1].Trim(), StringComparer.Ordinal);
        var body = new byte[int.Parse(headers.GetValueOrDefault("content-length", "0"), CultureInfo.InvariantCulture)];
        await stream.ReadExactlyAsync(body, _ending.Token);
        var first = lines[0].Split(' ');
        return new HostileCall(first[0], first[1], headers, Encoding.UTF8.GetString(body));
    }

    /// <returns>Whether the connection goes on.</returns>
    private async Task<bool> WriteAsync(Stream stream, HostileAnswer answer)
    {
        switch (answer.Kind)
        {
            case HostileBody.Silent:
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, _ending.Token);
                return false;
            case HostileBody.Hangup:
                return false;
            case HostileBody.Raw:
                await stream.WriteAsync(answer.Body, _ending.Token);
                return false;
        }

        var isChunked = answer.Kind is HostileBody.Drip or HostileBody.Endless;
        var length = isChunked ? "transfer-encoding: chunked" : $"content-length: {answer.StatedLength ?? answer.Body.Length}";
        var headers = string.Concat(answer.Headers.Select(header => header + "\r\n"));
        await stream.WriteAsync(Encoding.Latin1.GetBytes($"HTTP/1.1 {answer.Status} X\r\n{headers}{length}\r\n\r\n"), _ending.Token);
        switch (answer.Kind)
        {
            case HostileBody.Drip:
                await RepeatAsync(stream, "1\r\n \r\n"u8.ToArray(), TimeSpan.FromMilliseconds(20));
                return false;
            case HostileBody.Endless:
                await RepeatAsync(stream, Encoding.ASCII.GetBytes($"10000\r\n{new string(' ', 65536)}\r\n"), TimeSpan.Zero);
                return false;
            case HostileBody.Truncated:
                await stream.WriteAsync(answer.Body.AsMemory(0, answer.Body.Length / 2), _ending.Token);
                return false;
            default:
                await stream.WriteAsync(answer.Body, _ending.Token);
                await stream.FlushAsync(_ending.Token);
                BytesWritten += answer.Body.Length;
                return answer.StatedLength is null;
        }
    }

    private async Task RepeatAsync(Stream stream, byte[] chunk, TimeSpan pause)
    {
        while (true)
        {
            await stream.WriteAsync(chunk, _ending.Token);
            BytesWritten += chunk.Length;
            await Task.Delay(pause, TimeProvider.System, _ending.Token);
        }
    }
}
