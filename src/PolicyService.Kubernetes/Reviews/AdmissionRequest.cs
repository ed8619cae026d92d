using System.Text.Json;

namespace PolicyService.Kubernetes.Reviews;

/// <summary>What is done to the object. Zero is none that is known.</summary>
public enum AdmissionOperation
{
    /// <summary>None that is known; refused.</summary>
    Unknown = 0,

    /// <summary>It is made.</summary>
    Create,

    /// <summary>It is changed.</summary>
    Update,

    /// <summary>It is deleted.</summary>
    Delete,

    /// <summary>Somebody connects to it, e.g. <c>kubectl exec</c>.</summary>
    Connect,
}

/// <summary>Kind of an object: group and name; the version changes neither.</summary>
/// <param name="Group">E.g. <c>apps</c>; empty for the core group.</param>
/// <param name="Kind">E.g. <c>Deployment</c>.</param>
public readonly record struct GroupKind(string Group, string Kind)
{
    /// <summary>As settings write it: <c>Deployment.apps</c>.</summary>
    public override string ToString() => Group is null or "" ? Kind ?? "" : $"{Kind}.{Group}";
}

/// <summary>The request of an AdmissionReview v1 (KUBERNETES.md).</summary>
/// <param name="Uid">Comes back with the answer.</param>
/// <param name="Kind">The object's kind.</param>
/// <param name="SubResource">E.g. <c>ephemeralcontainers</c>; empty for the object itself.</param>
/// <param name="Operation">What is done.</param>
public sealed record AdmissionRequest(string Uid, GroupKind Kind, string SubResource, AdmissionOperation Operation)
{
    /// <summary>Name of the object; empty where the cluster will make one up.</summary>
    public string Name { get; init; } = "";

    /// <summary>Namespace of the object; empty for one that has none.</summary>
    public string Namespace { get; init; } = "";

    /// <summary>Who asks.</summary>
    public string Username { get; init; } = "";

    /// <summary>The object as it would be stored; null for a deletion.</summary>
    public JsonElement? NewObject { get; init; }

    /// <summary>The object as it is stored; null for a new one.</summary>
    public JsonElement? OldObject { get; init; }

    /// <summary>Nothing will be stored.</summary>
    public bool IsDryRun { get; init; }
}
