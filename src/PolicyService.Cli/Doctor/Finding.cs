namespace PolicyService.Cli.Doctor;

/// <summary>How much it matters.</summary>
internal enum FindingSeverity
{
    /// <summary>An image that nobody judged can start, or nothing can.</summary>
    Error = 0,

    /// <summary>It will come to that, or may.</summary>
    Warning,

    /// <summary>What this cannot see, or was chosen so.</summary>
    Note,
}

/// <summary>One thing that was found. Texts quote names of the cluster as they are: outputs escape them.</summary>
/// <param name="Severity">How much it matters.</param>
/// <param name="Code">For programs, e.g. <c>NAMESPACE_UNCOVERED</c>; never changed once it stands in docs/kubernetes.md.</param>
/// <param name="Where">The object, e.g. <c>Namespace shop</c>.</param>
/// <param name="What">What is wrong.</param>
/// <param name="Remedy">What to do.</param>
internal sealed record Finding(FindingSeverity Severity, string Code, string Where, string What, string Remedy)
{
    public static Finding Error(string code, string where, string what, string remedy) => new(FindingSeverity.Error, code, where, what, remedy);

    public static Finding Warning(string code, string where, string what, string remedy) => new(FindingSeverity.Warning, code, where, what, remedy);

    public static Finding Note(string code, string where, string what, string remedy) => new(FindingSeverity.Note, code, where, what, remedy);
}
