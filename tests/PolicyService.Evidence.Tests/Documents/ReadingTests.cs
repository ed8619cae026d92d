namespace PolicyService.Evidence.Tests.Documents;

public sealed class ReadingTests : IDisposable
{
    private readonly TestDirectory _directory = new();

    /// <summary>Every kind of file at every place it may stand: its path, two versions, and what each shows.</summary>
    public static TheoryData<string, string, string, string, string> Kinds => new()
    {
        { "policy.yaml", Texts.Deny, Texts.Allow, "acme policy AlwaysDeny", "acme policy AlwaysAllow" },
        { "policy.yml", Texts.Deny, Texts.Allow, "acme policy AlwaysDeny", "acme policy AlwaysAllow" },
        { "policy.json", Json(Texts.Deny), Json(Texts.Allow), "acme policy AlwaysDeny", "acme policy AlwaysAllow" },
        { "attestors/any.yaml", Texts.Attestor("qa", "a"), Texts.Attestor("qa", "b"), "attestor qa projects/acme/notes/a", "attestor qa projects/acme/notes/b" },
        { "attestations/one.yaml", Texts.Occurrence("a"), Texts.Occurrence("b"), "attestation projects/acme/notes/a", "attestation projects/acme/notes/b" },
        {
            "attestations/list.yaml", $"[{Texts.Occurrence("a")}]", $"occurrences: [{Texts.Occurrence("a")}, {Texts.Occurrence("b")}]",
            "attestation projects/acme/notes/a", "attestation projects/acme/notes/a; attestation projects/acme/notes/b"
        },
        {
            "platform-policies/base.yaml", Texts.PlatformPolicy("a"), Texts.PlatformPolicy("b"),
            "platform policy projects/acme/platforms/gke/policies/a", "platform policy projects/acme/platforms/gke/policies/b"
        },
        { "options.yaml", Texts.Options(1), Texts.Options(2), "options 1 h", "options 2 h" },
        { "system-policy.yaml", Texts.SystemPolicy("a"), Texts.SystemPolicy("b"), "system policy a.test/a", "system policy a.test/b" },
        { "clusters.yaml", Texts.Clusters("GKE"), Texts.Clusters("ON_PREM"), "clusters Gke", "clusters OnPrem" },
        { "projects/acme/policy.yaml", Texts.Deny, Texts.Allow, "acme policy AlwaysDeny", "acme policy AlwaysAllow" },
        {
            "projects/acme/attestors/qa.yaml", Texts.Attestor("qa", "a"), Texts.Attestor("qa", "b"),
            "attestor qa projects/acme/notes/a", "attestor qa projects/acme/notes/b"
        },
        {
            "projects/acme/attestations/one.yaml", Texts.Occurrence("a"), Texts.Occurrence("b"),
            "attestation projects/acme/notes/a", "attestation projects/acme/notes/b"
        },
        {
            "projects/acme/platform-policies/base.yaml", Texts.PlatformPolicy("a"), Texts.PlatformPolicy("b"),
            "platform policy projects/acme/platforms/gke/policies/a", "platform policy projects/acme/platforms/gke/policies/b"
        },
        { "projects/acme/options.yaml", Texts.Options(1), Texts.Options(2), "options 1 h", "options 2 h" },
    };

    [Theory, MemberData(nameof(Kinds))]
    public void File_counts_from_its_first_reading(string path, string one, string other, string shownOne, string shownOther)
    {
        foreach (var (text, shown) in new[] { (one, shownOne), (other, shownOther) })
        {
            using var directory = new TestDirectory();
            directory.Write(path, text);

            var reading = directory.Read();

            Assert.True(reading.Changed);
            Assert.Equal(shown, Texts.Shown(reading));
            Assert.Empty(reading.Problems);
        }
    }

    [Theory, MemberData(nameof(Kinds))]
    public void File_that_is_added_changed_and_deleted_counts_at_once(string path, string one, string other, string shownOne, string shownOther)
    {
        Assert.False(_directory.ReadSettled().Changed);

        _directory.Write(path, one);
        var added = _directory.Read();
        _directory.ReadSettled();
        _directory.Write(path, other);
        var changed = _directory.Read();
        _directory.ReadSettled();
        _directory.Delete(path);
        var deleted = _directory.Read();

        Assert.Equal((true, shownOne), (added.Changed, Texts.Shown(added)));
        Assert.Equal((true, shownOther), (changed.Changed, Texts.Shown(changed)));
        Assert.Equal((true, ""), (deleted.Changed, Texts.Shown(deleted)));
        Assert.Empty(deleted.Problems);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void File_replaced_by_renaming_counts_at_once(string path, string one, string other, string shownOne, string shownOther)
    {
        _directory.Write(path, one);
        Assert.Equal(shownOne, Texts.Shown(_directory.ReadSettled()));

        var hidden = Path.Combine(Path.GetDirectoryName(path)!, ".new");
        _directory.Write(hidden, other);
        Assert.False(_directory.Read().Changed);
        Posix.Rename(_directory.PathOf(hidden), _directory.PathOf(path));

        var reading = _directory.Read();
        Assert.Equal((true, shownOther), (reading.Changed, Texts.Shown(reading)));
    }

    [Fact]
    public void Empty_directory_has_no_documents_and_no_problems()
    {
        var reading = _directory.Read();

        Assert.False(reading.Changed);
        Assert.Empty(reading.Documents.Projects);
        Assert.Empty(reading.Problems);
    }

    [Fact]
    public void Reading_without_a_change_gives_the_same_documents_and_reads_no_file()
    {
        _directory.Write("policy.yaml", Texts.Deny);
        _directory.Write("attestors/qa.yaml", "nonsense: true");
        var first = _directory.ReadSettled();
        var asked = _directory.Clock.Asked;

        var second = _directory.Read();

        Assert.False(second.Changed);
        Assert.Same(first.Documents, second.Documents);
        Assert.NotEmpty(second.Problems);
        Assert.Equal(first.Problems, second.Problems);
        Assert.Equal(asked, _directory.Clock.Asked);
    }

    [Fact]
    public void File_touched_but_not_changed_is_no_change()
    {
        _directory.Write("policy.yaml", Texts.Deny);
        var first = _directory.ReadSettled();
        _directory.Write("policy.yaml", Texts.Deny);

        var second = _directory.Read();

        Assert.False(second.Changed);
        Assert.Same(first.Documents, second.Documents);
    }

    [Fact]
    public void Projects_stand_beside_each_other_and_beside_the_root()
    {
        _directory.Write("policy.yaml", Texts.Deny);
        _directory.Write("projects/beta/policy.yaml", Texts.Allow.Replace("acme", "beta", StringComparison.Ordinal));
        _directory.Write("projects/gamma/options.yaml", Texts.Options(3));

        var reading = _directory.Read();

        Assert.Equal(["acme", "beta", "gamma"], reading.Documents.Projects.Select(project => project.Id));
        Assert.Equal("acme policy AlwaysDeny; beta policy AlwaysAllow; options 3 h", Texts.Shown(reading));
        Assert.Empty(reading.Problems);
    }

    [Fact]
    public void Document_of_another_project_counts_neither_there_nor_here()
    {
        _directory.Write("projects/beta/attestors/qa.yaml", Texts.Attestor("qa", "a"));

        var reading = _directory.Read();

        Assert.Equal("", Texts.Shown(reading));
        Assert.Equal("projects/beta/attestors/qa.yaml", Assert.Single(reading.Problems).File);
    }

    public void Dispose() => _directory.Dispose();

    private static string Json(string flow) =>
        System.Text.RegularExpressions.Regex.Replace(flow, "[A-Za-z_/]+", match => $"\"{match.Value}\"");
}
