using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Api.V1;

namespace PolicyService.Server.Tests.Endpoints;

public sealed class BatchTests(StandardServer standard) : IClassFixture<StandardServer>
{
    [Fact]
    public async Task Batch_of_500_is_answered_in_order()
    {
        var images = Enumerable.Range(0, 500).Select(index => index % 3 == 0 ? $"gcr.io/allowed/app:{index}" : $"gcr.io/acme/app:{index}").ToArray();

        var response = await BatchAsync(standard.Server, images.Select(image => Ask.For(image)));

        Assert.Equal(images, response.Results.Select(result => result.Response.ImageDigest));
        Assert.All(response.Results, (result, index) => Assert.Equal(index % 3 == 0 ? Verdict.Allow : Verdict.Deny, result.Response.Verdict));
        Assert.Equal(500, response.Results.Select(result => result.Response.DecisionId).Distinct().Count());
    }

    [Fact]
    public async Task Batch_of_501_is_refused_whole()
    {
        var exception = await Assert.ThrowsAsync<RpcException>(() => BatchAsync(standard.Server, Enumerable.Repeat(Ask.For(Ask.Attested), 501)));

        Assert.Equal(StatusCode.InvalidArgument, exception.StatusCode);
        Assert.StartsWith("requests: more than 500 images", exception.Status.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a batch of empty requests", "EvaluateBatch", 0x0a)]
    [InlineData("empty attestations", "Evaluate", 0x52)]
    [InlineData("empty labels", "Evaluate", 0x3a)]
    public async Task Message_of_two_million_empty_parts_is_refused_before_they_are_made(string name, string method, byte tag)
    {
        var body = new byte[4 * 1024 * 1024];
        for (var index = 0; index < body.Length; index += 2)
        {
            body[index] = tag;
        }

        var raw = new Method<byte[], byte[]>(
            MethodType.Unary, "policyservice.v1.PolicyDecisionService", method, Marshallers.Create(bytes => bytes, bytes => bytes), Marshallers.Create(bytes => bytes, bytes => bytes));
        var before = GC.GetTotalAllocatedBytes();

        var exception = await Assert.ThrowsAsync<RpcException>(
            () => standard.Server.Channel.CreateCallInvoker().AsyncUnaryCall(raw, null, default, body).ResponseAsync);

        Assert.True(StatusCode.InvalidArgument == exception.StatusCode, name);
        // The parts would take hundreds of mebibytes; this process, client and other tests included, stays far below.
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 150L * 1024 * 1024);
    }

    [Fact]
    public async Task Empty_batch_gets_an_empty_answer() => Assert.Empty((await BatchAsync(standard.Server, [])).Results);

    [Fact]
    public async Task Bad_item_spoils_no_other()
    {
        var response = await BatchAsync(standard.Server, [Ask.For(Ask.Attested), Ask.For("a b"), new EvaluateRequest(), Ask.For(Ask.Unattested), Ask.For(Ask.Attested, "nowhere")]);

        Assert.Equal(Verdict.Allow, response.Results[0].Response.Verdict);
        AssertError("image_digest", response.Results[1]);
        AssertError("cluster", response.Results[2]);
        Assert.Equal(Verdict.Deny, response.Results[3].Response.Verdict);
        AssertError("cluster", response.Results[4]);
    }

    [Fact]
    public async Task Batch_sees_one_version_of_the_documents()
    {
        // The clock stands still, so the test itself looks at the documents, as fast as it can.
        await using var server = await TestServer.StartAsync(DocumentsFolder.Fixed("ALWAYS_ALLOW"), new FakeTimeProvider(TimeProvider.System.GetUtcNow()));
        using var ending = new CancellationTokenSource();
        var swapping = Task.Run(() => Swap(server, ending.Token), TestContext.Current.CancellationToken);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var batches = 0; batches < 60 || (seen.Count < 2 && batches < 2_000); batches++)
        {
            var response = await BatchAsync(server, Enumerable.Repeat(Ask.For(Ask.Attested), 500));

            var etag = Assert.Single(response.Results.Select(result => result.Response.PolicyEtag).Distinct());
            Assert.Single(response.Results.Select(result => result.Response.Verdict).Distinct());
            seen.Add(etag);
        }

        await ending.CancelAsync();
        await swapping;
        Assert.Equal(2, seen.Count);
    }

    private static async Task Swap(TestServer server, CancellationToken ending)
    {
        for (var turn = 0; !ending.IsCancellationRequested; turn++)
        {
            server.Documents.Write("policy.yaml", DocumentsFolder.FixedPolicy(turn % 2 == 0 ? "ALWAYS_DENY" : "ALWAYS_ALLOW"));
            await server.PollAsync();
        }
    }

    private static void AssertError(string field, EvaluateBatchResult result)
    {
        Assert.Equal(EvaluateBatchResult.ResultOneofCase.Error, result.ResultCase);
        Assert.Equal((int)StatusCode.InvalidArgument, result.Error.Code);
        Assert.Equal(field, result.Error.Field);
        Assert.StartsWith($"{field}: ", result.Error.Message, StringComparison.Ordinal);
    }

    private static async Task<EvaluateBatchResponse> BatchAsync(TestServer server, IEnumerable<EvaluateRequest> requests)
    {
        var batch = new EvaluateBatchRequest();
        batch.Requests.AddRange(requests);
        return await server.Client.EvaluateBatchAsync(batch, cancellationToken: TestContext.Current.CancellationToken);
    }
}
