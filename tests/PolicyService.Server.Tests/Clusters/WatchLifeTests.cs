using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Api.V1;
using PolicyService.Server.Tests.Access;
using PolicyService.Tests.OpenId;

namespace PolicyService.Server.Tests.Clusters;

/// <summary>A watch lasts as long as what its caller authenticated with, and tells of what concerns its cluster alone.</summary>
public sealed class WatchLifeTests : IDisposable
{
    private const string Cluster = "dc1.edge";
    private const string Bound = $"clusters: {{{Cluster}: {{project: acme, platform: GKE}}}}\n";
    private const string Shut = "defaultAdmissionRule: {evaluationMode: ALWAYS_DENY, enforcementMode: ENFORCED_BLOCK_AND_AUDIT_LOG}\n";
    private const string Checks = "gkePolicy: {checkSets: [{displayName: all, checks: [{displayName: no, alwaysDeny: true}]}]}\n";
    private readonly IssuerKey _key = IssuerKey.Ec();
    private readonly CancellationTokenSource _patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

    public WatchLifeTests() => _patience.CancelAfter(TimeSpan.FromMinutes(3));

    private CancellationToken Cancellation => _patience.Token;

    public void Dispose()
    {
        _key.Dispose();
        _patience.Dispose();
    }

    [Fact, Trait("attack", "33")]
    public async Task Watch_ends_when_its_token_expires()
    {
        var (time, documents) = (new FakeTimeProvider(TimeProvider.System.GetUtcNow()), DocumentsFolder.Fixed("ALWAYS_ALLOW"));
        Credentials.Write(documents.Beside("keys.json"), IssuerKey.Set(_key));
        await using var server = await TestServer.StartAsync(documents, time, more: [.. Credentials.Tokens(documents.Beside("keys.json")), .. Credentials.Access(documents)]);
        var token = _key.Sign(IssuerKey.Claims(Credentials.Issuer, time.GetUtcNow()));
        using var call = new ClusterService.ClusterServiceClient(server.Channel).WatchChanges(new WatchChangesRequest { Cluster = Cluster }, Credentials.With(token), cancellationToken: Cancellation);
        Assert.True(await call.ResponseStream.MoveNext(Cancellation));

        time.Advance(TimeSpan.FromMinutes(6));

        var ended = await Assert.ThrowsAsync<RpcException>(() => ToTheEndAsync(call));
        Assert.Equal(StatusCode.Unauthenticated, ended.StatusCode);
        Assert.Contains("the token has expired", ended.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_document_is_told_as_its_part()
    {
        using var signer = new Signer();
        using var other = new Signer("build", "q");
        var documents = DocumentsFolder.Standard(signer);
        documents.Write("clusters.yaml", Bound);
        await using var server = await TestServer.StartAsync(documents);
        using var call = Watch(server);
        Assert.True(await call.ResponseStream.MoveNext(Cancellation));

        await ChangesAsync(call, documents, ChangedPart.Policy, "system-policy.yaml", "admissionWhitelistPatterns: [{namePattern: gcr.io/system/*}]\n" + Shut);
        await ChangesAsync(call, documents, ChangedPart.PlatformPolicies, "platform-policies/p.yaml", "name: projects/acme/platforms/gke/policies/p\n" + Checks);
        await ChangesAsync(call, documents, ChangedPart.PlatformPolicies, "platform-policies/p.yaml", null);
        await ChangesAsync(call, documents, ChangedPart.PlatformPolicies, "clusters.yaml", Bound + "default: {project: acme, platform: GKE}\n");
        // Policies may name the attestors of other projects; their policies and options are nobody else's.
        documents.Write("projects/q/options.yaml", "bindRepository: true\n");
        documents.Write("projects/q/policy.yaml", DocumentsFolder.FixedPolicy("ALWAYS_DENY", "q"));
        await ChangesAsync(call, documents, ChangedPart.Attestors, "projects/q/attestors/build.yaml", other.Document());
        documents.Delete("projects/q/options.yaml");
        documents.Delete("projects/q/policy.yaml");
        await ChangesAsync(call, documents, ChangedPart.Attestors, "projects/q/attestors/build.yaml", null);
    }

    [Theory]
    [InlineData("options.yaml", "bindRepository: perhaps\n", ChangedPart.Options)]
    [InlineData("clusters.yaml", "clusters: 7\n", ChangedPart.PlatformPolicies)]
    public async Task Document_that_was_never_readable_is_told_when_it_goes(string file, string text, ChangedPart part)
    {
        var documents = new DocumentsFolder();
        documents.Write("policy.yaml", "name: projects/acme/policy\ndefaultAdmissionRule: {evaluationMode: ALWAYS_DENY, enforcementMode: DRYRUN_AUDIT_LOG_ONLY}\n");
        documents.Write(file, text);
        await using var server = await TestServer.StartAsync(documents);
        using var call = Watch(server);
        Assert.True(await call.ResponseStream.MoveNext(Cancellation));
        Assert.Equal(Enforcement.Enforced, call.ResponseStream.Current.Posture.Enforcement);

        Assert.Equal(Enforcement.DryRun, (await ChangesAsync(call, documents, part, file, null)).Posture.Enforcement);
    }

    private AsyncServerStreamingCall<WatchChangesResponse> Watch(TestServer server) =>
        new ClusterService.ClusterServiceClient(server.Channel).WatchChanges(new WatchChangesRequest { Cluster = Cluster }, cancellationToken: Cancellation);

    private async Task ToTheEndAsync(AsyncServerStreamingCall<WatchChangesResponse> call)
    {
        while (await call.ResponseStream.MoveNext(Cancellation))
        {
            // The next one.
        }
    }

    /// <param name="call">The watch.</param>
    /// <param name="documents">The documents.</param>
    /// <param name="part">The only part that may be told.</param>
    /// <param name="file">The file that changes.</param>
    /// <param name="text">What it is to hold; null: it goes.</param>
    private async Task<WatchChangesResponse> ChangesAsync(AsyncServerStreamingCall<WatchChangesResponse> call, DocumentsFolder documents, ChangedPart part, string file, string? text)
    {
        if (text is null)
        {
            documents.Delete(file);
        }
        else
        {
            documents.Write(file, text);
        }

        do
        {
            Assert.True(await call.ResponseStream.MoveNext(Cancellation));
        }
        while (call.ResponseStream.Current.Changed.Count == 0);

        Assert.Equal([part], call.ResponseStream.Current.Changed);
        return call.ResponseStream.Current;
    }
}
