using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Tests.Rest;

/// <summary>An answer of the REST surface.</summary>
internal sealed record RestReply(HttpStatusCode Code, JsonElement Body, string Text)
{
    /// <summary>Name of the gRPC status of an error.</summary>
    public string Status => Body.GetProperty("error").GetProperty("status").GetString()!;

    public string Message => Body.GetProperty("error").GetProperty("message").GetString()!;

    /// <summary>The fields that an error names.</summary>
    public string[] Fields => Body.GetProperty("error").TryGetProperty("details", out var details)
        ? [.. details[0].GetProperty("fieldViolations").EnumerateArray().Select(violation => violation.GetProperty("field").GetString()!)]
        : [];

    public string this[string name] => Body.GetProperty(name).GetString()!;
}

/// <summary>A service with an empty store of its own, for the tests of one class; each test has a project of its own.</summary>
public sealed class RestServer : IAsyncLifetime
{
    private static int _projects;

    private TestServer? _server;

    internal TestServer Server => _server!;

    internal DocumentStore Store => Server.Services.GetRequiredService<DocumentStore>();

    /// <summary>A project nobody else uses.</summary>
    public static string NewProject() => $"p{Interlocked.Increment(ref _projects)}";

    public async ValueTask InitializeAsync()
    {
        var documents = new DocumentsFolder();
        _server = await TestServer.StartAsync(documents, more: ["--Store:Path", documents.Beside("store.db")]);
    }

    internal Task<RestReply> GetAsync(string path) => SendAsync("GET", path);

    internal Task<RestReply> SendAsync(string method, string path, string? body = null) =>
        SendAsync(method, path, body is null ? null : new StringContent(body, Encoding.UTF8, "application/json"));

    internal async Task<RestReply> SendAsync(string method, string path, HttpContent? content)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = content };
        // So that a refusal arrives before a large body is on its way.
        request.Headers.ExpectContinue = content?.Headers.ContentLength > 1024 * 1024;
        using var response = await Server.Http.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        return new RestReply(response.StatusCode, JsonSerializer.Deserialize<JsonElement>(text), text);
    }

    /// <summary>The same where it must succeed.</summary>
    internal async Task<RestReply> DoAsync(string method, string path, string? body = null)
    {
        var reply = await SendAsync(method, path, body);
        Assert.True(reply.Code == HttpStatusCode.OK, $"{method} {path}: {reply.Text}");
        return reply;
    }

    /// <summary>A note with an attestor of the signer on it.</summary>
    internal async Task AttestorAsync(Signer signer, bool withKey = true)
    {
        var (project, id) = (signer.Attestor.Split('/')[1], signer.Attestor.Split('/')[3]);
        await DoAsync("POST", $"/v1/projects/{project}/notes?noteId={id}", """{"attestation": {"hint": {"humanReadableName": "x"}}}""");
        await DoAsync("POST", $"/v1/projects/{project}/attestors?attestorId={id}", signer.Document(withKey));
    }

    public async ValueTask DisposeAsync() => await Server.DisposeAsync();
}
