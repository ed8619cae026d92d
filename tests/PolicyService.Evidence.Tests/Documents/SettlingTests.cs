namespace PolicyService.Evidence.Tests.Documents;

/// <summary>A second write within the resolution of the file system's clock leaves no trace in a file's time.</summary>
public sealed class SettlingTests : IDisposable
{
    private readonly TestDirectory _directory = new();

    public static TheoryData<string, double, bool> Ages => new()
    {
        { "read at once", 0, true },
        { "read within the settling time", 1.9, true },
        { "read at its end", 2, true },
        { "read after it", 2.1, false },
        { "written in the future, as another machine's clock has it", -3600, true },
    };

    [Fact]
    public void Second_write_of_the_same_time_and_length_is_noticed()
    {
        Assert.Equal(Texts.Deny.Length, Texts.Allow.Length);
        var written = _directory.Clock.Now;
        _directory.Write("policy.yaml", Texts.Deny);
        Assert.Equal("acme policy AlwaysDeny", Texts.Shown(_directory.Read()));
        _directory.Write("policy.yaml", Texts.Allow);
        Assert.Equal(written.UtcDateTime, File.GetLastWriteTimeUtc(_directory.PathOf("policy.yaml")));

        // However late the next reading comes.
        _directory.Clock.Now += TimeSpan.FromHours(1);
        var reading = _directory.Read();

        Assert.Equal((true, "acme policy AlwaysAllow"), (reading.Changed, Texts.Shown(reading)));
    }

    [Theory, MemberData(nameof(Ages))]
    public void Young_file_is_read_again(string name, double seconds, bool isReadAgain)
    {
        _directory.Write("policy.yaml", Texts.Deny);
        _directory.Clock.Now += TimeSpan.FromSeconds(seconds);
        _directory.Read();
        var asked = _directory.Clock.Asked;

        var reading = _directory.Read();

        Assert.False(reading.Changed);
        Assert.True(isReadAgain == (_directory.Clock.Asked > asked), name);
    }

    [Theory]
    [InlineData("times", 1, "")]
    [InlineData("lengths", 0, " ")]
    public void Old_file_is_read_again_where_it_differs_in(string name, int seconds, string more)
    {
        _directory.Write("policy.yaml", Texts.Deny);
        var written = _directory.Clock.Now;
        _directory.ReadSettled();

        File.WriteAllText(_directory.PathOf("policy.yaml"), Texts.Allow + more);
        File.SetLastWriteTimeUtc(_directory.PathOf("policy.yaml"), written.AddSeconds(seconds).UtcDateTime);

        Assert.True(Texts.Shown(_directory.Read()) == "acme policy AlwaysAllow", name);
    }

    public void Dispose() => _directory.Dispose();
}
