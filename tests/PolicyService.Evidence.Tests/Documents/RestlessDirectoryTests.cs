namespace PolicyService.Evidence.Tests.Documents;

/// <summary>A directory that changes during every reading of it.</summary>
public sealed class RestlessDirectoryTests : IDisposable
{
    private readonly TestDirectory _directory = new();
    private readonly ConfigMap _map;

    public RestlessDirectoryTests()
    {
        _map = new ConfigMap(_directory);
        _map.Prepare('a', 'b');
        _map.Swap('a');
    }

    [Fact]
    [Trait("attack", "94")]
    public void Directory_that_never_rests_is_not_published_and_soon_called_unreadable()
    {
        Assert.Equal("a", ConfigMap.VersionsOf(_directory.Read()));
        NeverRest();

        var kept = _directory.Read();
        Assert.False(kept.Changed);
        Assert.Equal("a", ConfigMap.VersionsOf(kept));
        Assert.Contains("changed", Assert.Throws<IOException>(() => _directory.Read()).Message, StringComparison.Ordinal);

        Rest();
        var rested = _map.Current.ToString();
        Assert.Equal(rested, ConfigMap.VersionsOf(_directory.Read()));
        NeverRest();
        Assert.Equal(rested, ConfigMap.VersionsOf(_directory.Read()));
    }

    [Fact]
    public void Directory_that_never_rests_at_first_is_read_once_it_does()
    {
        NeverRest();
        Assert.Throws<IOException>(() => _directory.Read());

        Rest();

        Assert.Equal(_map.Current.ToString(), ConfigMap.VersionsOf(_directory.Read()));
    }

    [Fact]
    [Trait("attack", "94")]
    public void Swaps_without_pause_never_show_two_versions()
    {
        using var ended = new CancellationTokenSource();
        var swapper = new Thread(() =>
        {
            while (!ended.IsCancellationRequested)
            {
                _map.Swap(_map.Current == 'a' ? 'b' : 'a');
            }
        });
        _directory.Read();
        swapper.Start();
        var torn = new List<string>();
        for (var reading = 0; reading < 500; reading++)
        {
            try
            {
                var versions = ConfigMap.VersionsOf(_directory.Read());
                if (versions.Length != 1)
                {
                    torn.Add(versions);
                }
            }
            catch (IOException)
            {
                // It never stood still, and said so.
            }
        }

        ended.Cancel();
        swapper.Join();
        Assert.Empty(torn);
        Assert.Equal(_map.Current.ToString(), ConfigMap.VersionsOf(_directory.Read()));
    }

    [Fact]
    public void Folder_that_goes_while_it_is_listed_is_no_failure()
    {
        using var ended = new CancellationTokenSource();
        _directory.Write("projects/other/policy.yaml", Texts.Deny.Replace("acme", "other", StringComparison.Ordinal));
        var folder = _directory.PathOf("projects/other/attestations");
        var remover = new Thread(() =>
        {
            while (!ended.IsCancellationRequested)
            {
                Directory.CreateDirectory(folder);
                Directory.Delete(folder);
            }
        });
        _directory.Read();
        remover.Start();
        for (var reading = 0; reading < 500; reading++)
        {
            Assert.Equal(2, _directory.Read().Documents.Projects.Count);
        }

        ended.Cancel();
        remover.Join();
    }

    public void Dispose() => _directory.Dispose();

    /// <summary>Every reading meets a swap before its last file.</summary>
    private void NeverRest() => _directory.Clock.OnAsked = asked =>
    {
        if (asked % 4 == 0)
        {
            _map.Swap(_map.Current == 'a' ? 'b' : 'a');
        }
    };

    private void Rest() => _directory.Clock.OnAsked = _ => { };
}
