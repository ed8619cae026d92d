using PolicyService.Server.Storage;

namespace PolicyService.Server.Tests.Storage;

/// <summary>Writes and reads of documents, the same on both databases.</summary>
public sealed class DocumentTests
{
    public static TheoryData<string> Engines => TestStore.Engines;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Engines))]
    public async Task Document_lives_from_its_creation_to_its_deletion(string engine)
    {
        await using var test = await TestStore.CreateAsync(engine);
        var (store, key) = (test.Store, Documents.Attestor("build"));
        Assert.Equal(new StoreOutcome.NotFound(key.Name), await store.GetAsync(key, Cancellation));

        var created = await WrittenAsync(store.CreateAsync(key, Documents.OnNote("build"), Documents.Author, Cancellation));
        Assert.Equal(new StoreOutcome.AlreadyExists(key.Name), await store.CreateAsync(key, Documents.OnNote("build"), Documents.Author, Cancellation));
        Assert.Equal(new StoreOutcome.Found(created), await store.GetAsync(key, Cancellation));
        Assert.Equal($$"""{"name":"{{key.Name}}",{{Documents.OnNote("build").Replace(" ", "", StringComparison.Ordinal)[1..]}}""", created.Content);

        var updated = await WrittenAsync(store.UpdateAsync(key, """{"description": "b", "userOwnedGrafeasNote": {"noteReference": "projects/acme/notes/build"}}""", created.Etag, Documents.Author, Cancellation));
        Assert.NotEqual(created.Etag, updated.Etag);
        Assert.Equal(created.CreateTime, updated.CreateTime);
        Assert.Equal(new StoreOutcome.Conflict(key.Name), await store.UpdateAsync(key, Documents.OnNote("build"), created.Etag, Documents.Author, Cancellation));
        Assert.Equal(new StoreOutcome.Conflict(key.Name), await store.DeleteAsync(key, created.Etag, Documents.Author, Cancellation));
        Assert.Equal(new StoreOutcome.Found(updated), await test.Another().GetAsync(key, Cancellation));

        Assert.Equal(new StoreOutcome.Deleted(key), await store.DeleteAsync(key, updated.Etag, Documents.Author, Cancellation));
        Assert.Equal(new StoreOutcome.NotFound(key.Name), await store.DeleteAsync(key, "", Documents.Author, Cancellation));
        Assert.Equal(new StoreOutcome.NotFound(key.Name), await store.UpdateAsync(key, Documents.OnNote("build"), "", Documents.Author, Cancellation));
        Assert.Equal(new StoreOutcome.NotFound(key.Name), await store.GetAsync(key, Cancellation));
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Put_overwrites_without_an_etag_and_conflicts_with_another(string engine)
    {
        await using var test = await TestStore.CreateAsync(engine);
        var (store, key) = (test.Store, Documents.Policy());

        Assert.Equal(new StoreOutcome.Conflict(key.Name), await store.PutAsync(key, Documents.Fixed("ALWAYS_DENY"), "00", Documents.Author, Cancellation));
        var first = await WrittenAsync(store.PutAsync(key, Documents.Fixed("ALWAYS_DENY"), DocumentStore.NoEtag, Documents.Author, Cancellation));
        Assert.Equal(new StoreOutcome.Conflict(key.Name), await store.PutAsync(key, Documents.Fixed("ALWAYS_DENY"), DocumentStore.NoEtag, Documents.Author, Cancellation));
        var same = await WrittenAsync(store.PutAsync(key, Documents.Fixed("ALWAYS_DENY"), "", Documents.Author, Cancellation));

        // A new etag at every write, also of the same content.
        Assert.NotEqual(first.Etag, same.Etag);
        Assert.Equal(first.Content, same.Content);
        Assert.Matches("^[0-9a-f]{16}$", same.Etag);
        Assert.Equal(same.Etag, Convert.ToBase64String(Convert.FromBase64String(same.Etag)));
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task What_the_store_keeps_itself_is_ignored_and_everything_else_passes_unchanged(string engine)
    {
        await using var test = await TestStore.CreateAsync(engine);
        var key = Documents.Note("build");

        var written = await WrittenAsync(test.Store.CreateAsync(
            key,
            """{"etag": "x", "name": "projects/evil/notes/other", "createTime": "1999-01-01T00:00:00Z", "big": 12345678901234567890.10e-5, "text": "\u0000é<'\ud83d\ude00", "list": [1, {"etag": "kept"}], "updateTime": 1}""",
            Documents.Author,
            Cancellation));

        var expected = $$"""{"name":"{{key.Name}}","big":12345678901234567890.10e-5,"text":"\u0000é<'\uD83D\uDE00","list":[1,{"etag":"kept"}]}""";
        var found = Assert.IsType<StoreOutcome.Found>(await test.Another().GetAsync(key, Cancellation));
        Assert.Equal(written, found.Document);
        Assert.Equal(expected, found.Document.Content);
        Assert.EndsWith($$""","createTime":"{{Rfc3339.Write(written.CreateTime)}}","updateTime":"{{Rfc3339.Write(written.UpdateTime)}}"}""", written.ToJson(), StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Reference_that_leads_nowhere_is_refused_and_nothing_is_stored(string engine)
    {
        await using var test = await TestStore.CreateAsync(engine);
        var store = test.Store;
        var before = await store.GenerationAsync(Cancellation);

        var refused = Assert.IsType<StoreOutcome.Invalid>(
            await store.PutAsync(Documents.Policy(), Documents.Requiring("projects/acme/attestors/build"), "", Documents.Author, Cancellation));
        Assert.Equal("requireAttestationsBy", refused.Field);
        Assert.Contains("projects/acme/attestors/build does not exist", refused.Problem, StringComparison.Ordinal);
        Assert.Equal(
            new StoreOutcome.NotFound("projects/acme/attestors/build"), await store.PutAsync(Documents.Iam("build"), """{"bindings": []}""", "", Documents.Author, Cancellation));
        Assert.Equal(
            new StoreOutcome.NotFound("projects/acme/notes/build"), await store.CreateOccurrenceAsync("acme", Documents.Attestation(Documents.Digest(1)), Cancellation));

        Assert.Equal(before, await store.GenerationAsync(Cancellation));
        Assert.IsType<StoreOutcome.NotFound>(await store.GetAsync(Documents.Policy(), Cancellation));
        Assert.Empty((await store.HistoryAsync(Documents.Policy(), 10, Cancellation)).Revisions);
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Attestor_keeps_its_note_and_takes_its_grants_along(string engine)
    {
        await using var test = await TestStore.CreateAsync(engine);
        var (store, key) = (test.Store, Documents.Attestor("build"));
        await WrittenAsync(store.CreateAsync(key, Documents.OnNote("build"), Documents.Author, Cancellation));
        await WrittenAsync(store.PutAsync(Documents.Iam("build"), """{"bindings": [{"role": "owner"}]}""", "", Documents.Author, Cancellation));

        var refused = Assert.IsType<StoreOutcome.Invalid>(await store.UpdateAsync(key, Documents.OnNote("other"), "", Documents.Author, Cancellation));
        Assert.Equal("noteReference", refused.Field);

        Assert.IsType<StoreOutcome.Deleted>(await store.DeleteAsync(key, "", Documents.Author, Cancellation));
        await WrittenAsync(store.CreateAsync(key, Documents.OnNote("other"), Documents.Author, Cancellation));
        Assert.IsType<StoreOutcome.NotFound>(await store.GetAsync(Documents.Iam("build"), Cancellation));
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Document_a_snapshot_would_refuse_is_refused(string engine)
    {
        await using var test = await TestStore.CreateAsync(engine);
        foreach (var json in new[]
        {
            "", "null", "[]", "\"policy\"", "{", """{"defaultAdmissionRule": {}}""", Documents.Fixed("ALWAYS_MAYBE"), """{"a": 1, "a": 2}""", """{"name": "\ud800"}""", "{}\ud800",
            Documents.Fixed("ALWAYS_ALLOW").Replace("\"description\"", "\"unknown\"", StringComparison.Ordinal), new string('[', 100), $$"""{"x": "{{new string('x', 4 * 1024 * 1024)}}"}""",
        })
        {
            Assert.IsType<StoreOutcome.Invalid>(await test.Store.PutAsync(Documents.Policy(), json, "", Documents.Author, Cancellation));
        }

        test.Store.IsElsewhere = project => project == "acme";
        Assert.Equal("name", Assert.IsType<StoreOutcome.Invalid>(await test.Store.PutAsync(Documents.Policy(), Documents.Fixed("ALWAYS_DENY"), "", Documents.Author, Cancellation)).Field);
        Assert.Equal(1, (await test.Store.GenerationAsync(Cancellation)).Value);
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task List_goes_by_name_in_pages_that_show_nothing_twice(string engine)
    {
        await using var test = await TestStore.CreateAsync(engine);
        var store = test.Store;
        string[] ids = ["a", "B", "a-b", "a.b", "a_b", "z", "Z", "0"];
        foreach (var id in ids)
        {
            await WrittenAsync(store.CreateAsync(Documents.Attestor(id), Documents.OnNote(id), Documents.Author, Cancellation));
        }

        await WrittenAsync(store.CreateAsync(Documents.Attestor("a", "acme2"), Documents.OnNote("x"), Documents.Author, Cancellation));
        var (listed, token) = (new List<string>(), "");
        do
        {
            var page = Assert.IsType<StoreOutcome.Page>(await store.ListAsync(StoredKind.Attestor, "projects/acme", 3, token, Cancellation));
            Assert.InRange(page.Documents.Count, 1, 3);
            listed.AddRange(page.Documents.Select(document => document.Key.LastPart));
            token = page.NextPageToken;
            if (listed.Count == 3)
            {
                // Written while somebody lists: before the place, and behind it.
                await WrittenAsync(store.CreateAsync(Documents.Attestor("00"), Documents.OnNote("x"), Documents.Author, Cancellation));
                await WrittenAsync(store.CreateAsync(Documents.Attestor("zz"), Documents.OnNote("x"), Documents.Author, Cancellation));
            }
        }
        while (token.Length > 0);

        Assert.Equal(["0", "B", "Z", "a", "a-b", "a.b", "a_b", "z", "zz"], listed);
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Token_of_another_list_or_of_nobody_is_refused(string engine)
    {
        await using var test = await TestStore.CreateAsync(engine);
        foreach (var id in new[] { "a", "b" })
        {
            await WrittenAsync(test.Store.CreateAsync(Documents.Attestor(id), Documents.OnNote(id), Documents.Author, Cancellation));
        }

        var token = Assert.IsType<StoreOutcome.Page>(await test.Store.ListAsync(StoredKind.Attestor, "projects/acme", 1, "", Cancellation)).NextPageToken;
        Assert.NotEmpty(token);
        Assert.Equal("b", Assert.Single(Assert.IsType<StoreOutcome.Page>(await test.Store.ListAsync(StoredKind.Attestor, "projects/acme", 1, token, Cancellation)).Documents).Key.LastPart);

        foreach (var bad in new[] { "x", "!", token[..^1], token + "A", token.ToUpperInvariant(), "' OR 1=1 --", "\0", "%", new string('A', 10_000), "é" })
        {
            Assert.Equal("pageToken", Assert.IsType<StoreOutcome.Invalid>(await test.Store.ListAsync(StoredKind.Attestor, "projects/acme", 1, bad, Cancellation)).Field);
        }

        Assert.IsType<StoreOutcome.Invalid>(await test.Store.ListAsync(StoredKind.Attestor, "projects/other", 1, token, Cancellation));
        Assert.IsType<StoreOutcome.Invalid>(await test.Store.ListAsync(StoredKind.Note, "projects/acme", 1, token, Cancellation));
        Assert.IsType<StoreOutcome.Invalid>(await test.Store.ListOccurrencesAsync(new OccurrenceQuery("acme", null), 1, token, Cancellation));
    }

    internal static async Task<StoredDocument> WrittenAsync(Task<StoreOutcome> writing) => Assert.IsType<StoreOutcome.Written>(await writing).Document;
}
