namespace PolicyService.Evidence.Tests.Documents;

public sealed class VanishingDirectoryTests : IDisposable
{
    private readonly TestDirectory _directory = new();

    private string Away => _directory.Root + ".away";

    [Fact]
    public void Directory_that_never_was_there_cannot_be_read()
    {
        Directory.Delete(_directory.Root);

        Assert.Throws<DirectoryNotFoundException>(_directory.Read);

        Directory.CreateDirectory(_directory.Root);
        Assert.Empty(_directory.Read().Documents.Projects);
    }

    [Fact]
    public void Directory_that_vanishes_is_an_error_and_what_was_held_is_there_when_it_comes_back()
    {
        _directory.Write("policy.yaml", Texts.Deny);
        _directory.Read();
        _directory.Write("policy.yaml", Texts.Bad);
        var before = _directory.ReadSettled();

        Directory.Move(_directory.Root, Away);
        Assert.ThrowsAny<IOException>(_directory.Read);
        Assert.ThrowsAny<IOException>(_directory.Read);
        Directory.Move(Away, _directory.Root);
        var after = _directory.Read();

        Assert.False(after.Changed);
        Assert.Same(before.Documents, after.Documents);
        Assert.Equal("acme policy AlwaysDeny", Texts.Shown(after));
        Assert.Single(after.Problems);
    }

    [Fact]
    public void Directory_that_comes_back_changed_is_a_change()
    {
        _directory.Write("policy.yaml", Texts.Deny);
        _directory.ReadSettled();
        Directory.Move(_directory.Root, Away);
        Assert.ThrowsAny<IOException>(_directory.Read);
        Directory.Move(Away, _directory.Root);
        _directory.Write("policy.yaml", Texts.Allow);

        var reading = _directory.Read();

        Assert.Equal((true, "acme policy AlwaysAllow"), (reading.Changed, Texts.Shown(reading)));
    }

    [Fact]
    public void What_a_reading_took_in_before_it_failed_is_told_by_the_next()
    {
        _directory.Write("attestors/qa.yaml", Texts.Attestor("qa", "a"));
        _directory.Write("policy.yaml", Texts.Deny);
        _directory.Write("options.yaml", Texts.Options(1));
        _directory.ReadSettled();
        _directory.Write("policy.yaml", Texts.Allow);
        _directory.Delete("options.yaml");
        _directory.Clock.Now += TimeSpan.FromMinutes(1);

        // The folder closes after the first look at the directory and before the second.
        _directory.Clock.OnAsked = _ => Posix.ChangeMode(_directory.PathOf("attestors"), 0);
        Posix.WithPermissionsInForce(() => Assert.Throws<UnauthorizedAccessException>(_directory.Read));
        Posix.ChangeMode(_directory.PathOf("attestors"), 0x1C0);
        var reading = _directory.Read();

        Assert.Equal((true, "acme policy AlwaysAllow; attestor qa projects/acme/notes/a"), (reading.Changed, Texts.Shown(reading)));
        Assert.False(_directory.Read().Changed);
    }

    public void Dispose() => _directory.Dispose();
}
