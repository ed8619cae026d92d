namespace PolicyService.Kubernetes.Reviews;

/// <summary>What the cluster is told.</summary>
/// <param name="Problem">Why the object is refused; null: it is admitted.</param>
internal sealed record AdmissionAnswer(ReviewProblem? Problem)
{
    public static readonly AdmissionAnswer Admitted = new((ReviewProblem?)null);

    public bool IsAllowed => Problem is null;

    /// <summary>One line each; people see them whether or not the object is admitted.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>For the cluster's audit log; keys without a slash or a space, which the cluster would drop.</summary>
    public IReadOnlyDictionary<string, string> AuditAnnotations { get; init; } = new Dictionary<string, string>();

    /// <summary>A JSON patch of the object; only ever of the mutating webhook. Empty: none.</summary>
    public ReadOnlyMemory<byte> Patch { get; init; }
}
