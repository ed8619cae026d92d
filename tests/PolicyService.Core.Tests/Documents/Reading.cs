using System.Text;
using PolicyService.Core.Documents;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Tests.Documents;

/// <summary>Reads one file of a documents directory, and says what a refusal must look like.</summary>
internal static class Reading
{
    public static ParsedDocument Of(string path, string text) => Of(path, Encoding.UTF8.GetBytes(text));

    public static ParsedDocument Of(string path, byte[] content) => DocumentFiles.Parse(path, content);

    public static T Accepted<T>(string path, string text) where T : class
    {
        var read = Of(path, text);
        Assert.Empty(read.Problems);
        return Assert.IsType<T>(read.Content, exactMatch: false);
    }

    /// <summary>The document is refused for exactly one reason, at this place, and its author is told what to do.</summary>
    public static DocumentProblem Refused(string path, string text, int line, int column, string message, string because = "")
    {
        var read = Of(path, text);
        var problem = Assert.Single(read.Problems);
        Assert.Equal($"{line}:{column} {message}", $"{problem.Mark.Line}:{problem.Mark.Column} {problem.Message}");
        Assert.Equal(ProblemSeverity.Error, problem.Severity);
        Assert.NotEmpty(problem.Remedy);
        Assert.Equal(path, problem.File);
        Assert.True(read.Content is null, because);
        return problem;
    }

    /// <summary>Problems as <c>line:column message</c>, in the order they were found.</summary>
    public static string[] Problems(string path, string text) =>
        [.. Of(path, text).Problems.Select(problem => $"{problem.Mark.Line}:{problem.Mark.Column} {problem.Message}")];
}
