using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using PolicyService.Api.V1;
using PolicyService.Core.Access;
using PolicyService.Server.Access;
using PolicyService.Server.Tests.Access;

namespace PolicyService.Server.Tests.Clusters;

/// <summary>What adapters hear of their clusters: at once, at each change, and that the service is there.</summary>
public sealed class WatchChangesTests : IDisposable
{
    private const string Cluster = "dc1.edge";
    private const string DryRun = "name: projects/acme/policy\ndefaultAdmissionRule: {evaluationMode: ALWAYS_DENY, enforcementMode: DRYRUN_AUDIT_LOG_ONLY}\n";
    private const string Evaluators = "evaluators:\n- members: [\"group:edge\"]\n  clusters: [dc1.edge]\n";

    /// <summary>Promised is one second; asserted is five times that.</summary>
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(5);
    private readonly CancellationTokenSource _patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

    public WatchChangesTests() => _patience.CancelAfter(TimeSpan.FromSeconds(60));

    private CancellationToken Cancellation => _patience.Token;

    public void Dispose() => _patience.Dispose();

    [Fact]
    public async Task First_message_tells_how_the_cluster_stands()
    {
        await using var server = await TestServer.StartAsync(Documents("options.yaml", $"revocations: [{{digest: '{Digest}', reason: r, author: a}}]\nmaxSnapshotAge: 2h\n"));
        using var call = Watch(server);

        var message = await NextAsync(call);

        Assert.Empty(message.Changed);
        Assert.Equal((Cluster, "acme", Enforcement.DryRun, true), (message.Posture.Cluster, message.Posture.Project, message.Posture.Enforcement, message.Posture.HonoursBreakGlass));
        Assert.Equal((TimeSpan.FromHours(2), Digest), (message.Posture.MaxAge.ToTimeSpan(), Assert.Single(message.Posture.RevokedDigests)));
        Assert.True(message.Generation > 0);
        Assert.NotNull(message.Time);
    }

    [Fact]
    public async Task Change_is_told_with_its_part()
    {
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer));
        using var call = Watch(server);
        Assert.Equal(Enforcement.Enforced, (await NextAsync(call)).Posture.Enforcement);

        await ChangesAsync(server, call, ChangedPart.Policy, "policy.yaml", DryRun);
        await ChangesAsync(server, call, ChangedPart.Attestors, "attestors/build.yaml", signer.Document(withKey: false));
        await ChangesAsync(server, call, ChangedPart.Attestations, "attestations/second.json", signer.Occurrence(Ask.Unattested));
        await ChangesAsync(server, call, ChangedPart.Options, "options.yaml", "bindRepository: true\n");
        var last = await ChangesAsync(server, call, ChangedPart.PlatformPolicies, "clusters.yaml", $"clusters: {{{Cluster}: {{project: acme, platform: GKE}}}}\n");
        Assert.Equal(Enforcement.DryRun, last.Posture.Enforcement);
    }

    [Fact]
    public async Task Attestation_in_the_store_is_told()
    {
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(new DocumentsFolder(), more: ["--Store:Path", Path.Combine(Directory.CreateTempSubdirectory("policyservice-test-").FullName, "store.db")]);
        using var call = Watch(server, project: "acme");
        await NextAsync(call);

        using var note = await server.Http.PostAsync("/v1/projects/acme/notes?noteId=build", new StringContent("{\"attestation\": {\"hint\": {\"humanReadableName\": \"build\"}}}", System.Text.Encoding.UTF8, "application/json"), Cancellation);
        note.EnsureSuccessStatusCode();

        await Eventually.Holds("it is told", async () => (await NextAsync(call)).Changed.Contains(ChangedPart.Attestations));
    }

    [Fact]
    public async Task Silence_never_lasts()
    {
        await using var server = await TestServer.StartAsync(Documents());
        using var call = Watch(server);
        await NextAsync(call);
        var started = TimeProvider.System.GetTimestamp();

        Assert.Empty((await NextAsync(call)).Changed);

        var elapsed = TimeProvider.System.GetElapsedTime(started);
        TestContext.Current.TestOutputHelper?.WriteLine($"told again after {elapsed.TotalSeconds:0.00} s, promised 5 s");
        Assert.InRange(elapsed, TimeSpan.FromSeconds(1), 5 * TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task Shutdown_sends_the_caller_elsewhere()
    {
        await using var server = await TestServer.StartAsync(Documents());
        using var call = Watch(server);
        await NextAsync(call);

        var stopping = server.StopAsync();

        var ended = await Assert.ThrowsAsync<RpcException>(() => ToTheEndAsync(call));
        Assert.Equal(StatusCode.Unavailable, ended.StatusCode);
        Assert.Contains("shutting down", ended.Status.Detail, StringComparison.Ordinal);
        await stopping;
    }

    [Theory]
    [InlineData("", "", "cluster: ")]
    [InlineData("edge", "", "cluster: ")]
    [InlineData(Cluster, "No Project", "project: ")]
    [InlineData("dc1.known", "other", "project: ")]
    public async Task Unusable_request_names_its_field(string cluster, string project, string message)
    {
        await using var server = await TestServer.StartAsync(Documents("clusters.yaml", "clusters: {dc1.known: {project: acme, platform: GKE}}\n"));
        using var call = Watch(server, cluster, project);

        var refused = await Assert.ThrowsAsync<RpcException>(() => NextAsync(call));
        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        Assert.StartsWith(message, refused.Status.Detail, StringComparison.Ordinal);
    }

    [Fact, Trait("attack", "33")]
    public async Task Caller_hears_of_its_clusters_only_and_only_while_it_may()
    {
        await using var access = await AccessServer.StartAsync(Evaluators, documents: Documents());
        using var foreign = Watch(access.Server, "dc2.other", members: "group:edge");
        using var stranger = Watch(access.Server, members: "group:nobody");
        Assert.Equal(StatusCode.PermissionDenied, (await Assert.ThrowsAsync<RpcException>(() => NextAsync(foreign))).StatusCode);
        Assert.Equal(StatusCode.PermissionDenied, (await Assert.ThrowsAsync<RpcException>(() => NextAsync(stranger))).StatusCode);
        using var call = Watch(access.Server, members: "group:edge");
        var first = await NextAsync(call);
        Assert.False(first.Posture.HonoursBreakGlass);

        access.Write(Evaluators + "  may: [BREAK_GLASS]\n");
        await Eventually.Holds("the grant is told", async () => (await NextAsync(call)).Posture.HonoursBreakGlass);
        access.Write("evaluators: []\n");

        Assert.Equal(StatusCode.PermissionDenied, (await Assert.ThrowsAsync<RpcException>(() => ToTheEndAsync(call))).StatusCode);
    }

    [Fact]
    public async Task Watches_count_as_streams_of_the_caller()
    {
        await using var server = await TestCallers.StartAsync(new CallerQuotas(CallerLimits.Default with { Streams = 1 }, []), documents: Documents());
        using var first = new ClusterService.ClusterServiceClient(server.Channel).WatchChanges(new WatchChangesRequest { Cluster = Cluster }, TestCallers.As("one"), cancellationToken: Cancellation);
        await NextAsync(first);
        using var second = new ClusterService.ClusterServiceClient(server.Channel).WatchChanges(new WatchChangesRequest { Cluster = Cluster }, TestCallers.As("one"), cancellationToken: Cancellation);

        Assert.Equal(StatusCode.ResourceExhausted, (await Assert.ThrowsAsync<RpcException>(() => NextAsync(second))).StatusCode);
    }

    private static string Digest => Ask.Attested[(Ask.Attested.IndexOf('@', StringComparison.Ordinal) + 1)..];

    private static DocumentsFolder Documents(params string[] more)
    {
        var folder = new DocumentsFolder();
        folder.Write("policy.yaml", DryRun);
        if (more is [var name, var text])
        {
            folder.Write(name, text);
        }

        return folder;
    }

    private AsyncServerStreamingCall<WatchChangesResponse> Watch(TestServer server, string cluster = Cluster, string project = "", string? members = null) =>
        new ClusterService.ClusterServiceClient(server.Channel).WatchChanges(
            new WatchChangesRequest { Cluster = cluster, Project = project }, members is null ? null : new Metadata { { AccessServer.Header, members } }, cancellationToken: Cancellation);

    private async Task<WatchChangesResponse> NextAsync(AsyncServerStreamingCall<WatchChangesResponse> call) =>
        await call.ResponseStream.MoveNext(Cancellation) ? call.ResponseStream.Current : throw new InvalidOperationException("the stream ended well");

    private async Task ToTheEndAsync(AsyncServerStreamingCall<WatchChangesResponse> call)
    {
        while (true)
        {
            await NextAsync(call);
        }
    }

    private async Task<WatchChangesResponse> ChangesAsync(TestServer server, AsyncServerStreamingCall<WatchChangesResponse> call, ChangedPart part, string file, string text)
    {
        server.Documents.Write(file, text);
        var started = TimeProvider.System.GetTimestamp();
        var message = await NextAsync(call);
        while (message.Changed.Count == 0)
        {
            message = await NextAsync(call);
        }

        var elapsed = TimeProvider.System.GetElapsedTime(started);
        TestContext.Current.TestOutputHelper?.WriteLine($"{part} told after {elapsed.TotalMilliseconds:0} ms, promised 1 s");
        Assert.Equal([part], message.Changed);
        Assert.True(elapsed < Bound, $"{part} after {elapsed}");
        return message;
    }
}
