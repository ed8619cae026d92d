using PolicyService.Core.Documents;

namespace PolicyService.Core.Tests.Documents;

public sealed class ShownTests
{
    [Fact]
    public void Long_value_is_cut_at_its_end_and_a_long_path_at_its_beginning()
    {
        var path = $"/{string.Concat(Enumerable.Repeat("directory/", 20))}policy.yaml";

        Assert.Equal($"{path[..120]}… (212 characters)", Shown.Value(path));
        Assert.Equal($"…{path[^120..]}", Shown.Path(path));
        Assert.Equal(path[^120..], Shown.Path(path[^120..]));
    }

    [Fact]
    public void Problem_of_a_document_names_its_file_however_deep_it_lies()
    {
        var problem = new DocumentProblem($"/{string.Concat(Enumerable.Repeat("directory/", 20))}a\u202eb.yaml", new Mark(3, 7), "m", "r", ProblemSeverity.Error);

        Assert.EndsWith("/directory/a\\u202eb.yaml:3:7: error: m; r", problem.ToString(), StringComparison.Ordinal);
    }
}
