using Grpc.Net.Client;
using PolicyService.Api.Clients;
using PolicyService.Api.V1;
using PolicyService.LoadTests.Calls;
using PolicyService.LoadTests.Documents;

namespace PolicyService.LoadTests.Scenarios;

/// <summary>Evidence in memory, metrics and records on: the path of nearly every request.</summary>
internal static class HotScenarios
{
    /// <summary>Images of a batch.</summary>
    private const int BatchSize = 100;

    /// <summary>Messages under way on one stream.</summary>
    private const int StreamDepth = 8;

    /// <summary>Ten images, all attested.</summary>
    public static Questions Attested() => new RepeatedQuestions([.. Enumerable.Range(0, 10).Select(number => new TestImage(number).Ask(Verdict.Allow))]);

    public static async Task<PreparedScenario> UnaryAsync(TestBed bed, CancellationToken cancellation) =>
        new(bed.Unary((await bed.HotAsync(cancellation)).Server, Attested()));

    /// <summary>Every record is on the disk before its answer.</summary>
    public static async Task<PreparedScenario> DurableAsync(TestBed bed, CancellationToken cancellation)
    {
        var served = await bed.ServeAsync(10, cancellation, "--Audit:Durable", "true");
        return new(bed.Unary(served.Server, Attested())) { Owned = [served] };
    }

    public static async Task<PreparedScenario> StreamAsync(TestBed bed, CancellationToken cancellation)
    {
        var server = (await bed.HotAsync(cancellation)).Server;
        var questions = Attested();
        GrpcChannel[] channels = [.. Enumerable.Range(0, bed.Plan.Connections).Select(_ => PolicyDecisionChannel.Open(server.Grpc))];
        StreamCaller[] streams = [.. Enumerable.Range(0, bed.Plan.Connections * bed.Plan.Streams).Select(lane => new StreamCaller(channels[lane % channels.Length], questions, bed.Time))];
        return new(new Side(server, [.. Enumerable.Repeat(streams, StreamDepth).SelectMany(all => all)])) { Owned = [.. channels.Select(channel => new Owned(channel)), .. streams.Select(stream => new Owned(stream))] };
    }

    public static async Task<PreparedScenario> BatchAsync(TestBed bed, CancellationToken cancellation)
    {
        var server = (await bed.HotAsync(cancellation)).Server;
        return new(new Side(server, bed.Lanes(server.Grpc, connection => new BatchCaller(connection, Attested(), BatchSize, bed.Time))));
    }

    /// <summary>Every verdict there is, for every reason that needs no IO.</summary>
    public static async Task<PreparedScenario> MixedAsync(TestBed bed, CancellationToken cancellation)
    {
        const int Attested = 2000;
        var served = await bed.ServeAsync(Attested, cancellation);
        var questions = Enumerable.Range(0, Attested).Select(number => (number % 20) switch
        {
            < 14 => new TestImage(number).Ask(Verdict.Allow),
            < 16 => new TestImage(Attested + number).Ask(Verdict.Deny),
            < 18 => new TestImage(Attested + number).Ask(Verdict.Dryrun, RunDocuments.DryRunCluster),
            _ => Allowlisted(number),
        });
        return new(bed.Unary(served.Server, new RepeatedQuestions([.. questions]))) { Owned = [served] };
    }

    private static Question Allowlisted(int number)
    {
        var image = new TestImage(number);
        return new Question(
            new EvaluateRequest { ImageDigest = $"{RunDocuments.Allowlisted[..^1]}agent@{image.Digest}", Cluster = RunDocuments.Cluster, Namespace = "kube-system", ServiceAccount = "agent" },
            Verdict.Allow);
    }
}

/// <summary>Something to dispose of at the end of a scenario.</summary>
internal sealed class Owned(IDisposable one) : IAsyncDisposable
{
    public ValueTask DisposeAsync()
    {
        one.Dispose();
        return ValueTask.CompletedTask;
    }
}
