using System.Net;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Reflection.V1Alpha;
using PolicyService.Tests.OpenId;

namespace PolicyService.Server.Tests.Access;

/// <summary>What answers without credentials, and that nothing else does.</summary>
public sealed class AnonymousPathTests(TokenServer shared) : IClassFixture<TokenServer>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private TestServer Server => shared.Server;

    private string Token => shared.Rsa.Sign(IssuerKey.Claims(Credentials.Issuer, shared.Time.GetUtcNow()));

    [Theory]
    [InlineData("GET", "/metrics")]
    [InlineData("POST", "/v1/evaluate")]
    [InlineData("GET", "/")]
    [InlineData("GET", "/no/such/path")]
    [InlineData("GET", "/v1/projects/acme/policy")]
    [InlineData("PUT", "/v1/projects/acme/policy")]
    [InlineData("OPTIONS", "/v1/evaluate")]
    [InlineData("GET", "/healthz")]
    [InlineData("GET", "/healthz/live/more")]
    [InlineData("GET", "/healthz/ready;/../../metrics")]
    [InlineData("GET", "/healthz/%2e%2e/metrics")]
    [InlineData("GET", "//healthz/live")]
    public async Task Everything_else_needs_credentials(string method, string path)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri($"{Server.HttpUrl}{path}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
        using var response = await Server.Http.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Contains("\"UNAUTHENTICATED\"", await response.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Body_of_a_stranger_is_not_read()
    {
        using var content = new StringContent(new string('x', 1024 * 1024));
        using var response = await Server.PostAsync(content);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    [Fact]
    public async Task Live_and_ready_answer_with_nothing_but_the_state()
    {
        Assert.Equal("Healthy", await Server.Http.GetStringAsync("/healthz/live", Cancellation));
        Assert.Equal("""{"status":"ready"}""", await Server.Http.GetStringAsync("/healthz/ready", Cancellation));

        // A probe with a token that does not count is a probe all the same; one that counts shows more.
        using var request = new HttpRequestMessage(HttpMethod.Get, "/healthz/ready") { Headers = { Authorization = new("Bearer", "nonsense") } };
        using var response = await Server.Http.SendAsync(request, Cancellation);
        Assert.Equal("""{"status":"ready"}""", await response.Content.ReadAsStringAsync(Cancellation));
        using var known = new HttpRequestMessage(HttpMethod.Get, "/healthz/ready") { Headers = { Authorization = new("Bearer", Token) } };
        using var detail = await Server.Http.SendAsync(known, Cancellation);
        Assert.Contains("\"documents\"", await detail.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_check_of_gRPC_answers_and_its_watch_does_not()
    {
        var health = new Health.HealthClient(Server.Channel);

        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, (await health.CheckAsync(new HealthCheckRequest(), cancellationToken: Cancellation)).Status);
        using var watch = health.Watch(new HealthCheckRequest(), cancellationToken: Cancellation);
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await watch.ResponseStream.MoveNext(Cancellation));
        Assert.Equal(StatusCode.Unauthenticated, refused.StatusCode);
    }

    [Fact]
    public async Task Reflection_needs_credentials()
    {
        Assert.Equal(StatusCode.Unauthenticated, (await Assert.ThrowsAsync<RpcException>(() => ReflectAsync(null))).StatusCode);
        Assert.Contains("policyservice.v1.PolicyDecisionService", await ReflectAsync(Credentials.With(Token)));
    }

    [Fact]
    public async Task Methods_of_gRPC_that_do_not_exist_need_credentials_too()
    {
        using var http = new HttpClient();
        foreach (var path in new[] { "/policyservice.v1.PolicyDecisionService/Nothing", "/no.such.Service/Check", "/x" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"{Server.GrpcUrl}{path}")
            {
                Version = HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                Content = new ByteArrayContent([0, 0, 0, 0, 0]) { Headers = { ContentType = new("application/grpc") } },
            };
            using var response = await http.SendAsync(request, Cancellation);

            // Trailers-Only: the status stands in the headers.
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal("16", response.Headers.GetValues("grpc-status").Single());
        }
    }

    [Fact]
    public async Task Streams_need_credentials()
    {
        using var stream = Server.Client.EvaluateStream(cancellationToken: Cancellation);
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await stream.ResponseStream.MoveNext(Cancellation));

        Assert.Equal(StatusCode.Unauthenticated, refused.StatusCode);
    }

    [Fact]
    public async Task Log_of_refusals_is_bounded()
    {
        for (var attempt = 0; attempt < 50; attempt++)
        {
            await Credentials.RestAsync(Server, "nonsense");
        }

        // The clock stands still.
        Assert.Single(Server.Log.Lines, line => line.Contains("UNAUTHENTICATED", StringComparison.Ordinal));
    }

    private async Task<string[]> ReflectAsync(Metadata? headers)
    {
        var reflection = new ServerReflection.ServerReflectionClient(Server.Channel);
        using var call = reflection.ServerReflectionInfo(headers, cancellationToken: Cancellation);
        await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" }, Cancellation);
        Assert.True(await call.ResponseStream.MoveNext(Cancellation));
        return [.. call.ResponseStream.Current.ListServicesResponse.Service.Select(service => service.Name)];
    }
}
