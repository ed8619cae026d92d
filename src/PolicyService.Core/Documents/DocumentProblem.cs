namespace PolicyService.Core.Documents;

/// <summary>What a problem costs.</summary>
public enum ProblemSeverity
{
    /// <summary>The document is refused.</summary>
    Error,

    /// <summary>The document stands; a part of it does not count.</summary>
    Warning,
}

/// <summary>One thing wrong with a document, and what to do about it.</summary>
public sealed record DocumentProblem(string File, Mark Mark, string Message, string Remedy, ProblemSeverity Severity)
{
    /// <summary>Name of a field that is missing in the mapping at <see cref="Mark"/>; empty where the problem is with what stands there.</summary>
    public string Missing { get; init; } = "";

    public override string ToString() =>
        $"{Shown.Path(File)}:{Mark.Line}:{Mark.Column}: {(Severity is ProblemSeverity.Error ? "error" : "warning")}: {Message}; {Remedy}";
}

/// <summary>All problems of one document: reading goes on after the first.</summary>
public sealed class ProblemList(string file)
{
    private readonly List<DocumentProblem> _problems = [];

    public string File => file;

    /// <summary>
    /// A number or a word does not pass for a string: so it is in JSON that comes over the wire. In files, which people write, it does.
    /// </summary>
    public bool IsStrict { get; init; }

    /// <summary>Told of every field a reader asks for; tests hold the schemas against it.</summary>
    internal Action<MappingNode, string>? FieldAsked { get; init; }

    public IReadOnlyList<DocumentProblem> Problems => _problems;

    /// <summary>Problems beyond <see cref="Limits.ProblemsPerDocument"/>, which are only counted.</summary>
    public int Unlisted { get; private set; }

    /// <summary>Errors found so far, listed or not; a reader compares it to tell whether its own part is sound.</summary>
    public int ErrorCount { get; private set; }

    public bool HasErrors => ErrorCount > 0;

    public void Error(Mark mark, string message, string remedy) => Add(mark, message, remedy, ProblemSeverity.Error);

    /// <summary>A field is not there that must be.</summary>
    /// <param name="mark">The mapping it is missing in.</param>
    /// <param name="field">Its name.</param>
    /// <param name="remedy">What to write.</param>
    public void Missing(Mark mark, string field, string remedy) => Add(mark, $"`{field}` is missing", remedy, ProblemSeverity.Error, field);

    /// <summary>A key that verifies nothing: in a file it spoils only itself; over the wire it is refused, because there is somebody to tell.</summary>
    public void Unusable(Mark mark, string message, string remedy) => Add(mark, message, remedy, IsStrict ? ProblemSeverity.Error : ProblemSeverity.Warning);

    public void Warn(Mark mark, string message, string remedy) => Add(mark, message, remedy, ProblemSeverity.Warning);

    private void Add(Mark mark, string message, string remedy, ProblemSeverity severity, string missing = "")
    {
        ErrorCount += severity is ProblemSeverity.Error ? 1 : 0;
        if (_problems.Count < Limits.ProblemsPerDocument)
        {
            _problems.Add(new DocumentProblem(file, mark, message, remedy, severity) { Missing = missing });
        }
        else
        {
            Unlisted++;
        }
    }
}
