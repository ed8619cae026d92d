using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using PolicyService.Core;

namespace PolicyService.Server.Storage;

/// <summary>A failure of the database, by class.</summary>
internal sealed record StoreFailure(string Class, string Problem)
{
    public StoreOutcome.Unavailable Outcome => new(Class, Problem);

    /// <summary>What is in no class; <paramref name="code"/> is the database's own.</summary>
    public static StoreFailure Other(string code) => new(Evidence.EvidenceSourceException.Other, $"the database failed with {code}");
}

/// <summary>What differs between the two databases: connections, transactions, errors, the spelling of the schema.</summary>
internal abstract class StoreDatabase
{
    /// <summary>How long one statement, or the wait for another writer, may take.</summary>
    protected static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>How long a start waits for another one that migrates.</summary>
    protected static readonly TimeSpan MigrationPatience = TimeSpan.FromSeconds(60);

    private protected StoreDatabase()
    {
    }

    /// <summary>Where it is, for logs; without a password.</summary>
    public abstract string Place { get; }

    public abstract StoreContext CreateContext();

    /// <summary>For the poll of the generation, which no number of other callers may keep waiting.</summary>
    public virtual StoreContext CreatePollContext() => CreateContext();

    /// <summary>Requests of the REST surface that may use it at the same time.</summary>
    public virtual int MaxCallers => Limits.StoreCallers;

    /// <summary>Questions for evidence at the same time.</summary>
    public virtual int MaxReaders => Limits.EvidenceReaders;

    /// <summary>Begins a transaction that writes; no other one writes until it ends.</summary>
    public abstract Task<IDbContextTransaction> BeginWriteAsync(StoreContext context, CancellationToken cancellation);

    /// <summary>Begins a transaction that sees one state throughout and never waits for a writer.</summary>
    public abstract Task<IDbContextTransaction> BeginReadAsync(StoreContext context, CancellationToken cancellation);

    /// <summary>Brings the tables to <see cref="StoreSchema.Version"/>, alone among all that start.</summary>
    /// <exception cref="SettingsException">It cannot be had, or is of a version this service cannot use.</exception>
    public abstract Task MigrateAsync(CancellationToken cancellation);

    /// <summary>The class of a failure; null if the exception is no failure of the database but a bug of ours.</summary>
    public abstract StoreFailure? Classify(Exception exception);

    /// <summary>The failure that an exception is to whoever must not end by it, bug of ours or not.</summary>
    public StoreFailure FailureOf(Exception exception) => Classify(exception) ?? StoreFailure.Other(exception.GetType().Name);

    /// <summary>Spells a step of the schema for this database.</summary>
    protected abstract string Spell(string step);

    /// <summary>The steps, within the transaction that holds the lock.</summary>
    protected async Task ApplyStepsAsync(StoreContext context, Func<Task<bool>> hasTables, CancellationToken cancellation)
    {
        var (version, compatibleFrom) = await hasTables() ? await ReadVersionAsync(context, cancellation) : (0, 0);
        if (!StoreSchema.NeedsMigration(version, compatibleFrom))
        {
            return;
        }

        foreach (var step in StoreSchema.Steps.Skip(version))
        {
            await context.Database.ExecuteSqlRawAsync(Spell(step), cancellation);
        }

        await context.Database.ExecuteSqlRawAsync("CREATE TABLE IF NOT EXISTS store_schema (version INTEGER NOT NULL, compatible_from INTEGER NOT NULL)", cancellation);
        await context.Database.ExecuteSqlRawAsync("DELETE FROM store_schema", cancellation);
        await context.Database.ExecuteSqlAsync(
            $"INSERT INTO store_schema (version, compatible_from) VALUES ({StoreSchema.Version}, {StoreSchema.CompatibleFrom})", cancellation);
    }

    private static async Task<(int Version, int CompatibleFrom)> ReadVersionAsync(StoreContext context, CancellationToken cancellation)
    {
        var rows = await context.Database.SqlQueryRaw<SchemaRow>("SELECT version AS \"Version\", compatible_from AS \"CompatibleFrom\" FROM store_schema").ToListAsync(cancellation);
        return rows is [var row] ? (row.Version, row.CompatibleFrom) : throw new SettingsException("the store does not say which schema it has: restore it from a backup");
    }

    /// <summary>The exception of the driver within what EF Core wraps around it.</summary>
    protected static DbException? DriverException(Exception exception) =>
        exception as DbException ?? (exception.InnerException is { } inner ? DriverException(inner) : null);

    private sealed class SchemaRow
    {
        public int Version { get; set; }

        public int CompatibleFrom { get; set; }
    }
}
