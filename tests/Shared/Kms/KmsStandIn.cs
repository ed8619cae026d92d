using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace PolicyService.Tests.Kms;

/// <summary>One request as it came.</summary>
public sealed record KmsCall(string Method, string Path, IReadOnlyDictionary<string, string> Headers, byte[] Body);

/// <summary>
/// Cloud KMS for tests: its REST wire on a socket of 127.0.0.1, written from the API's description and sharing no code with our client.
/// Below HTTP it can do what no HTTP server does: fall silent, hang up, cut a body short.
/// </summary>
public sealed partial class KmsStandIn : IAsyncDisposable
{
    /// <summary>What the token server gives.</summary>
    public const string Token = "ya29.a-token-nobody-may-read";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ending = new();
    private readonly ConcurrentDictionary<string, KmsStandInKey> _keys = new(StringComparer.Ordinal);
    private readonly X509Certificate2? _certificate;
    private readonly Task _accepting;
    private bool _isEnded;
    private readonly ConcurrentBag<Task> _connections = [];

    public KmsStandIn(X509Certificate2? certificate = null)
    {
        _certificate = certificate;
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    public int Port { get; }

    public string Url => $"{(_certificate is null ? "http" : "https")}://127.0.0.1:{Port}";

    /// <summary>Every request so far.</summary>
    public ConcurrentQueue<KmsCall> Calls { get; } = new();

    /// <summary>What goes wrong with the next requests.</summary>
    public KmsFault Fault { get; set; }

    /// <summary>What goes wrong with one request, if that depends on it; comes before <see cref="Fault"/>.</summary>
    public Func<KmsCall, KmsFault>? FaultOf { get; set; }

    /// <summary>Each request waits for this before it is answered.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    public int PublicKeyCalls => Calls.Count(call => call.Path.EndsWith("/publicKey", StringComparison.Ordinal));

    public int StateCalls => Calls.Count(call => call.Path.Contains("/cryptoKeyVersions/", StringComparison.Ordinal) && !call.Path.EndsWith("/publicKey", StringComparison.Ordinal) && call.Method == "GET");

    /// <summary>Makes a key under a resource name.</summary>
    public KmsStandInKey Add(string resource, string algorithm = "EC_SIGN_P256_SHA256") => _keys[resource] = new KmsStandInKey(algorithm);

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
                while (await ReadAsync(stream) is { } call)
                {
                    Calls.Enqueue(call);
                    await Gate.WaitAsync(_ending.Token);
                    if (!await AnswerAsync(stream, call, FaultOf?.Invoke(call) ?? Fault))
                    {
                        return;
                    }
                }
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or SocketException or System.Security.Authentication.AuthenticationException)
        {
            // The client went away, or the test is over.
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

    private async Task<KmsCall?> ReadAsync(Stream stream)
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
        }

        var lines = Encoding.ASCII.GetString([.. head]).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var headers = lines.Skip(1).Select(line => line.Split(':', 2)).ToDictionary(parts => parts[0].ToLowerInvariant(), parts => parts[1].Trim(), StringComparer.Ordinal);
        var body = new byte[headers.TryGetValue("content-length", out var length) ? int.Parse(length, CultureInfo.InvariantCulture) : 0];
        await stream.ReadExactlyAsync(body, _ending.Token);
        var target = lines[0].Split(' ');
        return new KmsCall(target[0], Uri.UnescapeDataString(target[1]), headers, body);
    }

    /// <summary>The right answer, or the right kind of error.</summary>
    private (int Status, JsonNode Body) Reply(KmsCall call, KmsFault fault)
    {
        if (call.Path == "/token")
        {
            // The token server of service accounts stands at the same place.
            return (200, new JsonObject { ["access_token"] = Token, ["expires_in"] = 3600, ["token_type"] = "Bearer" });
        }

        var match = Route().Match(call.Path);
        if (!match.Success || !_keys.TryGetValue(match.Groups["name"].Value, out var key))
        {
            return (404, new JsonObject { ["error"] = new JsonObject { ["code"] = 404, ["status"] = "NOT_FOUND" } });
        }

        var name = match.Groups["name"].Value;
        return (200, (call.Method, match.Groups["verb"].Value) switch
        {
            ("GET", "/publicKey") => KmsStandInReplies.PublicKey(name, key, fault),
            ("GET", "") => new JsonObject { ["name"] = fault is KmsFault.OtherName ? name + "0" : name, ["state"] = key.State, ["algorithm"] = key.Algorithm },
            ("POST", ":asymmetricSign") => KmsStandInReplies.Signature(name, key, JsonNode.Parse(call.Body)!, fault),
            _ => new JsonObject(),
        });
    }

    /// <returns>Whether the connection goes on.</returns>
    private async Task<bool> AnswerAsync(Stream stream, KmsCall call, KmsFault fault)
    {
        if (fault is KmsFault.Silent)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, _ending.Token);
        }

        if (fault is KmsFault.Hangup)
        {
            return false;
        }

        var (status, node) = Reply(call, fault);
        var (code, extra) = KmsStandInReplies.StatusOf(fault) ?? (status, "");
        var body = KmsStandInReplies.Text(node, fault);
        if (fault is KmsFault.NoHttp)
        {
            await stream.WriteAsync("220 mail.example ESMTP\r\n"u8.ToArray(), _ending.Token);
            return false;
        }

        var length = fault is KmsFault.Endless ? "transfer-encoding: chunked" : $"content-length: {body.Length}";
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {code} X\r\ncontent-type: application/json\r\n{extra}{length}\r\n\r\n"), _ending.Token);
        switch (fault)
        {
            case KmsFault.SilentBody:
                await stream.FlushAsync(_ending.Token);
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, _ending.Token);
                return false;
            case KmsFault.Truncated:
                await stream.WriteAsync(body.AsMemory(0, body.Length / 2), _ending.Token);
                return false;
            case KmsFault.Endless:
                var chunk = Encoding.ASCII.GetBytes($"1000\r\n{new string(' ', 4096)}\r\n");
                while (true)
                {
                    await stream.WriteAsync(chunk, _ending.Token);
                }

            default:
                await stream.WriteAsync(body, _ending.Token);
                await stream.FlushAsync(_ending.Token);
                return true;
        }
    }

    [GeneratedRegex("^/v1/(?<name>projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+/cryptoKeyVersions/[^/:]+)(?<verb>/publicKey|:asymmetricSign|)$")]
    private static partial Regex Route();
}
