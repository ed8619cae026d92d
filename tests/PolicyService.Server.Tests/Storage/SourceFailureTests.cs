using System.Net;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using PolicyService.Api.V1;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Tests.Storage;

/// <summary>Whatever the database fails at, the last version stays in force and the service runs; what ends the service shows in its exit code.</summary>
public sealed class SourceFailureTests
{
    public static TheoryData<string> Engines => TestStore.Engines;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Engines)), Trait("attack", "83")]
    public async Task Failure_of_no_known_class_leaves_the_last_version_in_force_and_marked_stale(string engine)
    {
        await using var test = await StartedAsync(engine);
        await using var server = await TestServer.StartAsync(new DocumentsFolder(), more: test.Arguments);
        Assert.Equal((Verdict.Allow, false), await AskAsync(server));
        await using var context = test.Database().CreateContext();

        await context.Database.ExecuteSqlRawAsync("ALTER TABLE generation RENAME TO elsewhere", Cancellation);
        await Eventually.Holds("answers are stale", async () => await AskAsync(server) == (Verdict.Allow, true));
        var refused = Assert.IsType<StoreOutcome.Unavailable>(
            await server.Services.GetRequiredService<DocumentStore>().PutAsync(Documents.Policy(), Documents.Fixed("ALWAYS_DENY"), "", "x", Cancellation));
        Assert.Equal("OTHER", refused.Class);
        Assert.Single(server.Log.Lines, line => line.Contains("cannot be read (OTHER: ", StringComparison.Ordinal));

        await context.Database.ExecuteSqlRawAsync("ALTER TABLE elsewhere RENAME TO generation", Cancellation);
        await Eventually.Holds("answers are fresh", async () => await AskAsync(server) == (Verdict.Allow, false));
        await DocumentTests.WrittenAsync(test.Store.PutAsync(Documents.Policy(), Documents.Fixed("ALWAYS_DENY"), "", "x", Cancellation));
        await Eventually.Holds("a change counts", async () => await AskAsync(server) == (Verdict.Deny, false));
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Sqlite_file_that_is_gone_or_another_takes_no_write_and_is_stale(bool another)
    {
        await using var test = await StartedAsync(TestStore.Sqlite);
        await using var server = await TestServer.StartAsync(new DocumentsFolder(), more: test.Arguments);
        Assert.Equal((Verdict.Allow, false), await AskAsync(server));
        var away = test.Address + ".away";

        File.Move(test.Address, away);
        if (another)
        {
            File.Copy(away, test.Address);
        }

        using var body = new StringContent(Documents.Fixed("ALWAYS_DENY"), Encoding.UTF8, "application/json");
        using var reply = await server.Http.PutAsync("/v1/projects/acme/policy", body, Cancellation);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, reply.StatusCode);
        Assert.Contains("(REPLACED)", await reply.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        await Eventually.Holds("answers are stale", async () => await AskAsync(server) == (Verdict.Allow, true));
        Assert.Single(server.Log.Lines, line => line.Contains("cannot be read (REPLACED: ", StringComparison.Ordinal));
        Assert.Equal(another, File.Exists(test.Address));

        File.Move(away, test.Address, overwrite: true);
        await Eventually.Holds("answers are fresh", async () => await AskAsync(server) == (Verdict.Allow, false));
    }

    [Fact, Trait("attack", "96")]
    public async Task Callers_of_the_REST_surface_take_neither_evidence_nor_poll_their_connections()
    {
        using var signer = new Signer();
        await using var test = await TestStore.CreateAsync(TestStore.Postgres);
        await DocumentTests.WrittenAsync(test.Store.CreateAsync(Documents.Note("build"), "{}", "x", Cancellation));
        await DocumentTests.WrittenAsync(test.Store.CreateAsync(Documents.Attestor("build"), signer.Document(), "x", Cancellation));
        await DocumentTests.WrittenAsync(test.Store.PutAsync(Documents.Policy(), Documents.Requiring(signer.Attestor), "", "x", Cancellation));
        await DocumentTests.WrittenAsync(test.Store.PutAsync(Documents.Options(), """{"failMode": "OPEN"}""", "", "x", Cancellation));
        await using var server = await TestServer.StartAsync(new DocumentsFolder(), more: test.Arguments);
        await using var context = test.Database().CreateContext();
        await using var transaction = await context.Database.BeginTransactionAsync(Cancellation);
        // Lists wait for this table, polls and evidence do not.
        await context.Database.ExecuteSqlRawAsync("LOCK TABLE documents IN ACCESS EXCLUSIVE MODE", Cancellation);

        using var leaving = new CancellationTokenSource();
        var callers = Enumerable.Range(0, 60).Select(_ => server.Http.GetAsync("/v1/projects/acme/notes", leaving.Token)).ToArray();
        await Eventually.Holds("the callers wait", () => Task.FromResult(Waiting(test) > 0));
        foreach (var number in Enumerable.Range(0, 20))
        {
            var answer = await server.AskAsync(Ask.For($"gcr.io/acme/api@{Documents.Digest(number)}"));
            Assert.Equal((Verdict.Deny, "NO_ATTESTATION", false), (answer.Verdict, answer.Reasons[0].Detail, answer.Stale));
        }

        await leaving.CancelAsync();
        await Task.WhenAll(callers).ContinueWith(_ => { }, Cancellation, TaskContinuationOptions.None, TaskScheduler.Default);
    }

    [Fact]
    public async Task Service_that_ends_by_a_failure_within_says_so_and_has_another_exit_code()
    {
        foreach (var fails in new[] { false, true })
        {
            using var folder = DocumentsFolder.Fixed("ALWAYS_ALLOW");
            string[] arguments =
            [
                "--Policies:Directory", folder.Path, "--Audit:File", folder.Beside("records.jsonl"), "--Urls:Grpc", "http://127.0.0.1:0", "--Urls:Http", "http://127.0.0.1:0",
            ];
            var host = ServerHost.Build(arguments, TimeProvider.System, builder => builder.Services.AddHostedService(services => new Ending(fails, services.GetRequiredService<IHostApplicationLifetime>())));
            await using var application = host.Application;
            application.Lifetime.ApplicationStarted.Register(fails ? () => { } : application.Lifetime.StopApplication);
            using var said = new StringWriter();

            Assert.Equal(fails ? 1 : 0, await host.RunAsync(said));
            Assert.Equal(fails, said.ToString().Contains("ended because Ending failed", StringComparison.Ordinal));
        }
    }

    private static async Task<TestStore> StartedAsync(string engine)
    {
        var test = await TestStore.CreateAsync(engine);
        await DocumentTests.WrittenAsync(test.Store.PutAsync(Documents.Policy(), Documents.Fixed("ALWAYS_ALLOW"), "", "x", Cancellation));
        return test;
    }

    private static async Task<(Verdict, bool)> AskAsync(TestServer server)
    {
        var answer = await server.AskAsync(Ask.For(Ask.Attested));
        return (answer.Verdict, answer.Stale);
    }

    private static long Waiting(TestStore test)
    {
        using var source = Npgsql.NpgsqlDataSource.Create(test.Address + ";Pooling=false");
        using var command = source.CreateCommand("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'");
        return (long)command.ExecuteScalar()!;
    }

    private sealed class Ending(bool fails, IHostApplicationLifetime lifetime) : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var registration = lifetime.ApplicationStarted.Register(started.SetResult);
            await started.Task.WaitAsync(stoppingToken);
            if (fails)
            {
                throw new InvalidOperationException("a bug");
            }
        }
    }
}
