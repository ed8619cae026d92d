using Microsoft.Extensions.Logging.Abstractions;
using PolicyService.Api.V1;
using PolicyService.Kubernetes.Findings;

namespace PolicyService.Kubernetes.Tests.Decisions;

/// <summary>A journal whose disk fails, or whose process ends, in the middle of something.</summary>
public sealed class FindingJournalFaultTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("policyservice-test-");

    private string Journal => Path.Combine(_directory.FullName, "findings.jsonl");

    private string Marker => Journal + ".acknowledged";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Delete(recursive: true);

    [Theory]
    [InlineData(2, 3)]
    [InlineData(9_500, 10_000)]
    public async Task Nothing_is_forgotten_that_is_not_marked(int acknowledged, int count)
    {
        using (var journal = Open())
        {
            await FillAsync(journal, count);
            await AcknowledgeAsync(journal, 1);
            // The next mark cannot be written, so nothing may be taken away either: neither the whole file nor its beginning.
            Directory.CreateDirectory(Marker + ".new");
            await Assert.ThrowsAnyAsync<Exception>(() => AcknowledgeAsync(journal, acknowledged));
            await Assert.ThrowsAnyAsync<Exception>(() => AcknowledgeAsync(journal, count - 1));
        }

        Directory.Delete(Marker + ".new");

        using var again = Open();
        Assert.Equal(count - 1, again.Lines);
        Assert.Equal("1", await FirstAsync(again));
    }

    [Fact]
    public async Task Shortened_journal_begins_at_its_first_line_after_a_restart_too()
    {
        using (var journal = Open())
        {
            await FillAsync(journal, 12_000);
            // A mark that would lie within what remains.
            await AcknowledgeAsync(journal, 100);
            await AcknowledgeAsync(journal, 10_000);
            Assert.Equal((1900, "10100"), (journal.Lines, await FirstAsync(journal)));
        }

        using var again = Open();
        Assert.Equal((1900, "10100"), (again.Lines, await FirstAsync(again)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("half a lin")]
    [InlineData("{\"id\": \"9999\"}\n")]
    public async Task Kill_while_it_is_shortened_reports_again_and_leaves_it_usable(string half)
    {
        using (var journal = Open())
        {
            await FillAsync(journal, 10_000);
        }

        // As it stands when the mark is written and the new file is not yet, or not whole, in its place.
        await File.WriteAllTextAsync(Marker, "0", Cancellation);
        await File.WriteAllTextAsync(Journal + ".new", half, Cancellation);

        using var again = Open();
        Assert.Equal((10_000, "0"), (again.Lines, await FirstAsync(again)));
        await AcknowledgeAsync(again, 9_999);
        Assert.Equal((1, "9999"), (again.Lines, await FirstAsync(again)));
        Assert.False(File.Exists(Journal + ".new"));
    }

    [Fact]
    public async Task Few_findings_that_are_long_fill_it_too()
    {
        using var journal = Open();
        var big = new Finding { Id = "x", Cause = new string('x', (int)(FindingJournal.MaxBytes / 4)) };

        Assert.Null(await journal.AddAsync([big], 0.5, Cancellation));
        Assert.Contains("full", await journal.AddAsync([big], 0.5, Cancellation), StringComparison.Ordinal);
        Assert.Null(await journal.AddAsync([big], 1, Cancellation));
        Assert.Null(await journal.AddAsync([big], 1, Cancellation));
        Assert.Contains("full", await journal.AddAsync([big], 1, Cancellation), StringComparison.Ordinal);
        Assert.InRange(new FileInfo(Journal).Length, 1, FindingJournal.MaxBytes);
    }

    private FindingJournal Open() => new(
        new AdapterSettings { Service = new Uri("http://127.0.0.1:1"), Cluster = Bench.Cluster, StateDirectory = _directory.FullName }, NullLogger<FindingJournal>.Instance);

    private static async Task FillAsync(FindingJournal journal, int count) =>
        Assert.Null(await journal.AddAsync(Enumerable.Range(0, count).Select(index => new Finding { Id = $"{index}", Cause = new string('x', 1024) }), 1, Cancellation));

    private static async Task AcknowledgeAsync(FindingJournal journal, int count)
    {
        var (lines, end) = await journal.ReadAsync(count, int.MaxValue / 2, Cancellation);
        await journal.AcknowledgeAsync(lines.Count, end, Cancellation);
    }

    private static async Task<string> FirstAsync(FindingJournal journal) =>
        Finding.Parser.ParseJson((await journal.ReadAsync(1, 60_000_000, Cancellation)).Lines[0]).Id;
}
