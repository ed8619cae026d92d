using Microsoft.Extensions.DependencyInjection;
using PolicyService.Api.V1;
using PolicyService.Core;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Tests.Storage;

/// <summary>Attestations in the store decide, within its limits and beside a directory.</summary>
public sealed class EvidenceTests : IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(5);

    private readonly Signer _signer = new();

    public static TheoryData<string> Engines => TestStore.Engines;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Engines)), Trait("attack", "93")]
    public async Task Every_change_counts_within_the_bound(string engine)
    {
        await using var test = await TestStore.CreateAsync(engine);
        await using var server = await TestServer.StartAsync(new DocumentsFolder(), more: test.Arguments);
        // Another replica writes.
        var store = test.Another();
        Assert.Equal(ReasonCode.NoPolicy, (await server.AskAsync(Ask.For(Ask.Attested))).Reasons[0].Code);

        await FillAsync(store);
        await CountsAsync(engine, "policy", server, answer => answer.Reasons[0].Detail == "NO_ATTESTATION");
        var attested = await DocumentTests.WrittenAsync(store.CreateOccurrenceAsync("pipelines", _signer.Occurrence(Ask.Attested), Cancellation));
        await CountsAsync(engine, "attestation added", server, answer => answer.Verdict == Verdict.Allow);
        await store.DeleteOccurrenceAsync(attested.Key, Cancellation);
        await CountsAsync(engine, "attestation deleted", server, answer => answer.Verdict == Verdict.Deny);
        await DocumentTests.WrittenAsync(store.CreateOccurrenceAsync("pipelines", _signer.Occurrence(Ask.Attested), Cancellation));
        await CountsAsync(engine, "attestation again", server, answer => answer.Verdict == Verdict.Allow);
        await DocumentTests.WrittenAsync(store.UpdateAsync(Documents.Attestor("build"), _signer.Document(withKey: false), "", "x", Cancellation));
        await CountsAsync(engine, "key removed", server, answer => answer.Reasons[0].Detail == "NO_KEYS");
        await DocumentTests.WrittenAsync(store.UpdateAsync(Documents.Attestor("build"), _signer.Document(), "", "x", Cancellation));
        var digest = Ask.Attested[(Ask.Attested.IndexOf('@') + 1)..];
        await DocumentTests.WrittenAsync(store.PutAsync(Documents.Options(), $$"""{"revocations": [{"digest": "{{digest}}", "reason": "r", "author": "a"}]}""", "", "x", Cancellation));
        await CountsAsync(engine, "revocation", server, answer => answer.Reasons[0].Code == ReasonCode.Revoked);
        await store.DeleteAsync(Documents.Options(), "", "x", Cancellation);
        await CountsAsync(engine, "revocation's end", server, answer => answer.Verdict == Verdict.Allow);
        await store.DeleteAsync(Documents.Attestor("build"), "", "x", Cancellation);
        await CountsAsync(engine, "attestor deleted", server, answer => answer.Reasons[0].Code == ReasonCode.PolicyConfigError);

        // What the answer names is the etag of the store.
        var policy = Assert.IsType<StoreOutcome.Found>(await store.GetAsync(Documents.Policy(), Cancellation)).Document;
        Assert.Equal(policy.Etag, (await server.AskAsync(Ask.For(Ask.Attested))).PolicyEtag);
    }

    [Theory, MemberData(nameof(Engines)), Trait("attack", "76"), Trait("attack", "45")]
    public async Task Beyond_the_limit_lies_an_error_and_never_none(string engine)
    {
        await using var test = await TestStore.CreateAsync(engine);
        await FillAsync(test.Store);
        await DocumentTests.WrittenAsync(test.Store.CreateOccurrenceAsync("acme", _signer.Occurrence(Ask.Attested), Cancellation));
        await DocumentTests.WrittenAsync(test.Store.CreateAsync(Documents.Note("other"), "{}", "x", Cancellation));
        var digest = Ask.Attested[(Ask.Attested.IndexOf('@') + 1)..];
        await FloodAsync(test, "projects/acme/notes/other", digest);
        await using var server = await TestServer.StartAsync(new DocumentsFolder(), more: test.Arguments);

        // What lies under another note hides nothing, however much it is.
        Assert.Equal(Verdict.Allow, (await server.AskAsync(Ask.For(Ask.Attested))).Verdict);

        await FloodAsync(test, "projects/acme/notes/build", digest);
        await Eventually.Holds("the flood is seen", async () => (await server.AskAsync(Ask.For(Ask.Attested))).Verdict == Verdict.Deny);
        var answer = await server.AskAsync(Ask.For(Ask.Attested));
        Assert.Equal((Conformance.Error, ReasonCode.EvidenceLimit, "OCCURRENCES_PER_DIGEST"), (answer.Conformance, answer.Reasons[0].Code, answer.Reasons[0].Detail));

        // The newest is within the limit.
        await DocumentTests.WrittenAsync(test.Store.CreateOccurrenceAsync("newest", _signer.Occurrence(Ask.Attested), Cancellation));
        await Eventually.Holds("the newest counts", async () => (await server.AskAsync(Ask.For(Ask.Attested))).Verdict == Verdict.Allow);
    }

    [Fact]
    public async Task Directory_and_store_serve_a_project_each_and_attestations_count_by_their_note()
    {
        await using var test = await TestStore.CreateAsync(TestStore.Sqlite);
        var folder = DocumentsFolder.Standard(_signer);
        folder.Delete("attestations/api.json");
        await using var server = await TestServer.StartAsync(folder, more: test.Arguments);
        var store = server.Services.GetRequiredService<DocumentStore>();

        Assert.IsType<StoreOutcome.Invalid>(await store.PutAsync(Documents.Policy(), Documents.Fixed("ALWAYS_ALLOW"), "", "x", Cancellation));
        await DocumentTests.WrittenAsync(store.PutAsync(Documents.Policy("second"), Documents.Fixed("ALWAYS_ALLOW"), "", "x", Cancellation));
        await Eventually.Holds("the store's project decides", async () => (await server.AskAsync(In("second"))).Verdict == Verdict.Allow);
        Assert.Equal(Verdict.Deny, (await server.AskAsync(In("acme"))).Verdict);

        await DocumentTests.WrittenAsync(store.CreateAsync(Documents.Note("build"), "{}", "x", Cancellation));
        await DocumentTests.WrittenAsync(store.CreateOccurrenceAsync("pipelines", _signer.Occurrence(Ask.Attested), Cancellation));
        await Eventually.Holds("the attestation in the store counts", async () => (await server.AskAsync(In("acme"))).Verdict == Verdict.Allow);
    }

    [Fact]
    public async Task Project_in_both_has_no_policy_and_stays_known()
    {
        await using var test = await TestStore.CreateAsync(TestStore.Sqlite);
        await DocumentTests.WrittenAsync(test.Store.PutAsync(Documents.Policy(), Documents.Fixed("ALWAYS_ALLOW"), "", "x", Cancellation));
        await DocumentTests.WrittenAsync(test.Store.PutAsync(Documents.Policy("second"), Documents.Fixed("ALWAYS_ALLOW"), "", "x", Cancellation));
        await using var server = await TestServer.StartAsync(DocumentsFolder.Fixed("ALWAYS_ALLOW"), more: test.Arguments);

        Assert.Equal((Verdict.Deny, ReasonCode.NoPolicy), Of(await server.AskAsync(In("acme"))));
        Assert.Equal((Verdict.Allow, ReasonCode.AlwaysAllow), Of(await server.AskAsync(In("second"))));
        // Were the project forgotten, the other one would be the only one and decide.
        Assert.Equal(Grpc.Core.StatusCode.InvalidArgument, (await server.RefusalAsync(Ask.For(Ask.Attested))).StatusCode);
        var problems = (await server.ReadyAsync()).Body.GetProperty("documents").GetProperty("problems");
        Assert.Contains("stands in the directory and in the store", problems[0].GetProperty("message").GetString(), StringComparison.Ordinal);

        server.Documents.Delete("policy.yaml");
        await Eventually.Holds("the store's counts alone", async () => (await server.AskAsync(In("acme"))).Verdict == Verdict.Allow);
    }

    [Fact]
    public async Task Bindings_in_both_leave_nothing_that_could_be_judged()
    {
        await using var test = await TestStore.CreateAsync(TestStore.Sqlite);
        const string Clusters = """{"default": {"project": "acme", "platform": "GKE"}}""";
        await DocumentTests.WrittenAsync(test.Store.PutAsync(DocumentKey.Of(StoredKind.Clusters, "clusters"), Clusters, "", "x", Cancellation));
        var folder = DocumentsFolder.Fixed("ALWAYS_ALLOW");
        await using var server = await TestServer.StartAsync(folder, more: test.Arguments);
        Assert.Equal(Verdict.Allow, (await server.AskAsync(In("acme"))).Verdict);

        folder.Write("clusters.yaml", Clusters);

        await Eventually.Holds("neither counts", async () => Of(await server.AskAsync(In("acme"))) == (Verdict.Deny, ReasonCode.PolicyConfigError));
    }

    public void Dispose() => _signer.Dispose();

    private static (Verdict, ReasonCode) Of(EvaluateResponse answer) => (answer.Verdict, answer.Reasons[0].Code);

    private static EvaluateRequest In(string project)
    {
        var request = Ask.For(Ask.Attested);
        request.Project = project;
        return request;
    }

    private async Task FillAsync(DocumentStore store)
    {
        await DocumentTests.WrittenAsync(store.CreateAsync(Documents.Note("build"), "{}", "x", Cancellation));
        await DocumentTests.WrittenAsync(store.CreateAsync(Documents.Attestor("build"), _signer.Document(), "x", Cancellation));
        await DocumentTests.WrittenAsync(store.PutAsync(Documents.Policy(), Documents.Requiring(_signer.Attestor), "", "x", Cancellation));
    }

    /// <summary>One attestation more than is read, each newer than what is there; of keys that no attestor has.</summary>
    private static async Task FloodAsync(TestStore test, string note, string digest)
    {
        await using var context = test.Database().CreateContext();
        var now = Rfc3339.ToMicroseconds(TimeProvider.System.GetUtcNow());
        context.Occurrences.AddRange(Enumerable.Range(0, Limits.SignaturesPerDigest + 1).Select(number => new OccurrenceRow
        {
            Name = $"projects/flood/occurrences/{note.Split('/')[^1]}-{number}",
            Project = "flood",
            Note = note,
            Kind = "ATTESTATION",
            Resource = $"gcr.io/acme/api@{digest}",
            Digest = digest,
            Content = Documents.Attestation(digest, note),
            Identity = $"{note}{number}",
            CreateTime = now,
            UpdateTime = now,
        }));
        await context.SaveChangesAsync(Cancellation);
        await DocumentTests.WrittenAsync(test.Store.PutAsync(Documents.Options("flood"), "{}", "", "x", Cancellation));
        await test.Store.DeleteAsync(Documents.Options("flood"), "", "x", Cancellation);
    }

    private static async Task CountsAsync(string engine, string what, TestServer server, Func<EvaluateResponse, bool> counts)
    {
        var took = await Eventually.Holds(what, async () => counts(await server.AskAsync(In("acme"))));
        TestContext.Current.TestOutputHelper!.WriteLine($"{engine}: {what} counts after {took.TotalMilliseconds:F0} ms");
        Assert.True(took < Bound, $"{what}: {took}");
    }
}
