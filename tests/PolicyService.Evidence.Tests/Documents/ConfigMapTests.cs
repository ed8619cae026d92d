using PolicyService.Evidence.Documents;

namespace PolicyService.Evidence.Tests.Documents;

public sealed class ConfigMapTests : IDisposable
{
    private readonly TestDirectory _directory = new();
    private readonly ConfigMap _map;

    public ConfigMapTests()
    {
        _map = new ConfigMap(_directory);
        _map.Prepare('a', 'b');
        _map.Swap('a');
    }

    /// <summary>Before which of the four files of each attempt the swap happens.</summary>
    public static TheoryData<int> Moments => [1, 2, 3, 4];

    [Fact]
    public void Links_are_read_and_what_they_lead_through_is_not()
    {
        var reading = _directory.Read();

        Assert.Equal("a", ConfigMap.VersionsOf(reading));
        Assert.Empty(reading.Problems);
        Assert.False(_directory.ReadSettled().Changed);
    }

    [Fact]
    public void Swap_is_noticed_though_every_time_and_length_stays()
    {
        Assert.Equal("a", ConfigMap.VersionsOf(_directory.ReadSettled()));

        _map.Swap('b');
        var reading = _directory.Read();

        Assert.True(reading.Changed);
        Assert.Equal("b", ConfigMap.VersionsOf(reading));
    }

    [Fact]
    public void Swap_of_the_directory_itself_is_noticed_though_every_time_and_length_stays()
    {
        using var holder = new TestDirectory();
        holder.Link("current", _directory.PathOf("..a"));
        var documents = new DocumentDirectory(holder.PathOf("current"), _directory.Clock);
        _directory.Clock.Now += TimeSpan.FromMinutes(1);
        Assert.Equal("a", ConfigMap.VersionsOf(documents.Read()));

        holder.Link("next", _directory.PathOf("..b"));
        Posix.Rename(holder.PathOf("next"), holder.PathOf("current"));

        Assert.Equal("b", ConfigMap.VersionsOf(documents.Read()));
    }

    [Theory, MemberData(nameof(Moments))]
    [Trait("attack", "94")]
    public void Swap_in_the_middle_of_a_first_reading_gives_the_new_version_whole(int moment)
    {
        _directory.Clock.OnAsked = asked => SwapAt(asked, moment);

        Assert.Equal("b", ConfigMap.VersionsOf(_directory.Read()));
    }

    [Theory, MemberData(nameof(Moments))]
    [Trait("attack", "94")]
    public void Swap_in_the_middle_of_a_later_reading_gives_the_new_version_whole(int moment)
    {
        Assert.Equal("a", ConfigMap.VersionsOf(_directory.Read()));
        var before = _directory.Clock.Asked;
        _directory.Clock.OnAsked = asked => SwapAt(asked - before, moment);

        Assert.Equal("b", ConfigMap.VersionsOf(_directory.Read()));
    }

    [Theory, MemberData(nameof(Moments))]
    [Trait("attack", "94")]
    public void Swap_there_and_back_again_in_the_middle_of_a_reading_shows_nothing_of_the_other_version(int moment)
    {
        _directory.Clock.Now += TimeSpan.FromMinutes(1);
        _directory.Clock.OnAsked = asked =>
        {
            if (asked == moment || asked == 5)
            {
                _map.Swap('b');
            }
            else if (asked is 4 or 8)
            {
                _map.Swap('a');
            }
        };

        Assert.Equal("a", ConfigMap.VersionsOf(_directory.Read()));
        Assert.Equal("a", ConfigMap.VersionsOf(_directory.Read()));
    }

    [Fact]
    [Trait("attack", "94")]
    public void Swaps_by_another_thread_never_show_two_versions()
    {
        const int Readings = 300;
        using var started = new SemaphoreSlim(0);
        using var swapped = new SemaphoreSlim(0);
        var random = new Random(7);
        var swapper = new Thread(() =>
        {
            for (var reading = 0; reading < Readings; reading++)
            {
                started.Wait();
                Thread.SpinWait(random.Next(60_000));
                _map.Swap(_map.Current == 'a' ? 'b' : 'a');
                swapped.Release();
            }
        });
        swapper.Start();
        var torn = new List<string>();
        for (var reading = 0; reading < Readings; reading++)
        {
            started.Release();
            var versions = ConfigMap.VersionsOf(_directory.Read());
            swapped.Wait(TestContext.Current.CancellationToken);
            if (versions.Length != 1)
            {
                torn.Add(versions);
            }
        }

        swapper.Join();
        Assert.Empty(torn);
        Assert.Equal(_map.Current.ToString(), ConfigMap.VersionsOf(_directory.Read()));
    }

    [Theory, MemberData(nameof(Moments))]
    [Trait("attack", "94")]
    public void Files_written_in_the_middle_of_a_reading_are_read_again(int moment)
    {
        using var directory = new TestDirectory();
        directory.Clock.OnAsked = asked =>
        {
            if (asked == moment)
            {
                directory.Clock.Now += TimeSpan.FromSeconds(1);
                WriteAll('b');
            }
        };
        WriteAll('a');

        Assert.Equal("b", ConfigMap.VersionsOf(directory.Read()));

        void WriteAll(char version)
        {
            directory.Write("policy.yaml", Texts.Require($"x{version}"));
            directory.Write("attestors/x.yaml", Texts.Attestor($"x{version}", "n"));
            directory.Write("attestors/y.yaml", Texts.Attestor($"y{version}", "n"));
            directory.Write("options.yaml", Texts.Options(version - 'a' + 1));
        }
    }

    [Fact]
    public void Key_dropped_from_the_map_is_a_deletion_at_once()
    {
        _directory.Read();
        File.Delete(_directory.PathOf("..b/options.yaml"));
        File.Delete(_directory.PathOf("..b/attestors/y.yaml"));

        // The cluster swaps first, and removes the links that dangle then afterwards.
        _map.Swap('b');
        var dangling = _directory.Read();
        _directory.Delete("options.yaml");

        Assert.Equal(24, dangling.Documents.Projects.Single().Options.MaxSnapshotAge.TotalHours);
        Assert.Equal("xb", Assert.Single(dangling.Documents.Projects.Single().Attestors).Name.Id);
        Assert.Equal("options.yaml", Assert.Single(dangling.Problems).File);
        Assert.Empty(_directory.Read().Problems);
    }

    public void Dispose() => _directory.Dispose();

    private void SwapAt(int asked, int moment)
    {
        if (asked == moment)
        {
            _map.Swap('b');
        }
    }
}
