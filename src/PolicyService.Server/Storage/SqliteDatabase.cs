using System.Data.Common;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Storage;

namespace PolicyService.Server.Storage;

/// <summary>The embedded database: one file, which one machine uses; created at first start.</summary>
internal sealed class SqliteDatabase : StoreDatabase
{
    // Primary result codes of SQLite.
    private const int Busy = 5;
    private const int Locked = 6;
    private const int ReadOnly = 8;
    private const int IoError = 10;
    private const int Corrupt = 11;
    private const int Full = 13;
    private const int CantOpen = 14;
    private const int Permission = 3;
    private const int Authorization = 23;
    private const int NotADatabase = 26;

    private readonly string _path;
    private readonly DbContextOptions<StoreContext> _options;

    /// <summary>Of the file that is open; null until there is one, and where files have none.</summary>
    private FileIdentity? _identity;

    public SqliteDatabase(string path)
    {
        _path = path;
        var connection = new SqliteConnectionStringBuilder { DataSource = path, DefaultTimeout = (int)Patience.TotalSeconds };
        _options = new DbContextOptionsBuilder<StoreContext>().UseSqlite(connection.ConnectionString).AddInterceptors(new Pragmas()).Options;
    }

    public override string Place => _path;

    /// <exception cref="ReplacedException">What was written would be lost, and what is read is not what others read.</exception>
    public override StoreContext CreateContext()
    {
        var identity = FileIdentity.Of(_path);
        if (_identity is not null && identity != _identity)
        {
            throw new ReplacedException();
        }

        _identity = identity;
        return new StoreContext(_options);
    }

    public override Task<IDbContextTransaction> BeginWriteAsync(StoreContext context, CancellationToken cancellation) =>
        // BEGIN IMMEDIATE: the lock is taken now, so that no write finds out at its end that another one was faster.
        context.Database.BeginTransactionAsync(cancellation);

    public override async Task<IDbContextTransaction> BeginReadAsync(StoreContext context, CancellationToken cancellation)
    {
        await context.Database.OpenConnectionAsync(cancellation);
        var transaction = ((SqliteConnection)context.Database.GetDbConnection()).BeginTransaction(deferred: true);
        return (await context.Database.UseTransactionAsync(transaction, cancellation))!;
    }

    /// <summary>
    /// The lock is SQLite's own write lock, which the operating system takes back from a process that ends in any way; the steps are one
    /// transaction, so a start that is killed leaves nothing half done.
    /// </summary>
    public override async Task MigrateAsync(CancellationToken cancellation)
    {
        try
        {
            await using var context = CreateContext();
            context.Database.SetCommandTimeout(MigrationPatience);
            await context.Database.OpenConnectionAsync(cancellation);
            await context.Database.ExecuteSqlRawAsync("PRAGMA journal_mode = WAL", cancellation);
            await using var transaction = await context.Database.BeginTransactionAsync(cancellation);
            await ApplyStepsAsync(context, () => HasTablesAsync(context, cancellation), cancellation);
            await transaction.CommitAsync(cancellation);
        }
        catch (Exception exception) when (Classify(exception) is { } failure)
        {
            throw new SettingsException($"the store `{_path}` cannot be used ({failure.Class}: {failure.Problem}): mend --Store:Path");
        }
    }

    public override StoreFailure? Classify(Exception exception) => exception is ReplacedException
        ? new("REPLACED", "the file is no longer the one this service started with: start it anew")
        : DriverException(exception) is not SqliteException driver ? null : driver.SqliteErrorCode switch
        {
            Busy or Locked => new("TIMEOUT", "another process held the database for too long"),
            ReadOnly => new("READ_ONLY", "the database may not be written"),
            Full => new("FULL", "no space is left for the database"),
            Corrupt or NotADatabase => new("CORRUPT", "the file is damaged, or no database"),
            CantOpen => new("CONNECTION", "the file cannot be opened"),
            Permission or Authorization => new("PERMISSION", "the file may not be used"),
            IoError => new("IO", "reading or writing the file failed"),
            var other => StoreFailure.Other($"SQLite error {other}"),
        };

    protected override string Spell(string step) => step
        .Replace("{text}", "TEXT", StringComparison.Ordinal)
        .Replace("{number}", "INTEGER PRIMARY KEY AUTOINCREMENT", StringComparison.Ordinal);

    private static async Task<bool> HasTablesAsync(StoreContext context, CancellationToken cancellation) =>
        await context.Database.SqlQueryRaw<int>("SELECT COUNT(*) AS \"Value\" FROM sqlite_master WHERE name = 'store_schema'").SingleAsync(cancellation) > 0;

    /// <summary>The path leads to another file than the one that is open, or to none.</summary>
    private sealed class ReplacedException() : IOException("the file was replaced");

    /// <summary>What holds for a connection, not for the file.</summary>
    private sealed class Pragmas : DbConnectionInterceptor
    {
        /// <summary>FULL: with WAL, a commit is on the disk before it is answered. The wait for a lock is SQLite's own, with short pauses.</summary>
        private const string Text = "PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;";

        public override void ConnectionOpened(DbConnection connection, ConnectionEndEventData eventData)
        {
            using var command = connection.CreateCommand();
            command.CommandText = Text;
            command.ExecuteNonQuery();
        }

        public override Task ConnectionOpenedAsync(DbConnection connection, ConnectionEndEventData eventData, CancellationToken cancellationToken = default)
        {
            ConnectionOpened(connection, eventData);
            return Task.CompletedTask;
        }
    }
}
