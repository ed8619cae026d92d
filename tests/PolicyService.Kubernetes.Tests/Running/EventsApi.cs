using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace PolicyService.Kubernetes.Tests.Running;

/// <summary>As much of a cluster's API as events need.</summary>
internal sealed class EventsApi(WebApplication application) : IAsyncDisposable
{
    public Uri Url => new(application.Urls.Single());

    public bool Fails { get; set; }

    /// <summary>It takes events and answers with something that is no JSON.</summary>
    public bool IsGarbled { get; set; }

    public ConcurrentQueue<JsonElement> Written { get; } = [];

    public IEnumerable<string> Reasons => Written.Select(one => one.GetProperty("reason").GetString()!);

    public static async Task<EventsApi> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var application = builder.Build();
        var api = new EventsApi(application);
        application.MapPost("/apis/events.k8s.io/v1/namespaces/{space}/events", async (HttpContext context) =>
        {
            var body = await JsonSerializer.DeserializeAsync<JsonElement>(context.Request.Body);
            if (api.Fails)
            {
                context.Response.StatusCode = 403;
                return;
            }

            api.Written.Enqueue(body);
            if (api.IsGarbled)
            {
                await context.Response.WriteAsync("<html>");
                return;
            }

            context.Response.StatusCode = 201;
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync(body.ToString());
        });
        await application.StartAsync();
        return api;
    }

    public ValueTask DisposeAsync() => application.DisposeAsync();
}
