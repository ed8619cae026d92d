using PolicyService.Server.Storage;

namespace PolicyService.Server.Tests.Storage;

/// <summary>Who wrote what, and when; and the way back.</summary>
public sealed class HistoryTests
{
    public static TheoryData<string> Engines => TestStore.Engines;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Engines))]
    public async Task Every_write_leaves_who_when_and_what_and_so_does_a_deletion(string engine)
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(new DateTimeOffset(2026, 6, 1, 0, 0, 0, TimeSpan.Zero));
        await using var test = await TestStore.CreateAsync(engine, time);
        var (store, key) = (test.Store, Documents.Policy());

        var first = await DocumentTests.WrittenAsync(store.PutAsync(key, Documents.Fixed("ALWAYS_DENY"), "", "alice", Cancellation));
        time.Advance(TimeSpan.FromMinutes(1));
        var second = await DocumentTests.WrittenAsync(store.PutAsync(key, Documents.Fixed("ALWAYS_ALLOW"), first.Etag, "bob\0\n" + new string('b', 2000), Cancellation));
        await store.PutAsync(key, Documents.Fixed("ALWAYS_DENY"), first.Etag, "mallory", Cancellation);
        await store.DeleteAsync(key, "", "carol", Cancellation);

        var revisions = (await test.Another().HistoryAsync(key, 10, Cancellation)).Revisions;
        Assert.Equal([(null, second.Content), (second.Content, first.Content), (first.Content, null)], revisions.Select(one => (one.Content, one.Previous)));
        Assert.Equal(["carol", revisions[1].Author, "alice"], revisions.Select(one => one.Author));
        Assert.StartsWith("bob\\u0000\\u000abbb", revisions[1].Author, StringComparison.Ordinal);
        Assert.Equal([time.GetUtcNow(), time.GetUtcNow(), time.GetUtcNow().AddMinutes(-1)], revisions.Select(one => one.Time));
        Assert.Equal(["", second.Etag, first.Etag], revisions.Select(one => one.Etag));
        Assert.Equal(revisions[0], Assert.Single((await store.HistoryAsync(key, 1, Cancellation)).Revisions));
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Rollback_is_a_write_of_its_own(string engine)
    {
        await using var test = await TestStore.CreateAsync(engine);
        var (store, key) = (test.Store, Documents.Policy());
        var first = await DocumentTests.WrittenAsync(store.PutAsync(key, Documents.Fixed("ALWAYS_DENY"), "", "alice", Cancellation));
        await store.PutAsync(key, Documents.Fixed("ALWAYS_ALLOW"), "", "bob", Cancellation);
        await store.DeleteAsync(key, "", "bob", Cancellation);
        var numbers = (await store.HistoryAsync(key, 10, Cancellation)).Revisions.Select(one => one.Number).ToArray();

        var back = await DocumentTests.WrittenAsync(store.RollbackAsync(key, numbers[^1], "carol", Cancellation));
        Assert.Equal(first.Content, back.Content);
        Assert.NotEqual(first.Etag, back.Etag);
        Assert.Equal(new StoreOutcome.Deleted(key), await store.RollbackAsync(key, numbers[0], "carol", Cancellation));
        Assert.IsType<StoreOutcome.NotFound>(await store.RollbackAsync(key, 999_999, "carol", Cancellation));
        // A revision of another document is none of this one.
        Assert.IsType<StoreOutcome.NotFound>(await store.RollbackAsync(Documents.Policy("other"), numbers[^1], "carol", Cancellation));
        Assert.Equal(5, (await store.HistoryAsync(key, 10, Cancellation)).Revisions.Count);
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Rollback_to_what_no_longer_fits_is_refused(string engine)
    {
        await using var test = await TestStore.CreateAsync(engine);
        var (store, key) = (test.Store, Documents.Policy());
        await DocumentTests.WrittenAsync(store.CreateAsync(Documents.Attestor("build"), Documents.OnNote("build"), "alice", Cancellation));
        await DocumentTests.WrittenAsync(store.PutAsync(key, Documents.Requiring("projects/acme/attestors/build"), "", "alice", Cancellation));
        await DocumentTests.WrittenAsync(store.PutAsync(key, Documents.Fixed("ALWAYS_DENY"), "", "alice", Cancellation));
        await store.DeleteAsync(Documents.Attestor("build"), "", "alice", Cancellation);

        var number = (await store.HistoryAsync(key, 10, Cancellation)).Revisions[^1].Number;
        Assert.IsType<StoreOutcome.Invalid>(await store.RollbackAsync(key, number, "bob", Cancellation));
        Assert.Equal(2, (await store.HistoryAsync(key, 10, Cancellation)).Revisions.Count);
    }
}
