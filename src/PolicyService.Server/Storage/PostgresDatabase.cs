using System.Data;
using System.Net.Sockets;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Npgsql;
using PolicyService.Core;

namespace PolicyService.Server.Storage;

/// <summary>PostgreSQL, which every replica shares.</summary>
internal sealed class PostgresDatabase : StoreDatabase
{
    /// <summary>Key of the advisory lock of migrations: the letters "policysv".</summary>
    internal const long MigrationLock = 0x706F6C6963797376;

    /// <summary>idle_in_transaction_session_timeout.</summary>
    private const string IdleInTransaction = "25P03";

    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(5);

    /// <summary>One poll at a time, and one that hangs.</summary>
    private const int PollConnections = 2;

    private readonly DbContextOptions<StoreContext> _options;
    private readonly DbContextOptions<StoreContext> _pollOptions;

    /// <param name="connectionString">Where it is, and who connects.</param>
    /// <param name="passwordFile">File of the password; null: the text has it, or none is needed.</param>
    /// <exception cref="SettingsException">The connection string is none, or there is no password in the file.</exception>
    public PostgresDatabase(string connectionString, string? passwordFile = null)
    {
        NpgsqlConnectionStringBuilder builder;
        try
        {
            builder = new NpgsqlConnectionStringBuilder(connectionString);
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException or InvalidCastException or OverflowException)
        {
            // The text may hold a password: it is not shown.
            throw new SettingsException("--Store:Postgres is no connection string: write Host=…;Database=…;Username=…");
        }

        // What the operator wrote counts; what was left open must not wait for minutes.
        builder.Timeout = Said(builder, "Timeout") ? builder.Timeout : (int)ConnectPatience.TotalSeconds;
        builder.CommandTimeout = Said(builder, "Command Timeout") ? builder.CommandTimeout : (int)Patience.TotalSeconds;
        Place = $"{builder.Host}:{builder.Port}/{builder.Database}";
        // A part for callers of the REST surface, a part for evidence, and some for the archive and the operator's commands.
        builder.MaxPoolSize = Math.Max(builder.MaxPoolSize, 4);
        MaxCallers = Math.Min(Limits.StoreCallers, builder.MaxPoolSize / 4);
        MaxReaders = Math.Min(Limits.EvidenceReaders, builder.MaxPoolSize / 2);
        var password = passwordFile is null ? null : PostgresPassword.Open(passwordFile, builder);
        _options = Options(builder, password);
        // Another text is another pool.
        builder.MaxPoolSize = PollConnections;
        builder.MinPoolSize = 0;
        _pollOptions = Options(builder, password);
    }

    public override string Place { get; }

    private static DbContextOptions<StoreContext> Options(NpgsqlConnectionStringBuilder builder, PostgresPassword? password)
    {
        var options = new DbContextOptionsBuilder<StoreContext>();
        return (password is null ? options.UseNpgsql(builder.ConnectionString) : options.UseNpgsql(password.SourceOf(builder))).Options;
    }

    public override StoreContext CreateContext() => new(_options);

    public override StoreContext CreatePollContext() => new(_pollOptions);

    public override int MaxCallers { get; }

    public override int MaxReaders { get; }

    /// <summary>
    /// Writers are serialised by the row of the generation, which each locks first; so generations are in the order of the commits.
    /// A writer whose machine is gone loses its transaction, and with it the lock, after a while. An administrator who switched
    /// synchronous commits off meant other databases than this one.
    /// </summary>
    public override async Task<IDbContextTransaction> BeginWriteAsync(StoreContext context, CancellationToken cancellation)
    {
        var transaction = await context.Database.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellation);
        await context.Database.ExecuteSqlRawAsync(
            """
            SELECT set_config('lock_timeout', '10s', true), set_config('idle_in_transaction_session_timeout', '30s', true),
                   set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, true);
            SELECT value FROM generation WHERE id = 1 FOR UPDATE;
            """,
            cancellation);
        return transaction;
    }

    public override Task<IDbContextTransaction> BeginReadAsync(StoreContext context, CancellationToken cancellation) =>
        context.Database.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellation);

    /// <summary>The lock is an advisory one of the transaction, which ends with the connection however that ends.</summary>
    public override async Task MigrateAsync(CancellationToken cancellation)
    {
        try
        {
            await using var context = CreateContext();
            context.Database.SetCommandTimeout(MigrationPatience);
            await using var transaction = await context.Database.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellation);
            await context.Database.ExecuteSqlRawAsync(
                "SELECT set_config('lock_timeout', '60s', true), set_config('idle_in_transaction_session_timeout', '60s', true)", cancellation);
            await context.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock({MigrationLock})", cancellation);
            await ApplyStepsAsync(context, () => HasTablesAsync(context, cancellation), cancellation);
            await transaction.CommitAsync(cancellation);
        }
        catch (Exception exception) when (Classify(exception) is { } failure)
        {
            throw new SettingsException($"the store at {Place} cannot be used ({failure.Class}: {failure.Problem}): mend --Store:Postgres");
        }
    }

    public override StoreFailure? Classify(Exception exception)
    {
        if (exception is TimeoutException || exception.InnerException is TimeoutException)
        {
            return new("TIMEOUT", "the database did not answer in time");
        }

        return DriverException(exception) switch
        {
            PostgresException error => Classify(error.SqlState) ?? StoreFailure.Other($"SQLSTATE {error.SqlState}"),
            NpgsqlException => new("CONNECTION", "the connection to the database is broken, or cannot be made"),
            null when exception is SocketException or IOException => new("CONNECTION", "the connection to the database is broken"),
            _ => null,
        };
    }

    protected override string Spell(string step) => step
        // Bytewise order and comparison, as in SQLite, whatever the database was created with.
        .Replace("{text}", "TEXT COLLATE \"C\"", StringComparison.Ordinal)
        .Replace("{number}", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY", StringComparison.Ordinal);

    /// <summary>By the classes of SQLSTATE; null: any other.</summary>
    private static StoreFailure? Classify(string state) => state switch
    {
        PostgresErrorCodes.ReadOnlySqlTransaction => new("READ_ONLY", "the database is read-only"),
        PostgresErrorCodes.DiskFull => new("FULL", "no space is left for the database"),
        PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.QueryCanceled or IdleInTransaction =>
            new("TIMEOUT", "another writer held the database for too long"),
        PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification
            or PostgresErrorCodes.InvalidCatalogName => new("PERMISSION", "the database does not exist, or this user may not use it"),
        PostgresErrorCodes.DataCorrupted or PostgresErrorCodes.IndexCorrupted => new("CORRUPT", "the database is damaged"),
        ['0', '8', ..] or ['5', '7', 'P', ..] or ['5', '3', ..] => new("CONNECTION", "the database takes no more work now"),
        ['5', '8', ..] => new("IO", "the database could not read or write its files"),
        _ => null,
    };

    private static bool Said(NpgsqlConnectionStringBuilder builder, string keyword) => builder.ShouldSerialize(keyword);

    private static async Task<bool> HasTablesAsync(StoreContext context, CancellationToken cancellation) =>
        await context.Database.SqlQueryRaw<bool>("SELECT to_regclass('store_schema') IS NOT NULL AS \"Value\"").SingleAsync(cancellation);
}
