using PolicyService.Cli.Pins;
using PolicyService.Cli.Tests.Running;

namespace PolicyService.Cli.Tests.Pins;

public sealed class PinFileTests : IDisposable
{
    private readonly Folder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void File_that_somebody_changed_meanwhile_is_left_alone()
    {
        var path = _folder.Write("options.yaml", "theirs");

        Assert.False(PinFile.TryReplace(path, "old"u8.ToArray(), "new"u8.ToArray(), out var problem));
        Assert.Contains("changed meanwhile", problem, StringComparison.Ordinal);
        Assert.False(PinFile.TryReplace(path, null, "new"u8.ToArray(), out _));
        Assert.False(PinFile.TryReplace(_folder["gone.yaml"], "old"u8.ToArray(), "new"u8.ToArray(), out _));

        Assert.Equal("theirs", File.ReadAllText(path));
        Assert.Equal([path], Directory.EnumerateFileSystemEntries(_folder.Path));
        Assert.True(PinFile.TryReplace(path, "theirs"u8.ToArray(), "new"u8.ToArray(), out problem), problem);
        Assert.Equal("new", File.ReadAllText(path));
    }

    [Fact]
    public void Directory_that_is_not_there_is_a_problem_and_no_exception()
    {
        Assert.False(PinFile.TryReplace(_folder["nowhere/options.yaml"], null, "new"u8.ToArray(), out var problem));
        Assert.Contains("cannot be written", problem, StringComparison.Ordinal);
    }
}
