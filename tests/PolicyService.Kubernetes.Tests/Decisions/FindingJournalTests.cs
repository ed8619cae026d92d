using Microsoft.Extensions.Logging.Abstractions;
using PolicyService.Api.V1;
using PolicyService.Kubernetes.Findings;

namespace PolicyService.Kubernetes.Tests.Decisions;

/// <summary>Whatever a crash leaves of the journal, what was promised is still there.</summary>
public sealed class FindingJournalTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("policyservice-test-");

    private string Journal => Path.Combine(_directory.FullName, "findings.jsonl");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task What_was_added_is_read_in_order_after_a_restart()
    {
        using (var journal = Open())
        {
            Assert.Null(await journal.AddAsync([New("1"), New("2")], 1, Cancellation));
            Assert.Null(await journal.AddAsync([New("3")], 1, Cancellation));
        }

        using var again = Open();
        Assert.Equal((3, "1 2 3"), (again.Lines, await IdsAsync(again)));
    }

    [Fact]
    public async Task What_was_acknowledged_does_not_come_again()
    {
        using (var journal = Open())
        {
            await journal.AddAsync([New("1"), New("2"), New("3")], 1, Cancellation);
            var (lines, end) = await journal.ReadAsync(2, 1_000_000, Cancellation);
            await journal.AcknowledgeAsync(lines.Count, end, Cancellation);
            Assert.Equal((1, "3"), (journal.Lines, await IdsAsync(journal)));
        }

        using var again = Open();
        Assert.Equal((1, "3"), (again.Lines, await IdsAsync(again)));
        var rest = await again.ReadAsync(10, 1_000_000, Cancellation);
        await again.AcknowledgeAsync(1, rest.End, Cancellation);
        Assert.Equal((0, 0L, 0L), (again.Lines, again.Bytes, new FileInfo(Journal).Length));
    }

    [Fact]
    public async Task File_cut_anywhere_costs_the_cut_line_alone_and_none_that_comes_later()
    {
        long first;
        using (var journal = Open())
        {
            await journal.AddAsync([New("1")], 1, Cancellation);
            first = journal.Bytes;
            await journal.AddAsync([New("2")], 1, Cancellation);
        }

        var whole = await File.ReadAllBytesAsync(Journal, Cancellation);
        for (var length = (int)first; length < whole.Length; length++)
        {
            await File.WriteAllBytesAsync(Journal, whole[..length], Cancellation);
            using var journal = Open();
            Assert.Null(await journal.AddAsync([New("3")], 1, Cancellation));
            var lines = (await journal.ReadAsync(10, 1_000_000, Cancellation)).Lines;
            Assert.Contains("\"1\"", lines[0], StringComparison.Ordinal);
            Assert.Equal("3", Finding.Parser.ParseJson(lines[^1]).Id);
        }
    }

    [Theory]
    [InlineData("999999")]
    [InlineData("-1")]
    [InlineData("x")]
    [InlineData("")]
    public async Task Mark_that_cannot_be_has_everything_reported_again(string mark)
    {
        using (var journal = Open())
        {
            await journal.AddAsync([New("1"), New("2")], 1, Cancellation);
        }

        await File.WriteAllTextAsync(Journal + ".acknowledged", mark, Cancellation);

        using var again = Open();
        Assert.Equal((2, "1 2"), (again.Lines, await IdsAsync(again)));
    }

    [Fact]
    public async Task Crash_between_the_mark_and_the_cut_reports_again()
    {
        using (var journal = Open())
        {
            await journal.AddAsync([New("1")], 1, Cancellation);
            var content = journal.Bytes;
            var (lines, end) = await journal.ReadAsync(10, 1_000_000, Cancellation);
            Assert.Equal(content, end);
            await journal.AcknowledgeAsync(lines.Count, end, Cancellation);
            Assert.Equal("0", await File.ReadAllTextAsync(Journal + ".acknowledged", Cancellation));
        }

        // As it stood when the mark was written and the file not cut.
        await File.WriteAllTextAsync(Journal, Google.Protobuf.JsonFormatter.Default.Format(New("1")) + "\n", Cancellation);
        using var again = Open();
        Assert.Equal("1", await IdsAsync(again));
    }

    [Fact]
    public async Task Long_journal_is_written_anew_without_what_was_acknowledged()
    {
        using var journal = Open();
        for (var round = 0; round < 10; round++)
        {
            Assert.Null(await journal.AddAsync(Enumerable.Range(0, 1000).Select(index => new Finding { Id = $"{round}-{index}", Cause = new string('x', 1024) }), 1, Cancellation));
        }

        var (lines, end) = await journal.ReadAsync(9_999, int.MaxValue / 2, Cancellation);
        Assert.True(end > 8 * 1024 * 1024);
        await journal.AcknowledgeAsync(lines.Count, end, Cancellation);

        Assert.Equal((1, "9-999"), (journal.Lines, await IdsAsync(journal)));
        Assert.InRange(new FileInfo(Journal).Length, 1, 5000);
        Assert.Null(await journal.AddAsync([New("later")], 1, Cancellation));
        Assert.Equal((2, "9-999 later"), (journal.Lines, await IdsAsync(journal)));
    }

    [Fact]
    public async Task Full_journal_takes_nothing_and_half_of_it_is_for_what_must_be_recorded()
    {
        using var journal = Open();
        var many = Enumerable.Range(0, FindingJournal.MaxLines / 2).Select(_ => new Finding { Id = "x" }).ToArray();

        Assert.Null(await journal.AddAsync(many, 0.5, Cancellation));
        Assert.Contains("full", await journal.AddAsync([New("1")], 0.5, Cancellation), StringComparison.Ordinal);
        Assert.Null(await journal.AddAsync(many, 1, Cancellation));
        Assert.Contains("full", await journal.AddAsync([New("1")], 1, Cancellation), StringComparison.Ordinal);
        Assert.Equal(FindingJournal.MaxLines, journal.Lines);
    }

    [Fact]
    public async Task Two_adapters_do_not_share_a_journal()
    {
        using var first = Open();
        using var second = Open();

        Assert.Null(await first.AddAsync([New("1")], 1, Cancellation));
        Assert.Contains("cannot be written", await second.AddAsync([New("2")], 1, Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Line_without_end_does_not_stop_what_comes_behind_it()
    {
        await File.WriteAllTextAsync(Journal, new string('x', 3000), Cancellation);
        using var journal = Open();
        await journal.AddAsync([New("1")], 1, Cancellation);
        var found = false;
        for (var round = 0; round < 10 && !found; round++)
        {
            var (lines, end) = await journal.ReadAsync(10, 1000, Cancellation);
            found = lines.Any(line => line.Contains("\"1\"", StringComparison.Ordinal));
            await journal.AcknowledgeAsync(lines.Count, end, Cancellation);
        }

        Assert.True(found);
    }

    private FindingJournal Open() => new(
        new AdapterSettings { Service = new Uri("http://127.0.0.1:1"), Cluster = Bench.Cluster, StateDirectory = _directory.FullName }, NullLogger<FindingJournal>.Instance);

    private static async Task<string> IdsAsync(FindingJournal journal) =>
        string.Join(' ', (await journal.ReadAsync(20_000, 60_000_000, Cancellation)).Lines.Select(line => Finding.Parser.ParseJson(line).Id));

    private static Finding New(string id) => new() { Id = id, Image = "a:1", Kind = FindingKind.BreakGlass };
}
