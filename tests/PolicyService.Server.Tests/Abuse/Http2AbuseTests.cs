using Google.Protobuf;
using PolicyService.Api.V1;

namespace PolicyService.Server.Tests.Abuse;

/// <summary>What HTTP/2 lets a client do and none should: the service stays within its bounds and answers others meanwhile.</summary>
public sealed class Http2AbuseTests(AbusedServer server) : IClassFixture<AbusedServer>
{
    private const uint RefusedStream = 7;

    private static readonly byte[] Cancel = [0, 0, 0, 8];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rapid_reset_opens_streams_and_resets_them_at_once()
    {
        await using var others = new Bystander(server.Process);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var (streams, connections, left) = (0, 0, 0);
        var attacker = AttackAsync();
        await others.AnswersAsync(20);
        await Eventually.Holds("thousands of streams", () => Volatile.Read(ref streams) > 5_000);
        await end.CancelAsync();
        await attacker;
        await others.AnswersAsync(5);
        await others.EndAsync($"rapid reset: {streams} streams on {connections} connections, {left} of which the service left");

        async Task AttackAsync()
        {
            var block = RawHttp2.Headers(AbusedServer.Evaluate);
            while (!end.IsCancellationRequested)
            {
                using var connection = await RawHttp2.ConnectAsync(server.GrpcUrl);
                var burst = new MemoryStream();
                var alive = true;
                for (var stream = 1; alive && stream < 40_000 && !end.IsCancellationRequested; stream += 2)
                {
                    burst.Write(RawHttp2.Frame(RawHttp2.HeadersType, RawHttp2.EndHeaders, stream, block));
                    burst.Write(RawHttp2.Frame(RawHttp2.Reset, 0, stream, Cancel));
                    if (stream % 200 == 1)
                    {
                        alive = await connection.TrySendAsync(burst.ToArray(), end.Token);
                        burst.SetLength(0);
                        Interlocked.Add(ref streams, 100);
                    }
                }

                connections++;
                left += connection.Leave is null ? 0 : 1;
            }
        }
    }

    [Fact]
    public async Task More_streams_than_a_connection_may_have_are_refused()
    {
        await using var others = new Bystander(server.Process);
        using var connection = await RawHttp2.ConnectAsync(server.GrpcUrl);
        var open = new MemoryStream();
        for (var stream = 1; stream < 300; stream += 2)
        {
            open.Write(RawHttp2.Frame(RawHttp2.HeadersType, RawHttp2.EndHeaders, stream, RawHttp2.Headers(AbusedServer.Evaluate)));
        }

        await connection.TrySendAsync(open.ToArray(), Cancellation);
        await Eventually.Holds("streams beyond the limit are refused", () => connection.Resets.Count(code => code == RefusedStream) >= 50);
        await others.AnswersAsync(5);
        await others.EndAsync($"150 streams at once: {connection.Resets.Count(code => code == RefusedStream)} refused");
    }

    [Theory]
    [InlineData(RawHttp2.Settings)]
    [InlineData(RawHttp2.Ping)]
    public async Task Frames_that_must_be_answered_are_no_burden_where_nobody_reads_the_answers(byte type)
    {
        await using var others = new Bystander(server.Process);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var sent = 0;
        var frame = RawHttp2.Frame(type, 0, 0, type == RawHttp2.Ping ? new byte[8] : []);
        var burst = Enumerable.Repeat(frame, 1_000).SelectMany(one => one).ToArray();
        var attackers = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            using var connection = await RawHttp2.ConnectAsync(server.GrpcUrl, reads: false);
            while (await connection.TrySendAsync(burst, end.Token))
            {
                Interlocked.Add(ref sent, 1_000);
            }
        })).ToArray();
        await Eventually.Holds("thousands of frames", () => Volatile.Read(ref sent) > 10_000);
        await others.AnswersAsync(50);
        await end.CancelAsync();
        await Task.WhenAll(attackers);
        await others.EndAsync($"frames of type {type} without reading: {sent} taken on 4 connections");
    }

    [Fact]
    public async Task A_block_of_headers_that_never_ends_ends_the_connection()
    {
        await using var others = new Bystander(server.Process);
        var (started, sent) = (TimeProvider.System.GetTimestamp(), 0);
        var empty = Enumerable.Repeat(RawHttp2.Frame(RawHttp2.Continuation, 0, 1, []), 1_000).SelectMany(one => one).ToArray();
        await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Run(async () =>
        {
            using var connection = await RawHttp2.ConnectAsync(server.GrpcUrl);
            await connection.TrySendAsync(RawHttp2.Frame(RawHttp2.HeadersType, 0, 1, RawHttp2.Headers(AbusedServer.Evaluate)), Cancellation);
            while (await connection.TrySendAsync(empty, Cancellation))
            {
                Interlocked.Add(ref sent, 1_000);
            }

            await connection.Closed.WaitAsync(TimeSpan.FromSeconds(60), TimeProvider.System, Cancellation);
        })));
        var took = TimeProvider.System.GetElapsedTime(started);
        await others.AnswersAsync(5);
        await others.EndAsync($"empty CONTINUATION frames: {sent} on 2 connections, which ended after {took.TotalSeconds:0.0} s");
        Assert.InRange(took, TimeSpan.Zero, 5 * Core.Limits.HeadersTime);
    }

    [Fact]
    public async Task Headers_of_64_KB_end_the_connection_or_the_stream()
    {
        await using var others = new Bystander(server.Process);
        using var connection = await RawHttp2.ConnectAsync(server.GrpcUrl);
        var block = RawHttp2.Headers(AbusedServer.Evaluate, [.. Enumerable.Range(0, 8).Select(number => ($"x-{number}", new string('a', 8 * 1024)))]);
        var parts = block.Chunk(16_000).ToArray();
        for (var part = 0; part < parts.Length; part++)
        {
            var flags = part == parts.Length - 1 ? RawHttp2.EndHeaders : (byte)0;
            await connection.TrySendAsync(RawHttp2.Frame(part == 0 ? RawHttp2.HeadersType : RawHttp2.Continuation, flags, 1, parts[part]), Cancellation);
        }

        await Eventually.Holds("the headers are refused", () => connection.Closed.IsCompleted || connection.Leave is not null || connection.Answers + connection.Resets.Count > 0);
        await others.AnswersAsync(5);
        await others.EndAsync($"64 KB headers over HTTP/2: GOAWAY {connection.Leave}, resets {connection.Resets.Count}, answers {connection.Answers}");
    }

    [Fact]
    public async Task Answers_that_nobody_takes_end_by_themselves()
    {
        await using var others = new Bystander(server.Process);
        var batch = new EvaluateBatchRequest();
        batch.Requests.AddRange(Enumerable.Range(0, 50).Select(_ => Ask.For(Ask.Unattested)));
        var message = batch.ToByteArray();
        var connections = new List<RawHttp2>();
        var started = TimeProvider.System.GetTimestamp();
        try
        {
            for (var number = 0; number < 10; number++)
            {
                // No window for answers: they are made, and wait.
                var connection = await RawHttp2.ConnectAsync(server.GrpcUrl, window: 0);
                connections.Add(connection);
                for (var stream = 1; stream < 40; stream += 2)
                {
                    await connection.TrySendAsync(RawHttp2.Call(stream, AbusedServer.Batch, message), Cancellation);
                }
            }

            foreach (var connection in connections)
            {
                await Eventually.Holds("the service has had enough", () => connection.Closed.IsCompleted || connection.Resets.Count == 20);
            }
        }
        finally
        {
            connections.ForEach(connection => connection.Dispose());
        }

        var took = TimeProvider.System.GetElapsedTime(started);
        await others.AnswersAsync(5);
        await others.EndAsync($"200 batches of 50 images whose answers have no window; all were ended after {took.TotalSeconds:0.0} s");
        Assert.InRange(took, TimeSpan.Zero, 5 * Core.Limits.RequestTime);
    }
}
