namespace PolicyService.Kubernetes.Decisions;

/// <summary>What an adapter does while the service cannot be asked; the webhook's path says which (docs/kubernetes.md).</summary>
public enum FailMode
{
    /// <summary>It refuses.</summary>
    Closed = 0,

    /// <summary>It admits, says so, and records it.</summary>
    Open,
}

/// <summary>The object that is asked about, for records and events.</summary>
/// <param name="Kind">Its kind, e.g. <c>Pod</c>.</param>
/// <param name="Name">Its name, or its generateName.</param>
/// <param name="Operation">E.g. <c>CREATE</c>.</param>
/// <param name="User">Who asks, as the cluster names them; empty where the cluster does not tell.</param>
public sealed record AdmissionSubject(string Kind, string Name, string Operation, string User);

/// <summary>All that is asked about one object: one batch, each distinct image once.</summary>
/// <param name="Images">Distinct images, as the object writes them; at least one, at most <see cref="MaxImages"/>.</param>
/// <param name="Namespace">The object's namespace; it comes from the review, never from the object.</param>
/// <param name="ServiceAccount">Bare name of the workload's service account; empty if unknown.</param>
/// <param name="Subject">The object.</param>
public sealed record AdmissionQuestion(IReadOnlyList<string> Images, string Namespace, string ServiceAccount, AdmissionSubject Subject)
{
    /// <summary>Most images of one object; as many as a batch takes (SEMANTICS section 7).</summary>
    public const int MaxImages = 500;

    /// <summary>Labels of the workload, to be recorded.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>Annotations of the workload, to be recorded.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = new Dictionary<string, string>();

    /// <summary>The object carries a marker of break-glass (SEMANTICS section 4).</summary>
    public bool IsBreakGlass { get; init; }

    /// <summary>Nothing is stored: a preview, which leaves no finding.</summary>
    public bool IsPreview { get; init; }

    /// <summary>What happens while the service cannot be asked.</summary>
    public FailMode FailMode { get; init; }
}
