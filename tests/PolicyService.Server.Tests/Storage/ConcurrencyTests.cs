using PolicyService.Server.Storage;

namespace PolicyService.Server.Tests.Storage;

/// <summary>Many writers, as many replicas are: each over connections of its own.</summary>
public sealed class ConcurrencyTests
{
    private const int Writers = 10;

    public static TheoryData<string> Engines => TestStore.Engines;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Engines)), Trait("attack", "95")]
    public async Task One_of_ten_writers_with_one_etag_wins(string engine)
    {
        await using var test = await TestStore.CreateAsync(engine);
        var stores = Enumerable.Range(0, Writers).Select(_ => test.Another()).ToArray();
        var etag = (await DocumentTests.WrittenAsync(test.Store.PutAsync(Documents.Policy(), Documents.Fixed("ALWAYS_DENY"), "", "first", Cancellation))).Etag;
        for (var round = 0; round < 5; round++)
        {
            var outcomes = await Task.WhenAll(stores.Select((store, index) => Task.Run(
                () => store.PutAsync(Documents.Policy(), Documents.Fixed("ALWAYS_DENY", $"{index}"), etag, $"writer {index}", Cancellation), Cancellation)));

            var winner = Assert.IsType<StoreOutcome.Written>(Assert.Single(outcomes, outcome => outcome is StoreOutcome.Written)).Document;
            Assert.Equal(Writers - 1, outcomes.Count(outcome => outcome is StoreOutcome.Conflict));
            Assert.Equal(new StoreOutcome.Found(winner), await test.Store.GetAsync(Documents.Policy(), Cancellation));
            etag = winner.Etag;
        }

        Assert.Equal(6, (await test.Store.HistoryAsync(Documents.Policy(), 100, Cancellation)).Revisions.Count);
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task One_of_ten_creators_wins_and_one_of_ten_identical_occurrences_is_new(string engine)
    {
        await using var test = await OccurrenceTests.WithNoteAsync(engine);
        var stores = Enumerable.Range(0, Writers).Select(_ => test.Another()).ToArray();

        var created = await Task.WhenAll(stores.Select(store => Task.Run(
            () => store.CreateAsync(Documents.Attestor("build"), Documents.OnNote("build"), "x", Cancellation), Cancellation)));
        var attested = await Task.WhenAll(stores.Select(store => Task.Run(
            () => store.CreateOccurrenceAsync("acme", Documents.Attestation(Documents.Digest(1)), Cancellation), Cancellation)));

        Assert.Single(created, outcome => outcome is StoreOutcome.Written);
        Assert.Equal(Writers - 1, created.Count(outcome => outcome is StoreOutcome.AlreadyExists));
        var name = Assert.IsType<StoreOutcome.Written>(Assert.Single(attested, outcome => outcome is StoreOutcome.Written)).Document.Key.Name;
        Assert.Equal(Writers - 1, attested.Count(outcome => outcome == new StoreOutcome.AlreadyExists(name)));
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Every_write_raises_the_generation_and_whoever_sees_it_sees_the_write(string engine)
    {
        const int Each = 20;
        await using var test = await TestStore.CreateAsync(engine);
        var start = await test.Store.GenerationAsync(Cancellation);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var reader = test.Another();
        var reading = Task.Run(
            async () =>
            {
                var (readings, stamps) = (0, new Dictionary<long, string>());
                while (!ending.IsCancellationRequested)
                {
                    // Each write made one document: so many as the generation moved are there, neither more nor fewer.
                    var read = await reader.ReadDocumentsAsync(DocumentStore.SnapshotKinds, new Dictionary<DocumentKey, string>(), Cancellation);
                    Assert.Equal(read.Generation.Value - start.Value, read.Changed.Count);
                    Assert.True(stamps.TryAdd(read.Generation.Value, read.Generation.Stamp) || stamps[read.Generation.Value] == read.Generation.Stamp);
                    readings++;
                }

                return readings;
            },
            Cancellation);
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(
            async () =>
            {
                var store = test.Another();
                for (var turn = 0; turn < Each; turn++)
                {
                    await DocumentTests.WrittenAsync(store.CreateAsync(Documents.Attestor($"a{writer}-{turn}"), Documents.OnNote("build"), "x", Cancellation));
                }
            },
            Cancellation)));

        await ending.CancelAsync();
        Assert.True(await reading > 0);
        Assert.Equal(start.Value + (Writers * Each), (await test.Store.GenerationAsync(Cancellation)).Value);
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Ten_starts_at_once_on_an_empty_database_make_one_schema(string engine)
    {
        await using var test = TestStore.Empty(engine);
        var stores = Enumerable.Range(0, Writers).Select(_ => test.Another()).ToArray();

        await Task.WhenAll(stores.Select(store => Task.Run(() => store.MigrateAsync(Cancellation), Cancellation)));

        Assert.Equal(1, (await test.Store.GenerationAsync(Cancellation)).Value);
        await DocumentTests.WrittenAsync(stores[3].PutAsync(Documents.Policy(), Documents.Fixed("ALWAYS_DENY"), "", "x", Cancellation));
        Assert.IsType<StoreOutcome.Found>(await stores[7].GetAsync(Documents.Policy(), Cancellation));
    }
}
