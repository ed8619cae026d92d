using System.Text;
using PolicyService.Core.Documents;

namespace PolicyService.Evidence.Tests.Documents;

public sealed class HeldFileTests : IDisposable
{
    private readonly TestDirectory _directory = new();

    /// <summary>Every kind of file, good and bad, and what stands for one that never was good.</summary>
    public static TheoryData<string, string, string, string, string> Kinds => new()
    {
        { "policy.yaml", Texts.Deny, Texts.Bad, "acme policy AlwaysDeny", "" },
        { "attestors/qa.yaml", Texts.Attestor("qa", "a"), "name: qa", "attestor qa projects/acme/notes/a", "" },
        { "attestations/one.yaml", Texts.Occurrence("a"), "noteName: 7", "attestation projects/acme/notes/a", "" },
        { "platform-policies/b.yaml", Texts.PlatformPolicy("a"), "name: b", "platform policy projects/acme/platforms/gke/policies/a", "" },
        { "options.yaml", Texts.Options(1), "maxSnapshotAge: soon", "options 1 h", "options refused" },
        { "system-policy.yaml", Texts.SystemPolicy("a"), "admissionWhitelistPatterns: [{namePattern: '*'}]", "system policy a.test/a", "" },
        { "clusters.yaml", Texts.Clusters("GKE"), Texts.Clusters("MOON"), "clusters Gke", "clusters refused" },
        { "projects/acme/policy.yaml", Texts.Deny, Texts.Bad, "acme policy AlwaysDeny", "" },
    };

    [Theory, MemberData(nameof(Kinds))]
    [Trait("attack", "95")]
    public void Bad_file_is_absent_at_its_first_load_and_held_after_a_good_one(string path, string good, string bad, string shown, string refused)
    {
        _directory.Write(path, bad);
        var first = _directory.Read();
        _directory.Write(path, good);
        var mended = _directory.Read();
        _directory.Write(path, bad);
        var held = _directory.Read();
        _directory.Write(path, good);
        var again = _directory.Read();

        Assert.Equal((true, refused), (first.Changed, Texts.Shown(first)));
        Assert.Equal((true, shown), (mended.Changed, Texts.Shown(mended)));
        Assert.Equal((true, shown), (held.Changed, Texts.Shown(held)));
        Assert.Equal((true, shown), (again.Changed, Texts.Shown(again)));
        Assert.All([first, held], reading => Assert.Contains(reading.Problems, problem => problem.File == path && problem.Severity is ProblemSeverity.Error));
        Assert.All([mended, again], reading => Assert.Empty(reading.Problems));
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Deletion_counts_at_once_even_while_the_file_is_held(string path, string good, string bad, string shown, string refused)
    {
        _directory.Write(path, good);
        _directory.Read();
        _directory.Write(path, bad);
        Assert.Equal(shown, Texts.Shown(_directory.Read()));

        _directory.Delete(path);
        var deleted = _directory.Read();
        _directory.Write(path, bad);
        var back = _directory.Read();

        Assert.Equal((true, ""), (deleted.Changed, Texts.Shown(deleted)));
        Assert.Empty(deleted.Problems);
        Assert.Equal((true, refused), (back.Changed, Texts.Shown(back)));
    }

    [Fact]
    [Trait("attack", "95")]
    public void Problem_names_file_line_and_column()
    {
        _directory.Write("policy.yaml", Texts.Bad);

        var problem = Assert.Single(_directory.Read().Problems);

        Assert.Equal("policy.yaml:3:19", string.Join(':', problem.ToString().Split(':').Take(3)));
        Assert.Contains("ALWAYS_SHRUG", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Problems_of_a_held_file_are_those_of_its_newest_version()
    {
        _directory.Write("policy.yaml", Texts.Deny);
        _directory.Read();
        _directory.Write("policy.yaml", Texts.Bad);
        _directory.Read();
        _directory.Write("policy.yaml", Texts.Bad.Replace("SHRUG", "NOD", StringComparison.Ordinal));

        var reading = _directory.ReadSettled();

        Assert.Equal("acme policy AlwaysDeny", Texts.Shown(reading));
        Assert.Contains("ALWAYS_NOD", Assert.Single(reading.Problems).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bad_file_spoils_no_other()
    {
        _directory.Write("policy.yaml", Texts.Deny);
        _directory.Write("attestors/a.yaml", "{");
        _directory.Write("attestors/b.yaml", Texts.Attestor("b", "b"));
        _directory.Write("attestations/a.yaml", "{");
        _directory.Write("attestations/b.yaml", Texts.Occurrence("b"));

        var reading = _directory.Read();

        Assert.Equal("acme policy AlwaysDeny; attestor b projects/acme/notes/b; attestation projects/acme/notes/b", Texts.Shown(reading));
        Assert.Equal(["attestations/a.yaml", "attestors/a.yaml"], reading.Problems.Select(problem => problem.File).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void File_read_while_it_is_being_written_is_the_old_one_or_the_new_one()
    {
        var text = Encoding.UTF8.GetBytes("{\"name\": \"projects/acme/policy\", \"defaultAdmissionRule\": "
            + "{\"evaluationMode\": \"ALWAYS_ALLOW\", \"enforcementMode\": \"ENFORCED_BLOCK_AND_AUDIT_LOG\"}}");
        _directory.Write("policy.json", Texts.Deny.Replace("{", "{\"", StringComparison.Ordinal)
            .Replace(": ", "\": \"", StringComparison.Ordinal).Replace(", ", "\", \"", StringComparison.Ordinal)
            .Replace("\"{", "{", StringComparison.Ordinal).Replace("}}", "\"}}", StringComparison.Ordinal));
        Assert.Equal("acme policy AlwaysDeny", Texts.Shown(_directory.Read()));

        for (var length = 0; length < text.Length; length++)
        {
            _directory.Write("policy.json", text[..length]);
            var reading = _directory.Read();
            Assert.True(Texts.Shown(reading) == "acme policy AlwaysDeny" && reading.Problems.Count > 0, $"after {length} bytes");
        }

        _directory.Write("policy.json", text);
        Assert.Equal("acme policy AlwaysAllow", Texts.Shown(_directory.Read()));
    }

    [Fact]
    public void Unreadable_file_is_held_and_reported_until_it_can_be_read()
    {
        _directory.Write("policy.yaml", Texts.Deny);
        _directory.Write("attestors/qa.yaml", Texts.Attestor("qa", "a"));
        _directory.Read();
        _directory.Write("policy.yaml", Texts.Allow);
        _directory.Write("options.yaml", Texts.Options(1));
        string[] closed = ["policy.yaml", "options.yaml"];
        Array.ForEach(closed, path => Posix.ChangeMode(_directory.PathOf(path), 0));

        Posix.WithPermissionsInForce(() =>
        {
            var reading = _directory.Read();
            Assert.Equal((true, "acme policy AlwaysDeny; attestor qa projects/acme/notes/a; options refused"), (reading.Changed, Texts.Shown(reading)));
            Assert.Equal(closed.Order(StringComparer.Ordinal), reading.Problems.Select(problem => problem.File).Order(StringComparer.Ordinal));
            Assert.All(reading.Problems, problem => Assert.Contains("cannot be read", problem.Message, StringComparison.Ordinal));
            Assert.False(_directory.Read().Changed);
        });

        // A right is no part of a file's stamp: the service looks again all by itself.
        Array.ForEach(closed, path => Posix.ChangeMode(_directory.PathOf(path), 0x180));
        _directory.Clock.Now += TimeSpan.FromHours(1);
        var open = _directory.Read();
        Assert.Equal((true, "acme policy AlwaysAllow; attestor qa projects/acme/notes/a; options 1 h"), (open.Changed, Texts.Shown(open)));
        Assert.Empty(open.Problems);
    }

    [Fact]
    public void Two_files_for_one_thing_count_neither()
    {
        _directory.Write("policy.yaml", Texts.Allow);
        _directory.Write("policy.yml", Texts.Deny);

        var reading = _directory.Read();
        _directory.Delete("policy.yaml");

        Assert.Equal("", Texts.Shown(reading));
        Assert.Equal(2, reading.Problems.Count);
        Assert.Equal("acme policy AlwaysDeny", Texts.Shown(_directory.Read()));
    }

    public void Dispose() => _directory.Dispose();
}
