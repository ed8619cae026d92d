using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace PolicyService.Tests.OpenId;

/// <summary>An issuer that can be asked for its keys, over real HTTP on loopback.</summary>
internal sealed class OpenIdIssuer : IAsyncDisposable
{
    private readonly WebApplication _application;
    private int _requests;

    private OpenIdIssuer(WebApplication application) => _application = application;

    /// <summary>Its <c>iss</c>.</summary>
    public string Url => _application.Urls.Single();

    /// <summary>The keys it says it has, as JSON.</summary>
    public string Keys { get; set; } = "";

    /// <summary>It takes connections and breaks them off.</summary>
    public bool IsDown { get; set; }

    /// <summary>What it answers instead; null: as an issuer does.</summary>
    public RequestDelegate? Instead { get; set; }

    /// <summary>Requests so far.</summary>
    public int Requests => Volatile.Read(ref _requests);

    public static async Task<OpenIdIssuer> StartAsync(params IssuerKey[] keys)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var application = builder.Build();
        var issuer = new OpenIdIssuer(application) { Keys = IssuerKey.Set(keys) };
        application.Run(issuer.AnswerAsync);
        await application.StartAsync(TestContext.Current.CancellationToken);
        return issuer;
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private Task AnswerAsync(HttpContext context)
    {
        Interlocked.Increment(ref _requests);
        if (IsDown)
        {
            context.Abort();
            return Task.CompletedTask;
        }

        return Instead is not null ? Instead(context) : StandardAsync(context);
    }

    /// <summary>As an issuer does.</summary>
    public Task StandardAsync(HttpContext context) => context.Request.Path.Value switch
    {
        "/.well-known/openid-configuration" => context.Response.WriteAsync($$"""{"issuer":"{{Url}}","jwks_uri":"{{Url}}/keys"}""", context.RequestAborted),
        "/keys" => context.Response.WriteAsync(Keys, context.RequestAborted),
        _ => Task.CompletedTask,
    };
}
