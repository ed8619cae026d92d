using System.Net;
using Grpc.Core;
using Grpc.Health.V1;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using PolicyService.Api.V1;
using PolicyService.Core.Access;
using PolicyService.Server.Access;

namespace PolicyService.Server.Tests.Access;

/// <summary>Every method against every role.</summary>
public sealed class RouteAccessTests(RoleServer roles) : IClassFixture<RoleServer>
{
    public static TheoryData<string, string> Rest => [.. PermissionTable.All.Where(row => row.Needs.Contains('.', StringComparison.Ordinal) && row.Resource.Contains('/', StringComparison.Ordinal)).Select(row => (row.Verb, row.Path))];

    [Fact]
    public void Every_method_has_its_row_and_no_row_is_left_over()
    {
        var found = roles.Access.Server.Services.GetRequiredService<EndpointDataSource>().Endpoints
            .Where(endpoint => !AccessRequirements.IsFrameworks(endpoint)).OfType<RouteEndpoint>().Select(RowOf).Distinct().ToArray();

        Assert.Equal(
            PermissionTable.All.OrderBy(row => row.Path, StringComparer.Ordinal).ThenBy(row => row.Verb, StringComparer.Ordinal),
            found.OrderBy(row => row.Path, StringComparer.Ordinal).ThenBy(row => row.Verb, StringComparer.Ordinal));
    }

    [Fact]
    public void Page_of_permissions_is_that_of_the_tables()
    {
        var path = Path.Combine(CaseFolder.Root, "..", "..", "..", "docs", "permissions.md");
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(path, PermissionTable.ToMarkdown());
        }

        Assert.Equal(File.ReadAllText(path), PermissionTable.ToMarkdown());
    }

    [Theory, MemberData(nameof(Rest))]
    public async Task Role_opens_what_it_has_the_permission_for(string verb, string path)
    {
        var row = PermissionTable.All.Single(row => row.Verb == verb && row.Path == path);
        foreach (var role in Roles.All)
        {
            var reply = await AskAsync($"group:{role.Name}", row);

            if (role.Permissions.Contains(row.Needs))
            {
                Assert.True(reply.Code is not HttpStatusCode.Forbidden and not HttpStatusCode.InternalServerError, $"{role.Name}: {reply.Text}");
            }
            else
            {
                Denied(reply, row, $"group:{role.Name}");
            }
        }

        Denied(await AskAsync("principal://somebody/else", row), row, "principal://somebody/else");
        Denied(await AskAsync("group:unknown", row), row, "group:unknown");
        Denied(await AskAsync("", row), row, "nobody");
    }

    [Fact]
    public async Task Metrics_are_for_monitors()
    {
        foreach (var role in Roles.All)
        {
            var reply = await roles.Access.SendAsync($"group:{role.Name}", "GET", "/metrics");

            Assert.Equal(role.Name == Roles.Monitor ? HttpStatusCode.OK : HttpStatusCode.Forbidden, reply.Code);
        }
    }

    [Fact]
    public async Task No_role_asks_for_decisions()
    {
        foreach (var role in Roles.All)
        {
            var members = $"group:{role.Name}";
            var headers = new Metadata { { AccessServer.Header, members } };
            var request = Ask.For(Ask.Attested, "a.b");
            var client = roles.Access.Server.Client;

            var unary = await Assert.ThrowsAsync<RpcException>(async () => await client.EvaluateAsync(request, headers, cancellationToken: TestContext.Current.CancellationToken));
            var batch = await client.EvaluateBatchAsync(new EvaluateBatchRequest { Requests = { request } }, headers, cancellationToken: TestContext.Current.CancellationToken);
            using var stream = client.EvaluateStream(headers, cancellationToken: TestContext.Current.CancellationToken);
            await stream.RequestStream.WriteAsync(new EvaluateStreamRequest { Request = request }, TestContext.Current.CancellationToken);
            Assert.True(await stream.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
            var rest = await roles.Access.SendAsync(members, "POST", "/v1/evaluate", $$"""{"imageDigest": "{{Ask.Attested}}", "cluster": "a.b"}""");

            var message = $"{members} lacks binaryauthorization.policy.evaluatePolicy on the cluster a.b: name it under `clusters` in `evaluators` of the access file";
            Assert.Equal((StatusCode.PermissionDenied, message), (unary.StatusCode, unary.Status.Detail));
            Assert.Equal(((int)StatusCode.PermissionDenied, message), (batch.Results[0].Error.Code, batch.Results[0].Error.Message));
            Assert.Equal(message, stream.ResponseStream.Current.Error.Message);
            Assert.Equal((HttpStatusCode.Forbidden, "PERMISSION_DENIED", message), (rest.Code, rest.Status, rest.Message));
        }
    }

    [Fact]
    public async Task Health_and_paths_that_lead_nowhere_need_no_permission()
    {
        Assert.Equal(HttpStatusCode.OK, (await roles.Access.SendAsync("", "GET", "/healthz/live")).Code);
        Assert.Equal(HttpStatusCode.OK, (await roles.Access.SendAsync("", "GET", "/healthz/ready")).Code);
        Assert.Equal(HttpStatusCode.NotFound, (await roles.Access.SendAsync("group:unknown", "GET", "/v1/projects/p/unheard")).Code);
        var health = await new Health.HealthClient(roles.Access.Server.Channel).CheckAsync(new HealthCheckRequest(), cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, health.Status);
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/grpc")]
    public async Task Endpoint_without_a_requirement_is_closed_to_everybody(string type)
    {
        var context = new DefaultHttpContext { RequestServices = roles.Access.Server.Services };
        context.Request.ContentType = type;
        context.SetCaller(Caller.Anonymous);
        context.SetEndpoint(new RouteEndpoint(_ => throw new InvalidOperationException("it ran"), Microsoft.AspNetCore.Routing.Patterns.RoutePatternFactory.Parse("/new"), 0, new EndpointMetadataCollection(), "new"));

        await roles.Access.Server.Services.GetRequiredService<AccessGate>().InvokeAsync(context, context.GetEndpoint()!.RequestDelegate!);

        Assert.Equal(type == "application/json" ? (403, "") : (200, "7"), (context.Response.StatusCode, context.Response.Headers["grpc-status"].ToString()));
    }

    private static void Denied(Rest.RestReply reply, PermissionRow row, string caller)
    {
        Assert.True(reply.Code == HttpStatusCode.Forbidden, $"{caller} {row.Path}: {reply.Text}");
        Assert.Equal("PERMISSION_DENIED", reply.Status);
        Assert.StartsWith($"{caller} lacks {row.Needs} on {Filled(row.Resource)}: grant it a role that has it, such as roles/", reply.Message, StringComparison.Ordinal);
    }

    /// <summary>A body that is none: who may come is told what is wrong with it.</summary>
    private Task<Rest.RestReply> AskAsync(string members, PermissionRow row) => roles.Access.SendAsync(members, row.Verb, Filled(row.Path), row.Verb is "POST" or "PUT" ? "{\"unheard\": 1}" : null);

    private static string Filled(string path) => path.Replace("{project}", "roles", StringComparison.Ordinal).Replace("{attestor}", "a", StringComparison.Ordinal)
        .Replace("{note}", "n", StringComparison.Ordinal).Replace("{occurrence}", "o", StringComparison.Ordinal).Replace("{platform}", "gke", StringComparison.Ordinal)
        .Replace("{policy}", "x", StringComparison.Ordinal).Replace("{location}", "global", StringComparison.Ordinal);

    private static PermissionRow RowOf(RouteEndpoint endpoint)
    {
        var verbs = endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? [];
        var pattern = endpoint.RoutePattern.RawText!;
        return endpoint.Metadata.GetMetadata<AccessRequirement>() switch
        {
            { Kind: AccessKind.Open } => new(string.Join(' ', verbs), pattern, PermissionTable.Nothing, ""),
            { Kind: AccessKind.Authenticated } => new(string.Join(' ', verbs), pattern, PermissionTable.Authentication, ""),
            { Kind: AccessKind.PerMessage } needed => new(string.Join(' ', verbs), pattern, needed.Permission, "the cluster of each message"),
            { Kind: AccessKind.Permission } needed => new(string.Join(' ', verbs), pattern, needed.Permission, needed.Resource),
            _ => new(string.Join(' ', verbs), pattern, "NOBODY", ""),
        };
    }
}

/// <summary>A service where each role is granted to a group of its name.</summary>
public sealed class RoleServer : IAsyncLifetime
{
    internal AccessServer Access { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Access = await AccessServer.StartAsync(
        "bindings:\n" + string.Concat(Roles.All.Select(role => $"- {{role: {role.Name}, members: [\"group:{role.Name}\"], resources: [\"*\"]}}\n"))
        + "- {role: roles/owner, members: [\"group:unknown\"], resources: [\"*\"]}\n");

    public async ValueTask DisposeAsync() => await Access.DisposeAsync();
}
