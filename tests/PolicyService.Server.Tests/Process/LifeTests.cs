using System.Net;
using System.Text.Json;
using Grpc.Core;
using PolicyService.Api.V1;

namespace PolicyService.Server.Tests.Process;

/// <summary>What only a process shows: signals, standard output, limits of the system.</summary>
public sealed class LifeTests : IDisposable
{
    private readonly Signer _signer = new();
    private readonly DocumentsFolder _documents;
    private readonly RecordFile _records;

    public LifeTests()
    {
        _documents = DocumentsFolder.Standard(_signer);
        _records = new RecordFile(_documents.Beside("records.jsonl"));
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Sigterm_drains_streams_writes_every_record_and_ends_with_0()
    {
        await using var server = await ServerProcess.StartAsync(_documents, "--Audit:File", _records.Path);
        using var call = server.Client.EvaluateStream(cancellationToken: Cancellation);
        for (var index = 0; index < 100; index++)
        {
            await call.RequestStream.WriteAsync(new EvaluateStreamRequest { CorrelationId = $"{index}", Request = Ask.For(Ask.Attested) }, Cancellation);
        }

        Assert.True(await call.ResponseStream.MoveNext(Cancellation));
        var answered = new List<string> { call.ResponseStream.Current.Response.DecisionId };

        server.Signal(Native.SigTerm);

        var end = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            await foreach (var answer in call.ResponseStream.ReadAllAsync(Cancellation))
            {
                answered.Add(answer.Response.DecisionId);
            }
        });
        Assert.Equal(StatusCode.Unavailable, end.StatusCode);
        Assert.Contains("shutting down", end.Status.Detail, StringComparison.Ordinal);
        Assert.Equal(0, await server.ExitAsync());
        var recorded = _records.Records().Select(record => record.GetProperty("decisionId").GetString()).ToHashSet();
        Assert.All(answered, id => Assert.Contains(id, recorded));
    }

    [Fact]
    public async Task Sigkill_loses_no_break_glass_that_was_answered()
    {
        await using var server = await ServerProcess.StartAsync(_documents, "--Audit:File", _records.Path);
        var answered = new List<string>();
        for (var index = 0; index < 20; index++)
        {
            answered.Add((await server.Client.EvaluateAsync(Ask.BreakGlass(Ask.Unattested), cancellationToken: Cancellation)).DecisionId);
        }

        server.Signal(Native.SigKill);
        await server.ExitAsync();

        Assert.All(answered, id => Assert.True(_records.Has(id)));
    }

    [Fact]
    public async Task Standard_output_carries_records_and_nothing_else()
    {
        await using var server = await ServerProcess.StartAsync(_documents);
        var ids = new List<string>();
        foreach (var request in new[] { Ask.For(Ask.Attested), Ask.For(Ask.Unattested), Ask.BreakGlass(Ask.Unattested, "a\nb\u001b[31m") })
        {
            ids.Add((await server.Client.EvaluateAsync(request, cancellationToken: Cancellation)).DecisionId);
        }

        server.Signal(Native.SigTerm);
        var output = await server.Output.ReadToEndAsync(Cancellation);

        Assert.Equal(0, await server.ExitAsync());
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(ids, lines.Select(line => JsonSerializer.Deserialize<JsonElement>(line).GetProperty("decisionId").GetString()));
        Assert.DoesNotContain('\u001b', output);
    }

    [Fact]
    public async Task Closed_standard_output_takes_readiness_and_break_glass_away()
    {
        await using var server = await ServerProcess.StartAsync(_documents);
        server.Output.Close();

        Assert.Equal(Verdict.Deny, (await server.Client.EvaluateAsync(Ask.For(Ask.Unattested), cancellationToken: Cancellation)).Verdict);
        await Eventually.Holds("the failure shows", async () => await ReadyAsync(server) == HttpStatusCode.ServiceUnavailable);
        var exception = await Assert.ThrowsAsync<RpcException>(async () => await server.Client.EvaluateAsync(
            Ask.BreakGlass(Ask.Unattested), deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(2), cancellationToken: Cancellation));

        Assert.True(exception.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded, exception.ToString());
    }

    [Fact]
    public async Task Full_disk_leaves_no_half_line_and_heals_without_loss()
    {
        await using var server = await ServerProcess.StartAsync(_documents, "--Audit:File", _records.Path);
        var ids = new List<string>();
        await AskAsync(10);
        await Eventually.Holds("the first are written", () => ids.All(_records.Has));
        var before = new FileInfo(_records.Path).Length;

        // Room for half a record.
        server.LimitFiles(before + (before / 20));
        await AskAsync(200);
        await Eventually.Holds("the failure shows", async () => await ReadyAsync(server) == HttpStatusCode.ServiceUnavailable);
        Assert.Equal(10, _records.Records().Count);

        server.LimitFiles(-1);
        await Eventually.Holds("it is ready again", async () => await ReadyAsync(server) == HttpStatusCode.OK);
        await Eventually.Holds("all are written", () => ids.All(_records.Has));
        Assert.Equal(210, _records.Records().Count);

        async Task AskAsync(int count)
        {
            for (var index = 0; index < count; index++)
            {
                ids.Add((await server.Client.EvaluateAsync(Ask.For(Ask.Unattested), cancellationToken: Cancellation)).DecisionId);
            }
        }
    }

    public void Dispose()
    {
        _documents.Dispose();
        _signer.Dispose();
    }

    private static async Task<HttpStatusCode> ReadyAsync(ServerProcess server)
    {
        using var response = await server.Http.GetAsync("/healthz/ready", Cancellation);
        return response.StatusCode;
    }
}
