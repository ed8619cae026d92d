using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace PolicyService.Evidence.Tests.Registries.Credentials;

/// <summary>One request as it came.</summary>
internal sealed record TokenRequest(string Method, string Path, IReadOnlyDictionary<string, string> Headers, string Body);

/// <summary>A cloud's service that gives tokens, on this machine.</summary>
internal sealed class TokenStandIn : IDisposable
{
    private readonly HttpListener _listener = new();

    public TokenStandIn()
    {
        using (var probe = new TcpListener(IPAddress.Loopback, 0))
        {
            probe.Start();
            Url = new Uri($"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}/");
        }

        _listener.Prefixes.Add(Url.AbsoluteUri);
        _listener.Start();
        _ = ServeAsync();
    }

    public Uri Url { get; }

    public ConcurrentQueue<TokenRequest> Requests { get; } = new();

    /// <summary>Status and body for the next requests; the status 302 leads here again.</summary>
    public (int Status, string Body) Answer { get; set; } = (200, "{}");

    /// <summary>Each request waits for this before it is answered.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    public void Dispose() => _listener.Close();

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                var context = await _listener.GetContextAsync();
                using var reader = new StreamReader(context.Request.InputStream);
                Requests.Enqueue(new TokenRequest(
                    context.Request.HttpMethod,
                    context.Request.Url!.PathAndQuery,
                    context.Request.Headers.AllKeys.ToDictionary(key => key!.ToLowerInvariant(), key => context.Request.Headers[key]!),
                    await reader.ReadToEndAsync()));
                await Gate;
                (context.Response.StatusCode, var body) = Answer;
                context.Response.Headers["Location"] = Url.AbsoluteUri;
                await context.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(body));
                context.Response.Close();
            }
        }
        catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException)
        {
            // Closed.
        }
    }
}
