using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using PolicyService.Server.Access;

namespace PolicyService.Server.Tests.Access;

/// <summary>A server that takes a header's word for who asks.</summary>
internal static class TestCallers
{
    public const string Header = "test-caller";

    private const string Access = """
        bindings: [{role: roles/policyservice.monitor, members: [allAuthenticatedUsers], resources: ["*"]}]
        evaluators: [{members: [allAuthenticatedUsers], clusters: ["*"], projects: ["*"]}]
        """;

    public static readonly Func<HttpContext, Caller> Of = context =>
        context.Request.Headers[Header].ToString() is { Length: > 0 } name ? new Caller(name, [name]) : Caller.Anonymous;

    public static Metadata As(string caller) => new() { { Header, caller } };

    /// <param name="quotas">The limits; null: none.</param>
    /// <param name="sink">Where records go; answers wait for it.</param>
    /// <param name="documents">Its documents.</param>
    /// <param name="configure">Further changes.</param>
    /// <param name="more">Further arguments.</param>
    public static async Task<TestServer> StartAsync(CallerQuotas? quotas, TestSink? sink = null, DocumentsFolder? documents = null, Action<IServiceCollection>? configure = null, params string[] more)
    {
        documents ??= DocumentsFolder.Fixed("ALWAYS_DENY");
        var access = documents.Beside("access.yaml");
        await File.WriteAllTextAsync(access, Access, TestContext.Current.CancellationToken);
        var server = await TestServer.StartAsync(documents, sink: sink, durable: sink is not null, configure: configure, caller: Of, more: ["--Access:File", access, .. more]);
        server.Http.DefaultRequestHeaders.Add(Header, "monitor");
        server.Services.GetRequiredService<QuotasInForce>().Replace(quotas);
        return server;
    }
}
