using System.Text;
using PolicyService.Core;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Tests.Storage;

/// <summary>Occurrences of every kind, the same on both databases.</summary>
public sealed class OccurrenceTests
{
    private const string Note = "projects/acme/notes/build";

    /// <summary>What people try through names, filters and tokens.</summary>
    private static readonly string[] Hostile =
    [
        "'", "''; DROP TABLE occurrences; --", "x' OR '1'='1", "\0", "a\0b", "%", "_", "\\", "\ud800", "é", "ＡＣＭＥ", "..", "../x", "/", " ", "\n", "{0}", "$1", "@p0",
        new string('a', 10_240), "", "ACME", "acme ", "acme%00",
    ];

    /// <summary>Those of them that are names, of nothing so far.</summary>
    private static readonly string[] Names = ["_", "ACME"];

    public static TheoryData<string> Engines => TestStore.Engines;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Engines))]
    public async Task Identical_one_is_there_already_however_it_is_spelled(string engine)
    {
        await using var test = await WithNoteAsync(engine);
        var digest = Documents.Digest(1);
        var first = await DocumentTests.WrittenAsync(test.Store.CreateOccurrenceAsync("acme", Documents.Attestation(digest, signature: "-_8="), Cancellation));
        Assert.StartsWith("projects/acme/occurrences/", first.Key.Name, StringComparison.Ordinal);

        foreach (var same in new[]
        {
            Documents.Attestation(digest, signature: "-_8="),
            Documents.Attestation(digest, signature: "+/8="),
            Documents.Attestation(digest, signature: "+/8=", repository: "gcr.io/acme/api"),
            Documents.Attestation(digest, signature: "+/8=").Replace("{\"kind\"", "{\"createTime\": \"2020-01-01T00:00:00Z\", \"name\": \"x\", \"kind\"", StringComparison.Ordinal),
        })
        {
            Assert.Equal(new StoreOutcome.AlreadyExists(first.Key.Name), await test.Store.CreateOccurrenceAsync("acme", same, Cancellation));
        }

        foreach (var (project, other) in new[]
        {
            ("acme", Documents.Attestation(digest)), ("acme", Documents.Attestation(Documents.Digest(2), signature: "+/8=")), ("other", Documents.Attestation(digest, signature: "+/8=")),
            ("acme", Documents.Attestation(digest, signature: "+/8=", repository: "gcr.io/acme/web")),
        })
        {
            await DocumentTests.WrittenAsync(test.Store.CreateOccurrenceAsync(project, other, Cancellation));
        }

        Assert.Equal(new StoreOutcome.Deleted(first.Key), await test.Store.DeleteOccurrenceAsync(first.Key, Cancellation));
        Assert.Equal(new StoreOutcome.NotFound(first.Key.Name), await test.Store.DeleteOccurrenceAsync(first.Key, Cancellation));
        await DocumentTests.WrittenAsync(test.Store.CreateOccurrenceAsync("acme", Documents.Attestation(digest, signature: "-_8="), Cancellation));
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Filters_take_kind_digest_and_resource(string engine)
    {
        await using var test = await WithNoteAsync(engine);
        var store = test.Store;
        var (one, two) = (Documents.Digest(1), Documents.Digest(2));
        await DocumentTests.WrittenAsync(store.CreateOccurrenceAsync("acme", Documents.Attestation(one), Cancellation));
        await DocumentTests.WrittenAsync(store.CreateOccurrenceAsync("acme", Documents.Attestation(two), Cancellation));
        await DocumentTests.WrittenAsync(store.CreateOccurrenceAsync("other", Documents.Attestation(one, repository: "a.test/x"), Cancellation));
        foreach (var kind in new[] { "VULNERABILITY", "BUILD", "DISCOVERY", "SBOM_REFERENCE" })
        {
            var occurrence = $$"""{"kind": "{{kind}}", "noteName": "{{Note}}", "resourceUri": "https://gcr.io/acme/api@{{one}}", "{{kind.ToLowerInvariant()}}": {"x": 1.50} }""";
            var written = await DocumentTests.WrittenAsync(store.CreateOccurrenceAsync("acme", occurrence, Cancellation));
            Assert.Contains("1.50", written.Content, StringComparison.Ordinal);
            Assert.IsType<StoreOutcome.AlreadyExists>(await store.CreateOccurrenceAsync("acme", occurrence, Cancellation));
        }

        Assert.True(Digest.TryParse(one, out var digest));
        Assert.True(NoteName.TryParse(Note, out var note));
        Assert.Equal(6, await CountAsync(store, new OccurrenceQuery("acme", null)));
        Assert.Equal(5, await CountAsync(store, new OccurrenceQuery("acme", null) { Digest = digest }));
        Assert.Equal(1, await CountAsync(store, new OccurrenceQuery("acme", null) { Digest = digest, Kind = "ATTESTATION" }));
        Assert.Equal(1, await CountAsync(store, new OccurrenceQuery("acme", null) { Kind = "BUILD" }));
        Assert.Equal(0, await CountAsync(store, new OccurrenceQuery("acme", null) { Kind = "build" }));
        Assert.Equal(5, await CountAsync(store, new OccurrenceQuery("acme", null) { ResourceUri = $"gcr.io/acme/api@{one}" }));
        Assert.Equal(5, await CountAsync(store, new OccurrenceQuery("acme", null) { ResourceUri = $"https://gcr.io/acme/api@{one}" }));
        Assert.Equal(0, await CountAsync(store, new OccurrenceQuery("acme", null) { ResourceUri = "gcr.io/acme/api" }));
        Assert.Equal(7, await CountAsync(store, new OccurrenceQuery("", note)));
        Assert.Equal(3, await CountAsync(store, new OccurrenceQuery("", note) { Kind = "ATTESTATION" }));
        Assert.Equal(6, await CountAsync(store, new OccurrenceQuery("", note) { Digest = digest }));
        Assert.Equal(0, await CountAsync(store, new OccurrenceQuery("other", null) { Kind = "BUILD" }));
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Pages_are_stable_while_others_write(string engine)
    {
        await using var test = await WithNoteAsync(engine);
        foreach (var number in Enumerable.Range(0, 20))
        {
            await DocumentTests.WrittenAsync(test.Store.CreateOccurrenceAsync("acme", Documents.Attestation(Documents.Digest(number)), Cancellation));
        }

        var (listed, token, later) = (new List<string>(), "", 100);
        do
        {
            var page = Assert.IsType<StoreOutcome.Page>(await test.Store.ListOccurrencesAsync(new OccurrenceQuery("acme", null), 7, token, Cancellation));
            listed.AddRange(page.Documents.Select(document => document.Key.Name));
            token = page.NextPageToken;
            if (later < 103)
            {
                await DocumentTests.WrittenAsync(test.Another().CreateOccurrenceAsync("acme", Documents.Attestation(Documents.Digest(later++)), Cancellation));
            }
        }
        while (token.Length > 0);

        Assert.Equal(23, listed.Distinct().Count());
        Assert.Equal(23, listed.Count);
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Malformed_one_is_refused_by_field_and_not_stored(string engine)
    {
        await using var test = await WithNoteAsync(engine);
        var good = Documents.Attestation(Documents.Digest(1));
        foreach (var (field, json) in new[]
        {
            ("", "[]"), ("", "{"), ("kind", good.Replace("ATTESTATION", "attestation", StringComparison.Ordinal)), ("kind", good.Replace("ATTESTATION", "NOTE_KIND_UNSPECIFIED", StringComparison.Ordinal)),
            ("kind", good.Replace("\"ATTESTATION\"", "5", StringComparison.Ordinal)), ("noteName", good.Replace(Note, "projects/acme/notes/a/b", StringComparison.Ordinal)),
            ("noteName", good.Replace("noteName", "noteNames", StringComparison.Ordinal)), ("resourceUri", good.Replace("resourceUri", "resourceUrl", StringComparison.Ordinal)),
            ("resourceUri", good.Replace("gcr.io", "gcr.io\\u0000", StringComparison.Ordinal)), ("resourceUri", good.Replace("gcr.io", new string('g', 1100), StringComparison.Ordinal)),
            ("attestation", good.Replace("\"AAAA\"", "\"!\"", StringComparison.Ordinal)), ("attestation", good.Replace("sha256:", "tag:", StringComparison.Ordinal)),
            ("attestation", good.Replace("signatures", "signature", StringComparison.Ordinal)),
        })
        {
            var refused = Assert.IsType<StoreOutcome.Invalid>(await test.Store.CreateOccurrenceAsync("acme", json, Cancellation));
            Assert.True(refused.Field == field, $"{json}: {refused}");
        }

        Assert.Equal(0, await CountAsync(test.Store, new OccurrenceQuery("acme", null)));
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Hostile_text_in_names_filters_and_tokens_finds_nothing_and_changes_nothing(string engine)
    {
        await using var test = await WithNoteAsync(engine);
        var store = test.Store;
        await DocumentTests.WrittenAsync(store.CreateOccurrenceAsync("acme", Documents.Attestation(Documents.Digest(1)), Cancellation));
        var before = await store.GenerationAsync(Cancellation);
        foreach (var text in Hostile)
        {
            foreach (var kind in Enum.GetValues<StoredKind>())
            {
                foreach (var name in new[] { text, $"projects/{text}/policy", $"projects/acme/attestors/{text}", $"projects/acme/notes/{text}", $"projects/acme/occurrences/{text}", $"projects/{text}/platforms/gke/policies/{text}" })
                {
                    // Names of letters are names; nothing has them.
                    if (DocumentKey.TryParse(kind, name, out var key))
                    {
                        Assert.Contains(text, Names);
                        Assert.IsType<StoreOutcome.NotFound>(await store.GetAsync(key, Cancellation));
                    }
                }
            }

            Assert.Empty(Assert.IsType<StoreOutcome.Page>(await store.ListAsync(StoredKind.Note, $"projects/{text}", 10, "", Cancellation)).Documents);
            Assert.Equal(0, await CountAsync(store, new OccurrenceQuery(text, null)));
            Assert.Equal(0, await CountAsync(store, new OccurrenceQuery("acme", null) { Kind = text }));
            Assert.Equal(0, await CountAsync(store, new OccurrenceQuery("acme", null) { ResourceUri = text }));
            Assert.True(text.Length == 0 || await store.ListOccurrencesAsync(new OccurrenceQuery("acme", null), 10, text, Cancellation) is StoreOutcome.Invalid, text);
            Assert.True(Names.Contains(text) || await store.CreateOccurrenceAsync(text, Documents.Attestation(Documents.Digest(1)), Cancellation) is StoreOutcome.Invalid, text);
        }

        Assert.Equal(1, await CountAsync(store, new OccurrenceQuery("acme", null)));
        Assert.Equal(before, await store.GenerationAsync(Cancellation));
    }

    [Theory, MemberData(nameof(Engines)), Trait("attack", "96")]
    public async Task Page_has_no_more_bytes_than_it_may_and_the_list_goes_on(string engine)
    {
        await using var test = await WithNoteAsync(engine);
        var overhead = Encoding.UTF8.GetByteCount((await AddAsync("prob", 0)).Content);
        const int Half = Limits.PageBytes / 2;
        foreach (var bytes in new[] { Half, Half, Half + 1, Half, Limits.PageBytes * 2, Half })
        {
            Assert.Equal(bytes, Encoding.UTF8.GetByteCount((await AddAsync("acme", bytes - overhead)).Content));
        }

        var (counts, token) = (new List<int>(), "");
        do
        {
            var page = Assert.IsType<StoreOutcome.Page>(await test.Store.ListOccurrencesAsync(new OccurrenceQuery("acme", null), 0, token, Cancellation));
            counts.Add(page.Documents.Count);
            token = page.NextPageToken;
        }
        while (token.Length > 0);
        Assert.Equal([2, 1, 1, 1, 1], counts);

        Task<StoredDocument> AddAsync(string project, int length) => DocumentTests.WrittenAsync(test.Store.CreateOccurrenceAsync(
            project, $$$"""{"kind": "BUILD", "noteName": "{{{Note}}}", "resourceUri": "r", "build": {"x": "{{{new string('x', length)}}}", "n": "{{{Guid.NewGuid()}}}"}}""", Cancellation));
    }

    internal static async Task<TestStore> WithNoteAsync(string engine)
    {
        var test = await TestStore.CreateAsync(engine);
        await DocumentTests.WrittenAsync(test.Store.CreateAsync(DocumentKey.Of(StoredKind.Note, Note), "{}", Documents.Author, Cancellation));
        return test;
    }

    private static async Task<int> CountAsync(DocumentStore store, OccurrenceQuery query) =>
        Assert.IsType<StoreOutcome.Page>(await store.ListOccurrencesAsync(query, 0, "", Cancellation)).Documents.Count;
}
