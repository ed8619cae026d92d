using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using PolicyService.Server.Audits;
using PolicyService.Server.Decisions;

namespace PolicyService.Server.Tests.Audits;

/// <summary>What becomes of records, and of those who wait for them, when the sink stands still.</summary>
public sealed class RecordWaitTests : IDisposable
{
    private const int Capacity = 8192;
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());
    private readonly TestSink _sink = new();

    [Fact]
    public async Task Caller_goes_on_upon_the_thread_pool_when_its_record_is_durable()
    {
        await using var server = await StartAsync();
        var log = server.Services.GetRequiredService<DecisionLog>();

        var isPool = await Task.Run(
            async () =>
            {
                await log.RecordAsync(new Note("n", isFact: false, isDurable: true), Soon, CancellationToken.None);
                return Thread.CurrentThread.IsThreadPoolThread;
            },
            TestContext.Current.CancellationToken);

        Assert.True(isPool);
        Assert.Contains("n", _sink.Lines);
        Assert.Equal(1, _sink.Durable);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Fact_is_written_though_its_caller_gave_up_and_a_decision_is_not(bool isFull)
    {
        await using var server = await StartAsync();
        var log = server.Services.GetRequiredService<DecisionLog>();
        await StandStillAsync(log);
        while (isFull && log.TryRecord(new Note("filling", isFact: false, isDurable: false)))
        {
        }

        var fact = log.RecordAsync(new Note("fact", isFact: true, isDurable: true), Soon, CancellationToken.None).AsTask();
        var decision = log.RecordAsync(new Note("decision", isFact: false, isDurable: true), Soon, CancellationToken.None).AsTask();
        Assert.False(fact.IsCompleted || decision.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(5));

        await Assert.ThrowsAsync<AuditUnavailableException>(() => fact);
        await Assert.ThrowsAsync<AuditUnavailableException>(() => decision);
        await Eventually.Holds("one was refused", async () => (await server.MetricsAsync()).Sum("policyservice_audit_records_total", "outcome=\"refused\"") == 1);
        _sink.Unblock();
        await Eventually.Holds("the fact is written", () => _sink.Lines.Contains("fact"));
        await log.RecordAsync(new Note("later", isFact: false, isDurable: true), Soon, CancellationToken.None);
        Assert.DoesNotContain("decision", _sink.Lines);
        Assert.Equal(isFull ? Capacity + 3 : 3, _sink.Lines.Count);
    }

    [Fact]
    public async Task Caller_that_goes_away_ends_its_wait_and_its_record()
    {
        await using var server = await StartAsync();
        var log = server.Services.GetRequiredService<DecisionLog>();
        await StandStillAsync(log);
        using var caller = new CancellationTokenSource();

        var waiting = log.RecordAsync(new Note("gone", isFact: false, isDurable: true), Soon, caller.Token).AsTask();
        await caller.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        _sink.Unblock();
        await log.RecordAsync(new Note("later", isFact: false, isDurable: true), Soon, CancellationToken.None);
        Assert.Equal(["first", "later"], _sink.Lines);
    }

    [Fact]
    public async Task Wait_whose_time_is_over_when_it_begins_ends_at_once()
    {
        await using var server = await StartAsync();
        var log = server.Services.GetRequiredService<DecisionLog>();
        await StandStillAsync(log);

        var waiting = log.RecordAsync(new Note("late", isFact: false, isDurable: true), new Deadline(_time.GetUtcNow(), TimeSpan.Zero), CancellationToken.None).AsTask();

        await Assert.ThrowsAsync<AuditUnavailableException>(() => waiting);
        _sink.Unblock();
    }

    [Fact]
    public async Task Nothing_is_taken_after_the_end()
    {
        await using var server = await StartAsync();
        var log = server.Services.GetRequiredService<DecisionLog>();
        await server.StopAsync();

        Assert.False(log.TryRecord(new Note("n", isFact: false, isDurable: false)));
        foreach (var isDurable in new[] { false, true })
        {
            await Assert.ThrowsAsync<AuditUnavailableException>(() => log.RecordAsync(new Note("n", isFact: false, isDurable), Soon, CancellationToken.None).AsTask());
        }

        await Assert.ThrowsAsync<AuditUnavailableException>(() => log.RecordAsync(new Note("n", isFact: true, isDurable: true), Soon, CancellationToken.None).AsTask());
        Assert.Single(server.Log.Lines, line => line.Contains("is lost", StringComparison.Ordinal));
        Assert.Empty(_sink.Lines);
    }

    [Fact]
    public void Those_who_wait_for_room_get_it_in_turn_and_the_refused_get_none()
    {
        var queue = new RecordQueue();
        while (queue.TryAdd(Entry("filling", null)))
        {
        }

        Assert.Equal(Capacity, queue.Count);
        var waiters = Enumerable.Range(0, 3).Select(_ => new RecordWaiter(isFact: false, _time.GetUtcNow(), CancellationToken.None)).ToArray();
        for (var index = 0; index < waiters.Length; index++)
        {
            Assert.True(queue.AddInTurn(Entry($"{index}", waiters[index])));
        }

        Assert.True(waiters[1].TryGiveUp());
        queue.DropRefused();
        var group = new RecordGroup();
        Assert.True(queue.Take(group));

        Assert.True(waiters[0].Task.IsCompletedSuccessfully);
        Assert.True(waiters[1].Task.IsFaulted);
        Assert.True(waiters[2].Task.IsCompletedSuccessfully);
        Assert.True(queue.TryAdd(Entry("newcomer", null)));
        Assert.Empty(queue.Close());
        var taken = new List<string>();
        while (queue.Count > 0)
        {
            group.Clear();
            queue.Take(group);
            taken.AddRange(group.Entries.Select(entry => ((Note)entry.Record).Text));
        }

        Assert.Equal(["0", "2", "newcomer"], taken.TakeLast(3));
        Assert.False(queue.Take(new RecordGroup()));
    }

    [Fact]
    public void Nobody_overtakes_those_who_wait_for_room()
    {
        var queue = new RecordQueue();
        while (queue.TryAdd(Entry(new string('x', 1_000_000), null)))
        {
        }

        Assert.InRange(queue.Count, 30, 40);
        var waiter = new RecordWaiter(isFact: false, _time.GetUtcNow(), CancellationToken.None);
        Assert.True(queue.AddInTurn(Entry(new string('x', 1_000_000), waiter)));

        Assert.False(queue.TryAdd(Entry("small enough", null)));
        Assert.Same(waiter, Assert.Single(queue.Close()).Waiter);
    }

    [Fact]
    public void Lines_are_bounded_in_number_and_size_and_taken_all_at_once()
    {
        var (queue, group) = (new RecordQueue(), new RecordGroup());
        for (var number = 0; number < Capacity; number++)
        {
            Assert.True(queue.TryAdd("{}\n"u8));
        }

        Assert.False(queue.TryAdd("{}\n"u8));
        Assert.True(queue.Take(group));
        Assert.Equal((Capacity, 3 * Capacity), (group.PlainCount, group.Lines.Written.Length));

        // What the writer has taken weighs until it is written.
        var large = new byte[RecordQueue.MaxWaitingWeight - group.PlainBytes];
        Assert.False(queue.TryAdd([.. large, 0]));
        Assert.True(queue.TryAdd(large));
        Assert.False(queue.TryAdd("\n"u8));
        Assert.Equal(1, queue.Count);
        queue.Close();
        Assert.False(queue.TryAdd("\n"u8));
    }

    public void Dispose() => _sink.Dispose();

    private Deadline Soon => Deadline.Of(_time.GetUtcNow(), null);

    private static RecordEntry Entry(string text, RecordWaiter? waiter) => new(new Note(text, false, false), false, waiter);

    /// <summary>From now on the writer is in the sink with its first group.</summary>
    private async Task StandStillAsync(DecisionLog log)
    {
        _sink.Block();
        Assert.True(log.TryRecord(new Note("first", isFact: false, isDurable: false)));
        await Eventually.Holds("the writer is in the sink", () => _sink.Entered == 1);
    }

    private async Task<TestServer> StartAsync()
    {
        using var signer = new Signer();
        return await TestServer.StartAsync(DocumentsFolder.Standard(signer), _time, _sink);
    }

    private sealed class Note(string text, bool isFact, bool isDurable) : IAuditRecord
    {
        public string Text => text;

        public bool IsFact => isFact;

        public bool MustBeDurable => isDurable;

        public int Weight => text.Length;

        public void WriteTo(RecordBuffer line) => line.Raw(System.Text.Encoding.UTF8.GetBytes(text));
    }
}
