using Grpc.Core;
using PolicyService.Api.V1;

namespace PolicyService.Server.Tests.Endpoints;

public sealed class ConcurrencyTests
{
    private const int Streams = 16;
    private const int PerStream = 1_250;

    private static readonly (string Image, string Cluster, Verdict Verdict)[] Mix =
    [
        (Ask.Attested, Ask.Enforced, Verdict.Allow),
        (Ask.Unattested, Ask.Enforced, Verdict.Deny),
        (Ask.Unattested, Ask.DryRun, Verdict.Dryrun),
        (Ask.Attested, Ask.DryRun, Verdict.Allow),
        (Ask.Allowlisted, Ask.Shut, Verdict.Allow),
        (Ask.Attested, Ask.Shut, Verdict.Deny),
        (Ask.Unattested, Ask.Open, Verdict.Allow),
    ];

    [Fact]
    public async Task Sixteen_streams_get_20000_right_answers_and_as_many_records()
    {
        using var signer = new Signer();
        await using var server = await TestServer.StartAsync(DocumentsFolder.Standard(signer));

        var started = TimeProvider.System.GetTimestamp();
        var wrong = await Task.WhenAll(Enumerable.Range(0, Streams).Select(stream => Task.Run(() => RunAsync(server, stream), TestContext.Current.CancellationToken)));
        TestContext.Current.TestOutputHelper!.WriteLine($"{Streams * PerStream} decisions in {TimeProvider.System.GetElapsedTime(started).TotalSeconds:f1} s");

        Assert.Empty(wrong.SelectMany(list => list));
        await Eventually.Holds("all are recorded", async () => (await server.MetricsAsync()).Sum("policyservice_audit_records_total", "outcome=\"written\"") == Streams * PerStream);
        var ids = server.Records.Records().Select(record => record.GetProperty("decisionId").GetString()).ToHashSet();
        Assert.Equal(Streams * PerStream, ids.Count);
    }

    /// <summary>The answers that were not as expected.</summary>
    private static async Task<IReadOnlyList<string>> RunAsync(TestServer server, int stream)
    {
        using var channel = server.Connect();
        using var call = new PolicyDecisionService.PolicyDecisionServiceClient(channel).EvaluateStream(cancellationToken: TestContext.Current.CancellationToken);
        var sending = SendAsync(call.RequestStream, stream);
        var (wrong, answered) = (new List<string>(), new HashSet<string>(StringComparer.Ordinal));
        await foreach (var answer in call.ResponseStream.ReadAllAsync(TestContext.Current.CancellationToken))
        {
            var (image, cluster, verdict) = Mix[int.Parse(answer.CorrelationId.Split('-')[1], System.Globalization.CultureInfo.InvariantCulture) % Mix.Length];
            if (!answered.Add(answer.CorrelationId) || answer.Response?.Verdict != verdict || answer.Response.ImageDigest != image || answer.Response.Cluster != cluster)
            {
                wrong.Add($"{answer}");
            }
        }

        await sending;
        return answered.Count == PerStream ? wrong : [.. wrong, $"stream {stream}: {answered.Count} answers"];
    }

    private static async Task SendAsync(IClientStreamWriter<EvaluateStreamRequest> requests, int stream)
    {
        for (var index = 0; index < PerStream; index++)
        {
            var (image, cluster, _) = Mix[index % Mix.Length];
            await requests.WriteAsync(new EvaluateStreamRequest { CorrelationId = $"{stream}-{index}", Request = Ask.For(image, cluster) }, TestContext.Current.CancellationToken);
        }

        await requests.CompleteAsync();
    }
}
