using Microsoft.Extensions.DependencyInjection;
using PolicyService.Api.V1;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Tests.Storage;

/// <summary>The store is lost, full or read-only: what is in force decides, and what cannot be read is never absent (SEMANTICS section 5).</summary>
public sealed class LossTests : IDisposable
{
    private readonly Signer _signer = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact, Trait("attack", "83")]
    public async Task Lost_store_makes_answers_stale_and_unread_evidence_an_error_of_its_own_class()
    {
        using var postgres = PostgresServer.StartOwn();
        await using var test = await TestStore.CreateAsync(TestStore.Postgres, server: postgres);
        await using var server = await StartAsync(test, "{}");
        await BecomesAsync(server, Ask.Attested, answer => answer.Verdict == Verdict.Allow);

        postgres.Kill();
        await BecomesAsync(server, Ask.Attested, answer => answer.Stale);

        // In memory: it serves on. Not in memory: nobody knows, and that is no denial for want of an attestation.
        var known = await server.AskAsync(Ask.For(Ask.Attested));
        Assert.Equal((Verdict.Allow, ReasonCode.Attested, true), (known.Verdict, known.Reasons[0].Code, known.Stale));
        var unknown = await server.AskAsync(Ask.For(Ask.Unattested));
        Assert.Equal((Verdict.Deny, Conformance.Error, FailMode.Closed), (unknown.Verdict, unknown.Conformance, unknown.FailMode));
        Assert.Equal((ReasonCode.EvidenceUnavailable, "GRAFEAS:CONNECTION"), (unknown.Reasons[0].Code, unknown.Reasons[0].Detail));
        var refused = Assert.IsType<StoreOutcome.Unavailable>(await Store(server).PutAsync(Documents.Policy(), Documents.Fixed("ALWAYS_DENY"), "", "x", Cancellation));
        Assert.Equal("CONNECTION", refused.Class);

        postgres.StartAgain();
        await BecomesAsync(server, Ask.Unattested, answer => !answer.Stale && answer.Reasons[0].Detail == "NO_ATTESTATION");
    }

    [Fact]
    public async Task Mute_store_is_a_timeout_before_the_callers_deadline_and_own_fault_may_fail_open()
    {
        using var postgres = PostgresServer.StartOwn();
        await using var test = await TestStore.CreateAsync(TestStore.Postgres, server: postgres);
        await using var server = await StartAsync(test, """{"failMode": "OPEN"}""");
        await BecomesAsync(server, Ask.Attested, answer => answer.Verdict == Verdict.Allow);

        postgres.Pause();
        try
        {
            var answer = await server.AskAsync(Ask.For(Ask.Unattested));
            Assert.Equal((Verdict.Allow, Conformance.Error, FailMode.Open), (answer.Verdict, answer.Conformance, answer.FailMode));
            Assert.Equal([(ReasonCode.FailedOpen, ""), (ReasonCode.EvidenceUnavailable, "GRAFEAS:TIMEOUT")], answer.Reasons.Select(reason => (reason.Code, reason.Detail)));

            // A caller whose own patience is short opens nothing.
            var hasty = await server.Client.EvaluateAsync(Ask.For(Another), deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(1), cancellationToken: Cancellation);
            Assert.Equal((Verdict.Deny, ReasonCode.Deadline), (hasty.Verdict, hasty.Reasons[0].Code));
        }
        finally
        {
            postgres.Resume();
        }
    }

    [Fact]
    public async Task Read_only_store_refuses_writes_clearly_and_decisions_go_on()
    {
        await using var test = await TestStore.CreateAsync(TestStore.Postgres);
        await using var server = await StartAsync(test, "{}");
        await BecomesAsync(server, Ask.Attested, answer => answer.Verdict == Verdict.Allow);
        var database = new Npgsql.NpgsqlConnectionStringBuilder(test.Address).Database;

        PostgresServer.Execute(test.Address, $"ALTER DATABASE {database} SET default_transaction_read_only = on");
        PostgresServer.Execute(test.Address, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");

        await Eventually.Holds("the store is read-only", async () =>
            await Store(server).PutAsync(Documents.Policy(), Documents.Fixed("ALWAYS_ALLOW"), "", "x", Cancellation) is StoreOutcome.Unavailable { Class: "READ_ONLY" });
        await BecomesAsync(server, Ask.Unattested, answer => !answer.Stale && answer.Reasons[0].Detail == "NO_ATTESTATION");
    }

    [Fact]
    public async Task Sqlite_file_that_may_not_grow_refuses_writes_clearly_and_decisions_go_on()
    {
        await using var test = await TestStore.CreateAsync(TestStore.Sqlite);
        await FillAsync(test.Store, "{}");
        using var folder = new DocumentsFolder();
        await using var server = await Process.ServerProcess.StartAsync([.. test.Arguments, "--Audit:File", folder.Beside("records.jsonl")]);
        var image = Ask.For(Ask.Attested);
        await Eventually.Holds("it decides", async () => (await server.Client.EvaluateAsync(image, cancellationToken: Cancellation)).Verdict == Verdict.Allow);
        // Something of the file is in its log now, so that growing it is all a write could do.
        server.LimitFiles(4096);

        using var body = new StringContent($$"""{"description": "{{new string('x', 100_000)}}", {{Documents.Fixed("ALWAYS_ALLOW")[20..]}}""", System.Text.Encoding.UTF8, "application/json");
        using var reply = await server.Http.PutAsync("/v1/projects/acme/policy", body, Cancellation);
        var text = await reply.Content.ReadAsStringAsync(Cancellation);
        Assert.True(reply.StatusCode == System.Net.HttpStatusCode.ServiceUnavailable, text);
        Assert.Matches("the store is unavailable \\((FULL|IO)\\)", text);

        server.LimitFiles(-1);
        Assert.Equal(Verdict.Allow, (await server.Client.EvaluateAsync(image, cancellationToken: Cancellation)).Verdict);
        Assert.Equal(Verdict.Deny, (await server.Client.EvaluateAsync(Ask.For(Ask.Unattested), cancellationToken: Cancellation)).Verdict);
        using var again = new StringContent(Documents.Fixed("ALWAYS_DENY"), System.Text.Encoding.UTF8, "application/json");
        Assert.Equal(System.Net.HttpStatusCode.OK, (await server.Http.PutAsync("/v1/projects/acme/policy", again, Cancellation)).StatusCode);
    }

    [Fact]
    public async Task Write_waits_for_another_process_and_gives_up_clearly()
    {
        await using var test = await TestStore.CreateAsync(TestStore.Postgres);
        var database = test.Database();
        await using var context = database.CreateContext();
        await using (await database.BeginWriteAsync(context, Cancellation))
        {
            Assert.Equal("TIMEOUT", Assert.IsType<StoreOutcome.Unavailable>(
                await test.Store.PutAsync(Documents.Policy(), Documents.Fixed("ALWAYS_DENY"), "", "x", Cancellation)).Class);
            // Readers do not wait for writers.
            Assert.IsType<StoreOutcome.NotFound>(await test.Store.GetAsync(Documents.Policy(), Cancellation));
        }

        await DocumentTests.WrittenAsync(test.Store.PutAsync(Documents.Policy(), Documents.Fixed("ALWAYS_DENY"), "", "x", Cancellation));
    }

    public void Dispose() => _signer.Dispose();

    private const string Another = "gcr.io/acme/api@sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc";

    private static DocumentStore Store(TestServer server) => server.Services.GetRequiredService<DocumentStore>();

    private async Task<TestServer> StartAsync(TestStore test, string options)
    {
        await FillAsync(test.Store, options);
        return await TestServer.StartAsync(new DocumentsFolder(), more: test.Arguments);
    }

    /// <summary>A policy that asks for an attestation, and one attested image.</summary>
    private async Task FillAsync(DocumentStore store, string options)
    {
        await DocumentTests.WrittenAsync(store.CreateAsync(Documents.Note("build"), "{}", "x", Cancellation));
        await DocumentTests.WrittenAsync(store.CreateAsync(Documents.Attestor("build"), _signer.Document(), "x", Cancellation));
        await DocumentTests.WrittenAsync(store.PutAsync(Documents.Policy(), Documents.Requiring(_signer.Attestor), "", "x", Cancellation));
        await DocumentTests.WrittenAsync(store.PutAsync(Documents.Options(), options, "", "x", Cancellation));
        await DocumentTests.WrittenAsync(store.CreateOccurrenceAsync("acme", _signer.Occurrence(Ask.Attested), Cancellation));
    }

    private static Task<TimeSpan> BecomesAsync(TestServer server, string image, Func<EvaluateResponse, bool> condition) =>
        Eventually.Holds("the answer changes", async () => condition(await server.AskAsync(Ask.For(image))));
}
