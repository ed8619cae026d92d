using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using PolicyService.Server.Access;

namespace PolicyService.Server.Tests.Access;

/// <summary>A server that takes a header's word for who asks.</summary>
internal static class TestCallers
{
    public const string Header = "test-caller";

    public static readonly Func<HttpContext, Caller> Of = context =>
        context.Request.Headers[Header].ToString() is { Length: > 0 } name ? new Caller(name, [name]) : Caller.Anonymous;

    public static Metadata As(string caller) => new() { { Header, caller } };

    /// <param name="quotas">The limits; null: none.</param>
    /// <param name="sink">Where records go; answers wait for it.</param>
    /// <param name="documents">Its documents.</param>
    /// <param name="more">Further arguments.</param>
    public static async Task<TestServer> StartAsync(CallerQuotas? quotas, TestSink? sink = null, DocumentsFolder? documents = null, params string[] more)
    {
        var server = await TestServer.StartAsync(
            documents ?? DocumentsFolder.Fixed("ALWAYS_DENY"), sink: sink, durable: sink is not null, configure: services => services.AddSingleton(Of), more: more);
        server.Services.GetRequiredService<QuotasInForce>().Replace(quotas);
        return server;
    }
}
