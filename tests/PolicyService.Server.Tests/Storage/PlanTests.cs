using System.Globalization;
using System.Text;
using Microsoft.EntityFrameworkCore;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;
using PolicyService.Evidence.Grafeas;
using PolicyService.Server.Policies;
using PolicyService.Server.Storage;

namespace PolicyService.Server.Tests.Storage;

/// <summary>A million occurrences: what lists and decisions ask goes by an index, and a start does not load them.</summary>
public sealed class PlanTests
{
    private const int Million = 1_000_000;

    public static TheoryData<string> Engines => TestStore.Engines;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static ITestOutputHelper Output => TestContext.Current.TestOutputHelper!;

    [Theory, MemberData(nameof(Engines))]
    public async Task Million_occurrences_are_listed_and_decided_by_indexes_and_not_loaded_at_the_start(string engine)
    {
        var started = TimeProvider.System.GetTimestamp();
        await using var test = await TestStore.CreateAsync(engine);
        await FillAsync(test);
        Output.WriteLine($"{engine}: filled in {TimeProvider.System.GetElapsedTime(started).TotalSeconds:F1} s");
        Assert.True(Digest.TryParse(Documents.Digest(77), out var digest));
        Assert.True(NoteName.TryParse("projects/p1/notes/n6", out var note));
        await using var context = test.Database().CreateContext();

        await AssertPlanAsync("by project", List(context, new OccurrenceQuery("p77", null), null), "occurrences_by_project");
        await AssertPlanAsync("by project and kind", List(context, new OccurrenceQuery("p77", null) { Kind = "BUILD" }, null), "occurrences_by_project_kind");
        await AssertPlanAsync("by project and digest", List(context, new OccurrenceQuery("p77", null) { Digest = digest }, null), "occurrences_by_project_digest");
        await AssertPlanAsync("by project and resource", List(context, new OccurrenceQuery("p77", null), "r.test/i5@x"), "occurrences_by_project_resource");
        await AssertPlanAsync("by note", List(context, new OccurrenceQuery("", note), null), "occurrences_by_note");
        await AssertPlanAsync("by note and digest", List(context, new OccurrenceQuery("", note) { Digest = digest }, null), "occurrences_by_note_digest");
        await AssertPlanAsync("evidence of three attestors", EvidenceQuery.Of(context, digest, [Note("n6"), Note("n4"), Note("n5")]), "occurrences_as_evidence");
        await AssertPlanAsync("evidence of a check", EvidenceQuery.Of(context, digest, [OccurrenceParent.OfProject("p77")]), "occurrences_as_evidence_of_checks");
        await AssertPlanAsync("identical one", context.Occurrences.Where(row => row.Identity == "i5").Select(row => row.Name).Take(1), "occurrences_by_identity");

        // What is not there cannot be read.
        await context.Database.ExecuteSqlRawAsync("ALTER TABLE occurrences RENAME TO elsewhere", Cancellation);
        await test.Another().MigrateAsync(Cancellation);
        Assert.Empty((await new StoreSource(test.Another(), withAccess: false).ReadAsync(Cancellation)).Documents.Projects);
        await context.Database.ExecuteSqlRawAsync("ALTER TABLE elsewhere RENAME TO occurrences", Cancellation);

        started = TimeProvider.System.GetTimestamp();
        var page = Assert.IsType<StoreOutcome.Page>(await test.Store.ListOccurrencesAsync(new OccurrenceQuery("p77", null) { Digest = digest }, 100, "", Cancellation));
        var took = TimeProvider.System.GetElapsedTime(started);
        Assert.NotEmpty(page.Documents);
        Output.WriteLine($"{engine}: listed by resource in {took.TotalMilliseconds:F1} ms");
    }

    private static OccurrenceParent Note(string id) => OccurrenceParent.Of(NoteName.TryParse($"projects/p1/notes/{id}", out var note) ? note : throw new ArgumentException(id));

    private static IQueryable<OccurrenceRow> List(StoreContext context, OccurrenceQuery query, string? resource) =>
        DocumentStore.Page(DocumentStore.Occurrences(context, query, resource), after: 12).Take(101);

    /// <summary>Every table is reached by one of the indexes, and (but for the evidence of several notes, which is put together) nothing is sorted.</summary>
    private static async Task AssertPlanAsync<T>(string what, IQueryable<T> query, string index)
    {
        await using var command = query.CreateDbCommand();
        var isSqlite = command.GetType().Name.Contains("Sqlite", StringComparison.Ordinal);
        command.CommandText = (isSqlite ? "EXPLAIN QUERY PLAN " : "EXPLAIN ") + command.CommandText;
        if (command.Connection!.State is not System.Data.ConnectionState.Open)
        {
            await command.Connection.OpenAsync(Cancellation);
        }

        var plan = new StringBuilder();
        await using (var reader = await command.ExecuteReaderAsync(Cancellation))
        {
            while (await reader.ReadAsync(Cancellation))
            {
                plan.AppendLine(Convert.ToString(reader.GetValue(isSqlite ? 3 : 0), CultureInfo.InvariantCulture));
            }
        }

        var text = plan.ToString();
        Assert.True(text.Contains($" {index} ", StringComparison.Ordinal), $"{what}:\n{text}");
        foreach (var slow in new[] { "SCAN occurrences", "Seq Scan" })
        {
            Assert.False(text.Contains(slow, StringComparison.Ordinal), $"{what}:\n{text}");
        }

        await command.Connection.CloseAsync();
    }

    /// <summary>Rows first, indexes then, as a restore does.</summary>
    private static async Task FillAsync(TestStore test)
    {
        var isSqlite = test.Arguments[0] == "--Store:Path";
        var database = test.Database();
        await using var context = database.CreateContext();
        var indexes = StoreSchema.Steps.SelectMany(step => step.Split(";\n")).Select(line => line.Trim().TrimEnd(';'))
            .Where(line => line.Contains("INDEX occurrences", StringComparison.Ordinal)).ToArray();
        var rows = isSqlite
            ? $"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {Million})"
            : $"WITH numbers AS (SELECT n FROM generate_series(1, {Million}) AS n)";
        var digest = isSqlite ? "printf('sha256:%064x', n % 50000)" : "'sha256:' || lpad(to_hex(n % 50000), 64, '0')";
        await ExecuteAsync([
            .. indexes.Select(index => $"DROP INDEX {index.Split(' ').First(word => word.StartsWith("occurrences_", StringComparison.Ordinal))}"),
            $"""
            {rows} INSERT INTO occurrences (name, project, note, kind, resource, digest, content, identity, create_time, update_time)
            SELECT 'projects/p' || (n % 100) || '/occurrences/' || n, 'p' || (n % 100), 'projects/p1/notes/n' || (n % 71), CASE n % 11 WHEN 0 THEN 'BUILD' ELSE 'ATTESTATION' END,
                   'r.test/i' || (n % 50000) || '@x', {digest}, '{Unreadable}', 'i' || n, n, n FROM numbers
            """,
            .. indexes,
            "ANALYZE",
        ]);

        async Task ExecuteAsync(string[] statements)
        {
            context.Database.SetCommandTimeout(TimeSpan.FromMinutes(2));
            await context.Database.OpenConnectionAsync(Cancellation);
            await using var command = context.Database.GetDbConnection().CreateCommand();
            command.CommandTimeout = 120;
            foreach (var statement in isSqlite ? ["PRAGMA synchronous = OFF", .. statements.Where(one => one != "ANALYZE")] : statements)
            {
#pragma warning disable CA2100 // Texts of this test.
                command.CommandText = statement;
#pragma warning restore CA2100
                await command.ExecuteNonQueryAsync(Cancellation);
            }
        }
    }

    private const string Unreadable = "{\"kind\":\"ATTESTATION\"}";
}
