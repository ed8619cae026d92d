using Grpc.Core;
using PolicyService.Api.V1;

namespace PolicyService.Server.Tests.Policies;

public sealed class ProjectTests
{
    [Fact]
    public async Task Several_projects_are_named_by_the_request()
    {
        await using var server = await TestServer.StartAsync(Two());

        Assert.Equal(Verdict.Allow, (await server.AskAsync(Of("open"))).Verdict);
        Assert.Equal(Verdict.Deny, (await server.AskAsync(Of("shut"))).Verdict);
        var unnamed = await server.RefusalAsync(Ask.For(Ask.Attested));
        Assert.Equal(StatusCode.InvalidArgument, unnamed.StatusCode);
        Assert.StartsWith("project: ", unnamed.Detail, StringComparison.Ordinal);
        var unknown = await server.AskAsync(Of("other"));
        Assert.Equal((Verdict.Deny, ReasonCode.NoPolicy, ""), (unknown.Verdict, unknown.Reasons[0].Code, unknown.PolicyEtag));
    }

    [Fact]
    public async Task Clusters_belong_to_projects()
    {
        var documents = Two();
        documents.Write("clusters.yaml", "clusters: {dc1.a: {project: open, platform: ON_PREM}, dc1.b: {project: shut, platform: GKE}}");
        await using var server = await TestServer.StartAsync(documents);

        Assert.Equal(Verdict.Allow, (await server.AskAsync(Ask.For(Ask.Attested, "dc1.a"))).Verdict);
        Assert.Equal(Verdict.Deny, (await server.AskAsync(Ask.For(Ask.Attested, "dc1.b"))).Verdict);
        // Nobody chooses a laxer project for a cluster.
        var refused = await server.RefusalAsync(Of("open", "dc1.b"));
        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        Assert.Contains("`shut`", refused.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Project_added_and_removed_counts()
    {
        await using var server = await TestServer.StartAsync(Two());
        Assert.Equal(ReasonCode.NoPolicy, (await server.AskAsync(Of("third"))).Reasons[0].Code);

        server.Documents.Write("projects/third/policy.yaml", DocumentsFolder.FixedPolicy("ALWAYS_ALLOW", "third"));
        await Eventually.Holds("the project exists", async () => (await server.AskAsync(Of("third"))).Verdict == Verdict.Allow);
        Assert.Equal(1, (await server.MetricsAsync()).Sum("policyservice_decisions_total", "project=\"third\""));

        Directory.Delete(Path.Combine(server.Documents.Path, "projects/third"), recursive: true);
        await Eventually.Holds("the project is gone", async () => (await server.AskAsync(Of("third"))).Reasons[0].Code == ReasonCode.NoPolicy);
    }

    private static DocumentsFolder Two()
    {
        var documents = new DocumentsFolder();
        documents.Write("projects/open/policy.yaml", DocumentsFolder.FixedPolicy("ALWAYS_ALLOW", "open"));
        documents.Write("projects/shut/policy.yaml", DocumentsFolder.FixedPolicy("ALWAYS_DENY", "shut"));
        return documents;
    }

    private static EvaluateRequest Of(string project, string cluster = "dc1.other") => new() { ImageDigest = Ask.Attested, Cluster = cluster, Project = project };
}
