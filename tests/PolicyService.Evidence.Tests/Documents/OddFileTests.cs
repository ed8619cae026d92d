using System.Text;
using PolicyService.Core;
using PolicyService.Core.Documents;
using PolicyService.Evidence.Documents;

namespace PolicyService.Evidence.Tests.Documents;

public sealed class OddFileTests : IDisposable
{
    private readonly TestDirectory _directory = new();

    public OddFileTests() => _directory.Write("attestors/qa.yaml", Texts.Attestor("qa", "a"));

    public static TheoryData<string, string> Unknown => new()
    {
        { "misspelt at the root", "polices.yaml" },
        { "another ending in a folder", "attestors/qa.yaml.bak" },
        { "no ending in a folder", "attestations/README" },
        { "the service's own in a project", "projects/acme/clusters.yaml" },
        { "no document in a project", "projects/acme/notes.txt" },
        { "in a folder that is no project", "projects/.../policy.yaml" },
    };

    public static TheoryData<string> Hidden => ["policy.yaml~", ".policy.yaml", ".git/policy.yaml", "attestors/.qa.yaml.swp", "projects/.hidden/policy.yaml", "README.md", "elsewhere/policy.yaml"];

    [Theory, MemberData(nameof(Unknown))]
    public void Unknown_file_is_reported_and_not_read(string name, string path)
    {
        _directory.Write(path.Replace("...", "no project", StringComparison.Ordinal), Texts.Allow);

        var reading = _directory.Read();

        Assert.Equal("attestor qa projects/acme/notes/a", Texts.Shown(reading));
        Assert.True(reading.Problems.Single().Message.Contains("no document belongs", StringComparison.Ordinal), name);
    }

    [Theory, MemberData(nameof(Hidden))]
    public void File_that_is_meant_for_nobody_is_passed_over(string path)
    {
        _directory.Read();
        _directory.Write(path, Texts.Allow);

        var reading = _directory.Read();

        Assert.False(reading.Changed);
        Assert.Empty(reading.Problems);
        Assert.Equal("attestor qa projects/acme/notes/a", Texts.Shown(reading));
    }

    [Theory]
    [InlineData("dangling", "nowhere.yaml", 1)]
    [InlineData("to itself", "policy.yaml", 1)]
    [InlineData("to a directory", "attestors", 0)]
    [InlineData("through a file", "attestors/qa.yaml/policy.yaml", 1)]
    public void Link_that_leads_to_no_file_is_no_file_and_hides_no_other(string name, string target, int problems)
    {
        _directory.Link("policy.yaml", target);

        var reading = _directory.Read();

        Assert.True(Texts.Shown(reading) == "attestor qa projects/acme/notes/a", name);
        Assert.Equal(problems, reading.Problems.Count(problem => problem.File == "policy.yaml"));
    }

    [Theory]
    [InlineData("relative", "..real/policy.yaml")]
    [InlineData("over a link to a directory and back", "..linked/../one/policy.yaml")]
    [InlineData("over another link", "..other")]
    public void Link_is_followed_as_the_system_follows_it(string name, string target)
    {
        _directory.Write("..real/policy.yaml", Texts.Deny);
        _directory.Write("..far/one/policy.yaml", Texts.Deny);
        _directory.Write("..far/two/policy.yaml", Texts.Allow);
        _directory.Write("one/policy.yaml", Texts.Allow);
        _directory.Link("..linked", _directory.PathOf("..far/two"));
        _directory.Link("..other", _directory.PathOf("./..far/../..real/policy.yaml"));
        _directory.Link("policy.yaml", target);

        Assert.True(Texts.Shown(_directory.Read()).StartsWith("acme policy AlwaysDeny", StringComparison.Ordinal), name);
    }

    [Fact]
    public void Link_that_comes_to_dangle_is_a_deletion()
    {
        _directory.Write("..real/policy.yaml", Texts.Deny);
        _directory.Link("policy.yaml", "..real/policy.yaml");
        Assert.Contains("AlwaysDeny", Texts.Shown(_directory.Read()), StringComparison.Ordinal);

        _directory.Delete("..real/policy.yaml");
        var reading = _directory.Read();

        Assert.Equal((true, "attestor qa projects/acme/notes/a"), (reading.Changed, Texts.Shown(reading)));
    }

    [Fact]
    public void Link_whose_target_is_out_of_reach_is_no_deletion()
    {
        _directory.Write("..real/policy.yaml", Texts.Deny);
        _directory.Link("policy.yaml", "..real/policy.yaml");
        Assert.Contains("AlwaysDeny", Texts.Shown(_directory.Read()), StringComparison.Ordinal);
        var closed = _directory.PathOf("..real");
        Posix.ChangeMode(closed, 0);

        DirectoryReading? reading = null;
        Posix.WithPermissionsInForce(() => reading = _directory.Read());
        Posix.ChangeMode(closed, 0x1C0); // 0700

        Assert.Contains("AlwaysDeny", Texts.Shown(reading!), StringComparison.Ordinal);
        Assert.Contains("cannot be read", Assert.Single(reading!.Problems).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("attestations")]
    [InlineData("projects")]
    [InlineData("projects/acme")]
    [InlineData("projects/acme/attestors")]
    public void Folder_that_is_a_link_to_nothing_is_reported(string link)
    {
        _directory.Write("policy.yaml", Texts.Allow);
        if (link.StartsWith("projects/acme/", StringComparison.Ordinal))
        {
            Directory.CreateDirectory(_directory.PathOf("projects/acme"));
        }

        _directory.Link(link, "nowhere");

        var problem = Assert.Single(_directory.Read().Problems);
        Assert.Equal((link, ProblemSeverity.Warning), (problem.File, problem.Severity));
        Assert.Contains("leads to nothing", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Contents_tell_of_links_to_nothing_and_of_files_out_of_reach()
    {
        _directory.Write("policy.yaml", Texts.Allow);
        _directory.Link("options.yaml", "nowhere.yaml");
        Posix.ChangeMode(_directory.PathOf("policy.yaml"), 0);

        DirectoryContents? contents = null;
        Posix.WithPermissionsInForce(() => contents = DocumentDirectory.Contents(_directory.Root));

        Assert.Equal(["attestors/qa.yaml"], contents!.Files.Select(file => file.Path));
        Assert.Equal(
            [("options.yaml", ProblemSeverity.Warning), ("policy.yaml", ProblemSeverity.Error)],
            contents.Problems.Select(problem => (problem.File, problem.Severity)).Order());
    }

    [Fact]
    public void Folder_out_of_reach_makes_the_reading_fail()
    {
        _directory.Write("projects/acme/policy.yaml", Texts.Deny);
        _directory.Read();
        var closed = _directory.PathOf("projects");
        Posix.ChangeMode(closed, 0);

        var exception = Record.Exception(() => Posix.WithPermissionsInForce(() => _directory.Read()));
        Posix.ChangeMode(closed, 0x1C0); // 0700

        Assert.IsType<UnauthorizedAccessException>(exception);
    }

    [Fact]
    public void Change_that_keeps_length_and_time_counts_at_once()
    {
        _directory.Write("policy.yaml", Texts.Allow);
        var written = File.GetLastWriteTimeUtc(_directory.PathOf("policy.yaml"));
        Assert.Contains("AlwaysAllow", Texts.Shown(_directory.ReadSettled()), StringComparison.Ordinal);

        Assert.Equal(Texts.Allow.Length, Texts.Deny.Length);
        _directory.Write("policy.yaml", Texts.Deny);
        File.SetLastWriteTimeUtc(_directory.PathOf("policy.yaml"), written);

        Assert.Contains("AlwaysDeny", Texts.Shown(_directory.Read()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("policy.yaml")]
    [InlineData("attestations/one.yaml")]
    public void Directory_named_like_a_document_is_none(string path)
    {
        Directory.CreateDirectory(_directory.PathOf(path));

        var reading = _directory.Read();

        Assert.Equal("attestor qa projects/acme/notes/a", Texts.Shown(reading));
    }

    [Fact]
    public async Task Pipe_named_like_a_document_is_an_empty_one_and_nobody_waits_for_it()
    {
        Posix.MakePipe(_directory.PathOf("policy.yaml"));
        Posix.MakePipe(_directory.PathOf("attestations.pipe"));
        _directory.Link("options.yaml", _directory.PathOf("attestations.pipe"));

        var reading = await Task.Run(_directory.Read, TestContext.Current.CancellationToken)
            .WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System, TestContext.Current.CancellationToken);

        Assert.Equal("attestor qa projects/acme/notes/a; options refused", Texts.Shown(reading));
        Assert.Equal(["options.yaml", "policy.yaml"], reading.Problems.Select(problem => problem.File).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Device_without_end_named_like_a_document_is_an_empty_one()
    {
        _directory.Link("policy.yaml", "/dev/zero");

        Assert.Equal("the document is empty", _directory.Read().Problems.Single().Message);
    }

    [Theory]
    [InlineData(Limits.MessageBytes, true)]
    [InlineData(Limits.MessageBytes + 1, false)]
    [InlineData(64L * Limits.MessageBytes, false)]
    public void File_may_have_four_mebibytes(long length, bool isRead)
    {
        var text = new StringBuilder(Texts.Deny);
        while (text.Length < Math.Min(length, Limits.MessageBytes + 1))
        {
            var line = Math.Min(1024, (int)Math.Min(length, Limits.MessageBytes + 1) - text.Length);
            text.Append('\n').Append('#', line - 1);
        }

        _directory.Write("policy.yaml", text.ToString());
        using (var file = new FileStream(_directory.PathOf("policy.yaml"), FileMode.Open))
        {
            file.SetLength(length);
        }

        var reading = _directory.Read();

        Assert.Equal(isRead, Texts.Shown(reading).Contains("AlwaysDeny", StringComparison.Ordinal));
        Assert.Equal(isRead ? 0 : 1, reading.Problems.Count(problem => problem.Message.Contains("more than 4194304", StringComparison.Ordinal)));
    }

    [Fact]
    public void File_that_is_not_UTF8_is_reported()
    {
        _directory.Write("policy.yaml", [0xff, 0xfe, 0x41]);

        Assert.Equal("the document is not UTF-8", _directory.Read().Problems.Single().Message);
    }

    public void Dispose() => _directory.Dispose();
}
