using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Tests.Storage;

/// <summary>Versions of the tables, and starts that go wrong.</summary>
public sealed class SchemaTests
{
    public static TheoryData<string> Engines => TestStore.Engines;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Engines))]
    public async Task Newer_schema_is_used_where_it_says_so_and_refused_in_one_line_where_not(string engine)
    {
        await using var test = await TestStore.CreateAsync(engine);
        await ExecuteAsync(test, "ALTER TABLE documents ADD COLUMN of_the_future INTEGER NOT NULL DEFAULT 5");
        await ExecuteAsync(test, $"UPDATE store_schema SET version = {StoreSchema.Version + 1}");

        await test.Another().MigrateAsync(Cancellation);
        await DocumentTests.WrittenAsync(test.Another().PutAsync(Documents.Policy(), Documents.Fixed("ALWAYS_DENY"), "", "x", Cancellation));

        await ExecuteAsync(test, $"UPDATE store_schema SET compatible_from = {StoreSchema.Version + 1}");
        var refused = await Assert.ThrowsAsync<SettingsException>(() => test.Another().MigrateAsync(Cancellation));
        Assert.Contains($"the store has schema {StoreSchema.Version + 1}", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Start_of_an_up_to_date_store_changes_nothing(string engine)
    {
        await using var test = await TestStore.CreateAsync(engine);
        await DocumentTests.WrittenAsync(test.Store.PutAsync(Documents.Policy(), Documents.Fixed("ALWAYS_DENY"), "", "x", Cancellation));
        var before = await test.Store.GenerationAsync(Cancellation);

        await test.Another().MigrateAsync(Cancellation);

        Assert.Equal(before, await test.Store.GenerationAsync(Cancellation));
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Migration_that_dies_half_way_leaves_nothing_and_holds_up_nobody(string engine)
    {
        await using var test = TestStore.Empty(engine);
        await using (var context = test.Database().CreateContext())
        {
            // What a start does until it is killed: the lock is taken, tables are made, nothing is committed.
            await using var transaction = await context.Database.BeginTransactionAsync(Cancellation);
            if (engine == TestStore.Postgres)
            {
                await context.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock({PostgresDatabase.MigrationLock})", Cancellation);
            }

            await context.Database.ExecuteSqlRawAsync("CREATE TABLE generation (id INTEGER PRIMARY KEY)", Cancellation);
            var waiting = Task.Run(() => test.Another().MigrateAsync(Cancellation), Cancellation);
            if (engine == TestStore.Postgres)
            {
                // The server notices that the connection is gone, however it went.
                var backend = await context.Database.SqlQueryRaw<int>("SELECT pg_backend_pid() AS \"Value\"").SingleAsync(Cancellation);
                PostgresServer.Execute(test.Address, $"SELECT pg_terminate_backend({backend.ToString(CultureInfo.InvariantCulture)})");
                await waiting;
                await Assert.ThrowsAnyAsync<Exception>(() => transaction.CommitAsync(Cancellation));
                context.Dispose();
            }
            else
            {
                await context.Database.CloseConnectionAsync();
                await transaction.DisposeAsync();
                await waiting;
            }
        }

        await DocumentTests.WrittenAsync(test.Store.PutAsync(Documents.Policy(), Documents.Fixed("ALWAYS_DENY"), "", "x", Cancellation));
    }

    [Fact]
    public async Task Sqlite_commits_are_on_the_disk_before_they_are_answered()
    {
        await using var test = await TestStore.CreateAsync(TestStore.Sqlite);
        await using var context = test.Database().CreateContext();
        await context.Database.OpenConnectionAsync(Cancellation);

        Assert.Equal(("2", "wal"), (Scalar("PRAGMA synchronous"), Scalar("PRAGMA journal_mode")));
        // Said at every opening: neither the library's default nor what a connection was used for before counts.
        Scalar("PRAGMA synchronous = OFF");
        Assert.Equal("0", Scalar("PRAGMA synchronous"));
        await context.Database.CloseConnectionAsync();
        await context.Database.OpenConnectionAsync(Cancellation);
        Assert.Equal("2", Scalar("PRAGMA synchronous"));

        string Scalar(string sql)
        {
            using var command = ((SqliteConnection)context.Database.GetDbConnection()).CreateCommand();
            command.CommandText = sql;
            return Convert.ToString(command.ExecuteScalar(), CultureInfo.InvariantCulture)!;
        }
    }

    [Fact]
    public async Task Postgres_commits_are_on_the_disk_even_where_the_database_says_they_need_not()
    {
        await using var test = await TestStore.CreateAsync(TestStore.Postgres);
        var name = new NpgsqlConnectionStringBuilder(test.Address).Database;
        PostgresServer.Execute(test.Address, $"ALTER DATABASE {name} SET synchronous_commit = off");
        var database = test.Database();
        await using var context = database.CreateContext();
        await context.Database.OpenConnectionAsync(Cancellation);

        await using var transaction = await database.BeginWriteAsync(context, Cancellation);

        Assert.Equal("on", await context.Database.SqlQueryRaw<string>("SELECT current_setting('synchronous_commit') AS \"Value\"").SingleAsync(Cancellation));
    }

    public static TheoryData<string, string[]> Unusable => new()
    {
        { "a directory that is not there", ["--Store:Path", "/nowhere/at/all/store.db"] },
        { "a directory", ["--Store:Path", "/tmp"] },
        { "no database", ["--Store:Path", "/etc/passwd"] },
        { "no connection string", ["--Store:Postgres", "secret-password"] },
        { "no number", ["--Store:Postgres", "Host=127.0.0.1;Port=secret-password"] },
        { "nobody there", ["--Store:Postgres", "Host=127.0.0.1;Port=1;Database=x;Username=x;Password=secret-password"] },
        { "two stores", ["--Store:Path", "/tmp/x.db", "--Store:Postgres", "Host=127.0.0.1"] },
    };

    [Theory, MemberData(nameof(Unusable))]
    public async Task Store_that_cannot_be_used_stops_the_start_in_one_line_without_the_password(string name, string[] arguments)
    {
        var exception = await Assert.ThrowsAsync<SettingsException>(async () =>
        {
            var host = ServerHost.Build([.. arguments, "--Audit:File", "/dev/null", "--Urls:Grpc", "http://127.0.0.1:0", "--Urls:Http", "http://127.0.0.1:0"], TimeProvider.System);
            await using (host.Application)
            {
                await host.Application.StartAsync(Cancellation);
            }
        });

        Assert.True(exception.Message.Contains("--Store:", StringComparison.Ordinal), $"{name}: {exception.Message}");
        Assert.DoesNotContain('\n', exception.Message);
        Assert.DoesNotContain("secret-password", exception.Message, StringComparison.Ordinal);
    }

    private static async Task ExecuteAsync(TestStore test, string sql)
    {
        await using var context = test.Database().CreateContext();
#pragma warning disable EF1002 // Texts of this test.
        await context.Database.ExecuteSqlRawAsync(sql, Cancellation);
#pragma warning restore EF1002
    }
}
