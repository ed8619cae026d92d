using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using PolicyService.Api.V1;
using PolicyService.Server.Storage;
using PolicyService.Server.Tests.Process;

namespace PolicyService.Server.Tests.Storage;

/// <summary>Servers as operators run them, on one store: killed, many at once.</summary>
public sealed class ProcessTests
{
    private const int Servers = 10;

    /// <summary>SEMANTICS section 5 says 1 s; asserted is five times that.</summary>
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(5);

    public static TheoryData<string> Engines => TestStore.Engines;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static ITestOutputHelper Output => TestContext.Current.TestOutputHelper!;

    [Theory, MemberData(nameof(Engines))]
    public async Task Every_write_that_was_answered_survives_a_kill_and_none_is_there_by_half(string engine)
    {
        const int Writes = 1000;
        await using var test = TestStore.Empty(engine);
        using var folder = new DocumentsFolder();
        var (acknowledged, kills) = (new ConcurrentDictionary<string, string>(), 0);
        for (var next = 0; next < Writes;)
        {
            await using var server = await ServerProcess.StartAsync([.. test.Arguments, "--Audit:File", folder.Beside("records.jsonl")]);
            // Killed somewhere in the next quarter of the writes, while several are under way.
            var (until, place) = (Math.Min(Writes, next + (Writes / 4)), next - 1);
            var ending = acknowledged.Count + Random.Shared.Next(60, 200);
            await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(
                async () =>
                {
                    for (int number; (number = Interlocked.Increment(ref place)) < until;)
                    {
                        if (await TryWriteAsync(server, number) is not { } written)
                        {
                            return;
                        }

                        acknowledged[written.Name] = written.Content;
                        if (acknowledged.Count == ending)
                        {
                            server.Signal(Native.SigKill);
                        }
                    }
                },
                Cancellation)));
            next = until;
            kills++;
        }

        await test.Store.MigrateAsync(Cancellation);
        foreach (var (name, content) in acknowledged)
        {
            var kind = name.Contains("/notes/", StringComparison.Ordinal) ? StoredKind.Note : StoredKind.Attestor;
            var found = Assert.IsType<StoreOutcome.Found>(await test.Store.GetAsync(DocumentKey.Of(kind, name), Cancellation));
            Assert.Equal(content, JsonSerializer.Deserialize<JsonElement>(found.Document.ToJson()).GetProperty("updateTime").GetString());
        }

        // Of what is there, acknowledged or not, everything is: document, revision and generation are one.
        var all = await AllAsync(test.Store, StoredKind.Note);
        all.AddRange(await AllAsync(test.Store, StoredKind.Attestor));
        foreach (var document in all)
        {
            Assert.Equal(document.Content, Assert.Single((await test.Store.HistoryAsync(document.Key, 10, Cancellation)).Revisions).Content);
        }

        Assert.Equal(1 + all.Count, (await test.Store.GenerationAsync(Cancellation)).Value);
        Output.WriteLine($"{engine}: {acknowledged.Count} writes acknowledged, {all.Count} there, {kills} servers killed");
        Assert.True(acknowledged.Count > Servers);
    }

    [Fact]
    public async Task Ten_servers_started_at_once_on_an_empty_database_decide_by_one_policy()
    {
        await using var test = TestStore.Empty(TestStore.Postgres);
        using var folder = new DocumentsFolder();
        using var signer = new Signer();
        var servers = await Task.WhenAll(Enumerable.Range(0, Servers).Select(index =>
            ServerProcess.StartAsync([.. test.Arguments, "--Audit:File", folder.Beside($"records{index}.jsonl")])));
        try
        {
            await OkAsync(await servers[1].Http.PostAsync("/v1/projects/acme/notes?noteId=build", Json("{\"attestation\": {}}"), Cancellation));
            await OkAsync(await servers[2].Http.PostAsync("/v1/projects/acme/attestors?attestorId=build", Json(signer.Document()), Cancellation));
            var first = await OkAsync(await servers[0].Http.PutAsync("/v1/projects/acme/policy", Json(Documents.Requiring(signer.Attestor)), Cancellation));
            // Not measured: each server does everything for the first time.
            await CountAsync("first policy", servers, answer => answer.PolicyEtag == Text(first, "etag"));

            var etag = Text(first, "etag");
            var replies = await Task.WhenAll(servers.Select((server, index) => server.Http.PutAsync(
                "/v1/projects/acme/policy", Json($$"""{"etag": "{{etag}}", "description": "{{index}}", {{Documents.Requiring(signer.Attestor)[1..]}}"""), Cancellation)));
            Assert.Equal(Servers - 1, replies.Count(reply => reply.StatusCode == HttpStatusCode.Conflict));
            var winner = await OkAsync(Assert.Single(replies, reply => reply.StatusCode == HttpStatusCode.OK));
            await CountsAsync("policy by one of ten", servers, answer =>
                answer.Verdict == Verdict.Deny && answer.Reasons[0].Code == ReasonCode.DeniedByAttestor && answer.PolicyEtag == Text(winner, "etag"));

            var attested = await OkAsync(await servers[3].Http.PostAsync("/v1/projects/acme/occurrences", Json(signer.Occurrence(Ask.Attested)), Cancellation));
            await CountsAsync("attestation added", servers, answer => answer.Verdict == Verdict.Allow);
            await OkAsync(await servers[4].Http.DeleteAsync($"/v1/{Text(attested, "name")}", Cancellation));
            await CountsAsync("attestation deleted", servers, answer => answer.Verdict == Verdict.Deny);
        }
        finally
        {
            foreach (var server in servers)
            {
                await server.DisposeAsync();
            }
        }
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Start_killed_at_any_moment_leaves_a_store_the_next_start_uses(string engine)
    {
        await using var test = TestStore.Empty(engine);
        using var folder = new DocumentsFolder();
        foreach (var lines in new[] { 0, 0, 1 })
        {
            // Killed as the process comes up, and as soon as it says anything.
            await ServerProcess.KillEarlyAsync(lines, [.. test.Arguments, "--Audit:File", folder.Beside("records.jsonl")]);
        }

        await using var server = await ServerProcess.StartAsync([.. test.Arguments, "--Audit:File", folder.Beside("records.jsonl")]);
        await OkAsync(await server.Http.PutAsync("/v1/projects/acme/policy", Json(Documents.Fixed("ALWAYS_DENY")), Cancellation));
    }

    private static async Task<(string Name, string Content)?> TryWriteAsync(ServerProcess server, int number)
    {
        try
        {
            using var reply = number % 2 == 0
                ? await server.Http.PostAsync($"/v1/projects/acme/notes?noteId=n{number}", Json("{\"attestation\": {}}"), Cancellation)
                : await server.Http.PostAsync($"/v1/projects/acme/attestors?attestorId=a{number}", Json(Documents.OnNote("build")), Cancellation);
            var body = await OkAsync(reply);
            return (Text(body, "name"), Text(body, "updateTime"));
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            return null;
        }
    }

    private static async Task<TimeSpan[]> CountAsync(string what, ServerProcess[] servers, Func<EvaluateResponse, bool> counts)
    {
        var request = Ask.For(Ask.Attested);
        request.Project = "acme";
        return await Task.WhenAll(servers.Select(server => Eventually.Holds(
            what, async () => counts(await server.Client.EvaluateAsync(request, cancellationToken: Cancellation)))));
    }

    private static async Task CountsAsync(string what, ServerProcess[] servers, Func<EvaluateResponse, bool> counts)
    {
        var took = await CountAsync(what, servers, counts);
        Output.WriteLine($"{what}: counts on the slowest of {servers.Length} after {took.Max().TotalMilliseconds:F0} ms");
        Assert.True(took.Max() < Bound, $"{what}: {took.Max()}");
    }

    private static async Task<List<StoredDocument>> AllAsync(DocumentStore store, StoredKind kind)
    {
        var (all, token) = (new List<StoredDocument>(), "");
        do
        {
            var page = Assert.IsType<StoreOutcome.Page>(await store.ListAsync(kind, "projects/acme", 0, token, Cancellation));
            all.AddRange(page.Documents);
            token = page.NextPageToken;
        }
        while (token.Length > 0);
        return all;
    }

    private static async Task<JsonElement> OkAsync(HttpResponseMessage reply)
    {
        Assert.True(reply.StatusCode == HttpStatusCode.OK, await reply.Content.ReadAsStringAsync(Cancellation));
        return await reply.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
    }

    private static StringContent Json(string text) => new(text, System.Text.Encoding.UTF8, "application/json");

    private static string Text(JsonElement body, string field) => body.GetProperty(field).GetString()!;
}
