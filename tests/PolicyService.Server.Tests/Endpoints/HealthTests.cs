using System.Net;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Reflection.V1Alpha;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using PolicyService.Server.Audits;
using PolicyService.Server.Endpoints;
using PolicyService.Server.Policies;

namespace PolicyService.Server.Tests.Endpoints;

public sealed class HealthTests(StandardServer standard) : IClassFixture<StandardServer>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Live_says_nothing_but_that()
    {
        using var response = await standard.Server.Http.GetAsync("/healthz/live", Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("Healthy", await response.Content.ReadAsStringAsync(Cancellation));
    }

    [Fact]
    public async Task Ready_tells_of_the_documents()
    {
        var (status, body) = await standard.Server.ReadyAsync();

        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("ready", body.GetProperty("status").GetString());
        Assert.Empty(body.GetProperty("reasons").EnumerateArray());
        var documents = body.GetProperty("documents");
        Assert.Equal(1, documents.GetProperty("generation").GetInt64());
        Assert.False(documents.GetProperty("stale").GetBoolean());
        Assert.Equal("acme", Assert.Single(documents.GetProperty("projects").EnumerateArray()).GetString());
        Assert.Empty(documents.GetProperty("problems").EnumerateArray());
    }

    [Fact]
    public async Task Ready_is_over_when_the_shutdown_begins()
    {
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer));
        var check = new ReadyCheck(
            server.Services.GetRequiredService<SnapshotInForce>(),
            server.Services.GetRequiredService<DecisionLog>(),
            server.Services.GetRequiredService<IHostApplicationLifetime>());
        Assert.Equal(Microsoft.Extensions.Diagnostics.HealthChecks.HealthStatus.Healthy, (await check.CheckHealthAsync(new(), Cancellation)).Status);

        await server.StopAsync();

        var result = await check.CheckHealthAsync(new(), Cancellation);
        Assert.Equal(Microsoft.Extensions.Diagnostics.HealthChecks.HealthStatus.Unhealthy, result.Status);
        Assert.Contains("shutting down", result.Description, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("policyservice.v1.PolicyDecisionService")]
    public async Task Health_service_serves(string service)
    {
        var health = new Health.HealthClient(standard.Server.Channel);

        var response = await health.CheckAsync(new HealthCheckRequest { Service = service }, cancellationToken: Cancellation);

        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, response.Status);
    }

    [Fact]
    public async Task Health_service_knows_no_other_name()
    {
        var health = new Health.HealthClient(standard.Server.Channel);

        var exception = await Assert.ThrowsAsync<RpcException>(
            async () => await health.CheckAsync(new HealthCheckRequest { Service = "other" }, cancellationToken: Cancellation));

        Assert.Equal(StatusCode.NotFound, exception.StatusCode);
    }

    [Fact]
    public async Task Reflection_lists_the_service()
    {
        var reflection = new ServerReflection.ServerReflectionClient(standard.Server.Channel);
        using var call = reflection.ServerReflectionInfo(cancellationToken: Cancellation);
        await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" }, Cancellation);
        Assert.True(await call.ResponseStream.MoveNext(Cancellation));

        var services = call.ResponseStream.Current.ListServicesResponse.Service.Select(service => service.Name).ToArray();

        Assert.Contains("policyservice.v1.PolicyDecisionService", services);
        Assert.Contains("grpc.health.v1.Health", services);
    }

    [Theory]
    [InlineData("evil.example")]
    [InlineData("evil.example:8080")]
    [InlineData("127.0.0.1.evil.example")]
    [InlineData("localhost.evil.example")]
    [InlineData("169.254.169.254")]
    public async Task Name_of_another_site_is_refused_everywhere(string host)
    {
        foreach (var (method, path) in new[] { (HttpMethod.Post, "/v1/evaluate"), (HttpMethod.Get, "/metrics"), (HttpMethod.Get, "/healthz/ready") })
        {
            using var request = new HttpRequestMessage(method, path);
            request.Headers.Host = host;
            using var response = await standard.Server.Http.SendAsync(request, Cancellation);

            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        }
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("localhost:8080")]
    [InlineData("127.0.0.1")]
    [InlineData("[::1]:8080")]
    public async Task Names_of_this_machine_are_taken(string host)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/healthz/live");
        request.Headers.Host = host;
        using var response = await standard.Server.Http.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Name_of_another_site_is_refused_by_gRPC_too()
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{standard.Server.GrpcUrl}/policyservice.v1.PolicyDecisionService/Evaluate")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent([0, 0, 0, 0, 0]),
        };
        request.Headers.Host = "evil.example";
        request.Content.Headers.ContentType = new("application/grpc");
        using var response = await http.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }
}
