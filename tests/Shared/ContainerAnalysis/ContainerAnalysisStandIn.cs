using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace PolicyService.Tests.ContainerAnalysis;

/// <summary>One request as it came, its query taken apart.</summary>
public sealed record ContainerAnalysisCall(string Method, string Path, IReadOnlyDictionary<string, string> Query, IReadOnlyDictionary<string, string> Headers)
{
    public string Token => Query.GetValueOrDefault("pageToken", "");
}

/// <summary>
/// Container Analysis for tests: the REST wire of its lists on a socket of 127.0.0.1, written from the API's description and sharing no
/// code with our client. Below HTTP it can do what no HTTP server does: fall silent, hang up, cut a body short.
/// </summary>
public sealed partial class ContainerAnalysisStandIn : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ending = new();
    private readonly X509Certificate2? _certificate;
    private readonly ConcurrentBag<Task> _connections = [];
    private readonly ConcurrentDictionary<string, JsonObject> _occurrences = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _notes = new(StringComparer.Ordinal);
    private readonly Task _accepting;
    private int _numbers;
    private bool _isEnded;

    public ContainerAnalysisStandIn(X509Certificate2? certificate = null)
    {
        _certificate = certificate;
        _listener.Start();
        Url = $"{(certificate is null ? "http" : "https")}://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";
        _accepting = AcceptAsync();
    }

    public string Url { get; }

    public ConcurrentQueue<ContainerAnalysisCall> Calls { get; } = new();

    public ContainerAnalysisFault Fault { get; set; }

    /// <summary>What goes wrong with one request, if that depends on it; comes before <see cref="Fault"/>.</summary>
    public Func<ContainerAnalysisCall, ContainerAnalysisFault>? FaultOf { get; set; }

    /// <summary>The whole body of an answer, where a test writes it itself; null: as it should be.</summary>
    public Func<ContainerAnalysisCall, string?>? Body { get; set; }

    /// <summary>Each request waits for this before it is answered.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    /// <summary>Entries of a page, whatever is asked for.</summary>
    public int MaxPage { get; set; } = 1000;

    /// <summary>Gives all occurrences of the parent, whatever the filter says.</summary>
    public bool IgnoresFilter { get; set; }

    public void AddNote(string note) => _notes[note] = true;

    /// <summary>Adds an attestation as it is, its name and times included if it has none; and its note.</summary>
    /// <returns>Its name.</returns>
    public string Add(JsonObject occurrence, string project = "acme")
    {
        var name = (string?)occurrence["name"] ?? $"projects/{project}/occurrences/{Interlocked.Increment(ref _numbers):x8}";
        occurrence["name"] = name;
        occurrence["createTime"] ??= "2026-03-04T05:06:07.123456Z";
        AddNote((string)occurrence["noteName"]!);
        _occurrences[name] = occurrence;
        return name;
    }

    public void Delete(string name) => _occurrences.TryRemove(name, out _);

    public void DeleteNote(string note) => _notes.TryRemove(note, out _);

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

    private async Task<ContainerAnalysisCall?> ReadAsync(Stream stream)
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
        var target = lines[0].Split(' ');
        var parts = target[1].Split('?', 2);
        var query = (parts.Length == 2 ? parts[1] : "").Split('&', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=', 2))
            .ToDictionary(pair => pair[0], pair => Uri.UnescapeDataString(pair[1]), StringComparer.Ordinal);
        return new ContainerAnalysisCall(target[0], Uri.UnescapeDataString(parts[0]), query, headers);
    }

    /// <summary>The right answer, or the right kind of error.</summary>
    private (int Status, string Body) Reply(ContainerAnalysisCall call)
    {
        var route = Route().Match(call.Path);
        var filter = Filter().Match(call.Query.GetValueOrDefault("filter", ""));
        if (!route.Success || call.Method != "GET")
        {
            return Error(404, "NOT_FOUND");
        }

        if (!filter.Success || !int.TryParse(call.Query.GetValueOrDefault("pageSize"), NumberStyles.None, CultureInfo.InvariantCulture, out var size) || size is < 1 or > 1000)
        {
            return Error(400, "INVALID_ARGUMENT");
        }

        var note = route.Groups["note"].Value;
        if (note.Length > 0 && !_notes.ContainsKey(note))
        {
            return Error(404, "NOT_FOUND");
        }

        var start = call.Token.Length == 0 ? 0 : int.Parse(call.Token, CultureInfo.InvariantCulture);
        var all = _occurrences.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => pair.Value).Where(one => note.Length > 0
            ? (string?)one["noteName"] == note
            : ((string)one["name"]!).StartsWith(route.Groups["project"].Value + "/", StringComparison.Ordinal));
        var found = all.Where(one => IgnoresFilter || (((string?)one["resourceUri"] ?? "").EndsWith(filter.Groups["suffix"].Value, StringComparison.Ordinal)
            && (filter.Groups["kind"].Value.Length == 0 || (string?)one["kind"] == filter.Groups["kind"].Value))).ToArray();
        var page = found.Skip(start).Take(Math.Min(size, MaxPage)).ToArray();
        var next = start + page.Length < found.Length ? $", \"nextPageToken\": \"{start + page.Length}\"" : "";
        return (200, $"{{\"occurrences\": [{string.Join(",", page.Select(one => one.ToJsonString()))}]{next}}}");
    }

    private static (int Status, string Body) Error(int code, string status) => (code, $$$"""{"error": {"code": {{{code}}}, "message": "as asked", "status": "{{{status}}}"}}""");

    /// <returns>Whether the connection goes on.</returns>
    private async Task<bool> AnswerAsync(Stream stream, ContainerAnalysisCall call, ContainerAnalysisFault fault)
    {
        switch (fault)
        {
            case ContainerAnalysisFault.Silent:
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, _ending.Token);
                return false;
            case ContainerAnalysisFault.Hangup:
                return false;
            case ContainerAnalysisFault.NoHttp:
                await stream.WriteAsync("220 mail.example ESMTP\r\n"u8.ToArray(), _ending.Token);
                return false;
        }

        var (status, text) = Body?.Invoke(call) is { } written ? (200, written) : Reply(call);
        var (code, extra) = ContainerAnalysisFaults.StatusOf(fault) ?? (status, "");
        var body = ContainerAnalysisFaults.Text(fault, text);
        var length = fault is ContainerAnalysisFault.Endless or ContainerAnalysisFault.SlowDrip ? "transfer-encoding: chunked" : $"content-length: {body.Length}";
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {code} X\r\ncontent-type: application/json\r\n{extra}{length}\r\n\r\n"), _ending.Token);
        switch (fault)
        {
            case ContainerAnalysisFault.SilentBody:
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, _ending.Token);
                return false;
            case ContainerAnalysisFault.SlowDrip:
                while (true)
                {
                    await stream.WriteAsync("1\r\n \r\n"u8.ToArray(), _ending.Token);
                    await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, _ending.Token);
                }

            case ContainerAnalysisFault.Truncated:
                await stream.WriteAsync(body.AsMemory(0, body.Length / 2), _ending.Token);
                return false;
            case ContainerAnalysisFault.Endless:
                var chunk = Encoding.ASCII.GetBytes($"10000\r\n{new string(' ', 65536)}\r\n");
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

    [GeneratedRegex("^/v1/((?<note>projects/[^/]+/notes/[^/]+)|(?<project>projects/[^/]+))/occurrences$")]
    private static partial Regex Route();

    [GeneratedRegex("^(kind=\"(?<kind>[A-Z_]+)\" AND )?has_suffix\\(resourceUrl, \"(?<suffix>[^\"]+)\"\\)$")]
    private static partial Regex Filter();
}

/// <summary>What the faults look like on the wire.</summary>
internal static class ContainerAnalysisFaults
{
    public static (int Code, string Headers)? StatusOf(ContainerAnalysisFault fault) => fault switch
    {
        ContainerAnalysisFault.BadRequest => (400, ""),
        ContainerAnalysisFault.Unauthorized => (401, ""),
        ContainerAnalysisFault.Forbidden => (403, ""),
        ContainerAnalysisFault.NotFound => (404, ""),
        ContainerAnalysisFault.TooManyRequests => (429, ""),
        ContainerAnalysisFault.TooManyRequestsForLong => (429, "retry-after: 3600\r\n"),
        ContainerAnalysisFault.ServerError => (500, ""),
        ContainerAnalysisFault.Unavailable => (503, ""),
        ContainerAnalysisFault.UnavailableForAWhile => (503, "retry-after: 7\r\n"),
        ContainerAnalysisFault.Redirection => (302, "location: /elsewhere\r\n"),
        ContainerAnalysisFault.NoContent => (204, ""),
        ContainerAnalysisFault.HugeHeaders => (200, $"x: {new string('x', 64 * 1024)}\r\n"),
        _ => null,
    };

    public static byte[] Text(ContainerAnalysisFault fault, string right) => fault switch
    {
        ContainerAnalysisFault.NoContent => [],
        ContainerAnalysisFault.HalfJson => Encoding.UTF8.GetBytes(right[..(right.Length / 2)]),
        ContainerAnalysisFault.NoJson => "<html>no</html>"u8.ToArray(),
        ContainerAnalysisFault.JsonList => Encoding.UTF8.GetBytes($"[{right}]"),
        ContainerAnalysisFault.NoUtf8 => [.. "{\"occurrences\": [], \"x\": \""u8, 0xff, 0xfe, .. "\"}"u8],
        ContainerAnalysisFault.DuplicateField => "{\"occurrences\": [], \"occurrences\": []}"u8.ToArray(),
        ContainerAnalysisFault.DeepJson => Encoding.UTF8.GetBytes($"{{\"occurrences\": {new string('[', 200)}{new string(']', 200)}}}"),
        ContainerAnalysisFault.OccurrencesAreText => "{\"occurrences\": \"none\"}"u8.ToArray(),
        ContainerAnalysisFault.TokenIsNumber => "{\"occurrences\": [], \"nextPageToken\": 5}"u8.ToArray(),
        ContainerAnalysisFault.TokenIsNoText => "{\"occurrences\": [], \"nextPageToken\": \"\\ud800\"}"u8.ToArray(),
        ContainerAnalysisFault.PartOfIt => "{\"occurrences\": [], \"unreachable\": [\"locations/eu\"]}"u8.ToArray(),
        _ => Encoding.UTF8.GetBytes(right),
    };
}
