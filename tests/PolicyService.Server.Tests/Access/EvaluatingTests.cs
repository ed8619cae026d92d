using Grpc.Core;
using PolicyService.Api.V1;

namespace PolicyService.Server.Tests.Access;

/// <summary>ATTACKS 33: an identity asks about the clusters granted to it, whatever it writes into its requests.</summary>
[Trait("attack", "33")]
public sealed class EvaluatingTests(EvaluatingServer evaluating) : IClassFixture<EvaluatingServer>
{
    private const string Strict = "group:strict";
    private const string Lax = "group:lax";

    /// <summary>Who asks, about which cluster, and whether that is granted.</summary>
    public static TheoryData<string, string, bool> Clusters => new()
    {
        { Strict, Ask.Enforced, true },
        { Strict, Ask.Open, false },
        { Strict, Ask.Shut, false },
        { Strict, "dc1.unheard", false },
        { Lax, Ask.Open, true },
        { Lax, Ask.Enforced, false },
        { "group:all", Ask.Enforced, true },
        { "group:all", "dc1.unheard", true },
        { "group:nobody", Ask.Open, false },
        { "", Ask.Open, false },
    };

    [Theory, MemberData(nameof(Clusters))]
    public async Task Caller_asks_about_its_clusters_only(string members, string cluster, bool allowed)
    {
        var request = Ask.For(Ask.Attested, cluster);
        var mine = Ask.For(Ask.Attested, members == Strict ? Ask.Enforced : Ask.Open);

        var unary = await evaluating.UnaryAsync(members, request);
        Assert.Equal(allowed, unary.Response is not null);
        var batch = await evaluating.BatchAsync(members, request, mine);
        Assert.Equal(allowed, batch.Results[0].Response is not null);
        Assert.Equal(members is not ("group:nobody" or ""), batch.Results[1].Response is not null);
        var stream = await evaluating.StreamAsync(members, request, mine);
        Assert.Equal(allowed, stream[0].Response is not null);
        Assert.Equal(members is not ("group:nobody" or ""), stream[1].Response is not null);
        var rest = await evaluating.Access.SendAsync(members, "POST", "/v1/evaluate", $$"""{"imageDigest": "{{Ask.Attested}}", "cluster": "{{cluster}}"}""");
        Assert.Equal(allowed ? 200 : 403, (int)rest.Code);
        if (!allowed)
        {
            var message = $"{(members.Length == 0 ? "nobody" : members)} lacks binaryauthorization.policy.evaluatePolicy on the cluster {cluster}: name it under `clusters` in `evaluators` of the access file";
            Assert.Equal((StatusCode.PermissionDenied, message), (unary.Status.StatusCode, unary.Status.Detail));
            Assert.Equal(((int)StatusCode.PermissionDenied, "cluster", message), (batch.Results[0].Error.Code, batch.Results[0].Error.Field, batch.Results[0].Error.Message));
            Assert.Equal(((int)StatusCode.PermissionDenied, "cluster", message), (stream[0].Error.Code, stream[0].Error.Field, stream[0].Error.Message));
            Assert.Equal(("PERMISSION_DENIED", message), (rest.Status, rest.Message));
        }
    }

    [Theory]
    [InlineData("acme", true)]
    [InlineData("", true)]
    [InlineData("shop", false)]
    [InlineData("acme-evil", false)]
    [InlineData("unheard", false)]
    public async Task Caller_names_its_projects_only(string project, bool allowed)
    {
        var request = Ask.For(Ask.Attested);
        request.Project = project;

        var unary = await evaluating.UnaryAsync(Strict, request);

        Assert.True(allowed == unary.Response is not null, unary.Status.Detail);
        if (!allowed)
        {
            Assert.Equal(
                $"{Strict} lacks binaryauthorization.policy.evaluatePolicy on the cluster {Ask.Enforced} for projects/{project}: name the project under `projects` in `evaluators` of the access file",
                unary.Status.Detail);
        }
    }

    [Theory]
    [InlineData("namespace", "WORKLOAD")]
    [InlineData("service_account", "WORKLOAD")]
    [InlineData("istio_identity", "WORKLOAD")]
    [InlineData("preview", "PREVIEW")]
    public async Task Claims_about_the_workload_and_previews_are_granted_separately(string field, string right)
    {
        var request = Ask.For(Ask.Attested);
        (request.Namespace, request.ServiceAccount, request.IstioIdentity, request.Preview) =
            (field == "namespace" ? "n" : "", field == "service_account" ? "s" : "", field == "istio_identity" ? "spiffe://d/ns/n/sa/s" : "", field == "preview");

        var without = await evaluating.UnaryAsync(Strict, request);
        var with = await evaluating.UnaryAsync("group:all", request);

        Assert.Equal((StatusCode.PermissionDenied, $"{Strict} may not set {field} for the cluster {Ask.Enforced}: write {right} under `may` in `evaluators` of the access file"), (without.Status.StatusCode, without.Status.Detail));
        Assert.NotNull(with.Response);
    }

    [Fact]
    public async Task Break_glass_and_inline_attestations_without_the_grant_are_ignored_and_said_to_be()
    {
        var request = Ask.BreakGlass(Ask.Unattested);
        request.Explain = true;
        request.Attestations.Add(evaluating.Signer.Inline(Ask.Unattested));

        var without = (await evaluating.UnaryAsync(Strict, request)).Response!;
        var with = (await evaluating.UnaryAsync("group:all", request)).Response!;

        Assert.Equal((Verdict.Deny, false), (without.Verdict, without.BreakGlass));
        Assert.Contains(without.Trace, step => step.Outcome == "break_glass: the caller is not granted it");
        Assert.Contains(without.Trace, step => step.Outcome == "attestations: the caller is not granted inline attestations");
        Assert.Equal((Verdict.Allow, true), (with.Verdict, with.BreakGlass));
    }

    [Fact]
    public async Task Leaving_out_the_only_project_gives_no_more_than_naming_it()
    {
        var request = Ask.BreakGlass(Ask.Unattested);

        var elsewhere = await evaluating.UnaryAsync("group:shop", request);
        var both = (await evaluating.UnaryAsync("group:shop group:strict", request)).Response!;

        Assert.Equal(
            (StatusCode.PermissionDenied, $"group:shop lacks binaryauthorization.policy.evaluatePolicy on the cluster {Ask.Enforced} for the project that would decide: name the project under `projects` in `evaluators` of the access file"),
            (elsewhere.Status.StatusCode, elsewhere.Status.Detail));
        Assert.Equal((Verdict.Deny, false), (both.Verdict, both.BreakGlass));
    }

    [Fact]
    public async Task Stream_is_authorised_anew_at_each_message()
    {
        await using var access = await AccessServer.StartAsync("evaluators: [{members: [\"group:a\"], clusters: [dc1.open]}]\n", documents: DocumentsFolder.Fixed("ALWAYS_ALLOW"));
        using var stream = access.Server.Client.EvaluateStream(new Metadata { { AccessServer.Header, "group:a" } }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.NotNull((await NextAsync(stream)).Response);

        access.Write("evaluators: [{members: [\"group:a\"], clusters: [dc1.other]}]\n");
        EvaluateStreamResponse answer = new();
        await Eventually.Holds("the grant is gone", async () => (answer = await NextAsync(stream)).Response is null);

        Assert.Equal((int)StatusCode.PermissionDenied, answer.Error.Code);
        access.Write("evaluators: [{members: [\"group:a\"], clusters: [dc1.open]}]\n");
        await Eventually.Holds("and comes back", async () => (await NextAsync(stream)).Response is not null);
    }

    private static async Task<EvaluateStreamResponse> NextAsync(AsyncDuplexStreamingCall<EvaluateStreamRequest, EvaluateStreamResponse> stream)
    {
        await stream.RequestStream.WriteAsync(new EvaluateStreamRequest { Request = Ask.For(Ask.Attested, "dc1.open") }, TestContext.Current.CancellationToken);
        Assert.True(await stream.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        return stream.ResponseStream.Current;
    }
}

/// <summary>The standard documents, and one adapter for each of two clusters.</summary>
public sealed class EvaluatingServer : IAsyncLifetime
{
    internal AccessServer Access { get; private set; } = null!;

    internal Signer Signer { get; } = new();

    public async ValueTask InitializeAsync() => Access = await AccessServer.StartAsync(
        $$"""
        evaluators:
        - {members: ["group:strict"], clusters: [{{Ask.Enforced}}], projects: [acme]}
        - {members: ["group:lax"], clusters: [{{Ask.Open}}], may: [BREAK_GLASS, INLINE_ATTESTATIONS, WORKLOAD, PREVIEW]}
        - {members: ["group:shop"], clusters: [{{Ask.Enforced}}], projects: [shop], may: [BREAK_GLASS]}
        - {members: ["group:all"], clusters: ["*"], projects: ["*"], may: [BREAK_GLASS, INLINE_ATTESTATIONS, WORKLOAD, PREVIEW]}
        bindings:
        - {role: roles/binaryauthorization.policyAdmin, members: ["group:nobody"], resources: ["*"]}
        """,
        [],
        DocumentsFolder.Standard(Signer));

    internal async Task<(EvaluateResponse? Response, Status Status)> UnaryAsync(string members, EvaluateRequest request)
    {
        try
        {
            return (await Access.Server.Client.EvaluateAsync(request, Headers(members), cancellationToken: TestContext.Current.CancellationToken), default);
        }
        catch (RpcException exception)
        {
            return (null, exception.Status);
        }
    }

    internal async Task<EvaluateBatchResponse> BatchAsync(string members, params EvaluateRequest[] requests) =>
        await Access.Server.Client.EvaluateBatchAsync(new EvaluateBatchRequest { Requests = { requests } }, Headers(members), cancellationToken: TestContext.Current.CancellationToken);

    internal async Task<EvaluateStreamResponse[]> StreamAsync(string members, params EvaluateRequest[] requests)
    {
        using var stream = Access.Server.Client.EvaluateStream(Headers(members), cancellationToken: TestContext.Current.CancellationToken);
        foreach (var request in requests)
        {
            await stream.RequestStream.WriteAsync(new EvaluateStreamRequest { Request = request }, TestContext.Current.CancellationToken);
        }

        await stream.RequestStream.CompleteAsync();
        return [.. await stream.ResponseStream.ReadAllAsync(TestContext.Current.CancellationToken).ToArrayAsync()];
    }

    public async ValueTask DisposeAsync()
    {
        await Access.DisposeAsync();
        Signer.Dispose();
    }

    private static Metadata Headers(string members) => new() { { AccessServer.Header, members } };
}
