namespace PolicyService.Evidence;

/// <summary>A source of evidence failed.</summary>
/// <param name="failureClass">For programs: <c>TIMEOUT</c>, <c>CONNECTION</c>, …</param>
/// <param name="problem">For people; lower case, no full stop.</param>
/// <param name="inner">What happened below, for logs.</param>
public sealed class EvidenceSourceException(string failureClass, string problem, Exception? inner = null) : Exception(problem, inner)
{
    /// <summary>Class of what takes too long.</summary>
    public const string Timeout = "TIMEOUT";

    /// <summary>Class of what is in no other.</summary>
    public const string Other = "OTHER";

    public string Class => failureClass;

    /// <summary>False: whoever writes attestations can bring it about.</summary>
    public bool IsOwnFault { get; init; } = true;
}
