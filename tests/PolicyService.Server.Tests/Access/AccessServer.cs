using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using PolicyService.Server.Access;
using PolicyService.Server.Tests.Rest;

namespace PolicyService.Server.Tests.Access;

/// <summary>A service where callers must be somebody. Who asks stands in a header of the request: its members, one blank between two.</summary>
internal sealed class AccessServer : IAsyncDisposable
{
    public const string Header = "x-members";

    private AccessServer(TestServer server) => Server = server;

    public TestServer Server { get; }

    public string File => Server.Documents.Beside("access.yaml");

    /// <param name="access">The access file; null: none.</param>
    /// <param name="store">Arguments that name a store; none: SQLite beside the documents.</param>
    /// <param name="documents">The documents of a directory.</param>
    /// <param name="time">Its clock.</param>
    /// <param name="sink">Where its records go instead of a file.</param>
    /// <param name="configure">Further changes.</param>
    public static async Task<AccessServer> StartAsync(
        string? access, string[]? store = null, DocumentsFolder? documents = null, TimeProvider? time = null, TestSink? sink = null, Action<IServiceCollection>? configure = null)
    {
        documents ??= new DocumentsFolder();
        var file = documents.Beside("access.yaml");
        if (access is not null)
        {
            await System.IO.File.WriteAllTextAsync(file, access, TestContext.Current.CancellationToken);
        }

        return new AccessServer(await TestServer.StartAsync(
            documents, time, sink, configure: configure, caller: CallerOf, more: [.. store ?? ["--Store:Path", documents.Beside("store.db")], .. access is null ? (string[])[] : ["--Access:File", file]]));
    }

    public static Caller CallerOf(HttpContext context)
    {
        var members = context.Request.Headers[Header].ToString().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return new Caller(members.FirstOrDefault("nobody"), members);
    }

    /// <summary>Replaces the access file whole.</summary>
    public void Write(string access)
    {
        System.IO.File.WriteAllText(File + ".new", access);
        System.IO.File.Move(File + ".new", File, overwrite: true);
    }

    public async Task<RestReply> SendAsync(string members, string method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Add(Header, members);
        using var response = await Server.Http.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return new RestReply(response.StatusCode, text.StartsWith('{') ? JsonSerializer.Deserialize<JsonElement>(text) : default, text);
    }

    public async Task<RestReply> DoAsync(string members, string method, string path, string? body = null)
    {
        var reply = await SendAsync(members, method, path, body);
        Assert.True(reply.Code == HttpStatusCode.OK, $"{members} {method} {path}: {reply.Text}");
        return reply;
    }

    /// <summary>The records of a kind so far.</summary>
    public JsonElement[] Records(string kind) => !System.IO.File.Exists(Server.Documents.Beside("records.jsonl")) ? [] :
    [
        .. System.IO.File.ReadAllText(Server.Documents.Beside("records.jsonl")).Split('\n').Where(line => line.EndsWith('}'))
            .Select(line => JsonSerializer.Deserialize<JsonElement>(line)).Where(record => record.TryGetProperty("kind", out var name) && name.GetString() == kind),
    ];

    /// <summary>The metrics, as somebody who may read them.</summary>
    public async Task<MetricsPage> MetricsAsync(string members) => new((await DoAsync(members, "GET", "/metrics")).Text);

    public async ValueTask DisposeAsync() => await Server.DisposeAsync();
}
