using System.Diagnostics.CodeAnalysis;
using PolicyService.Core.Policies;

namespace PolicyService.Server.Storage;

/// <summary>Names one stored document. What does not parse here never reaches a statement.</summary>
public sealed record DocumentKey
{
    private DocumentKey(StoredKind kind, string project, string parent, string name) =>
        (Kind, Project, Parent, Name) = (kind, project, parent, name);

    public StoredKind Kind { get; }

    /// <summary>Its project; empty for the documents of the service.</summary>
    public string Project { get; }

    /// <summary>What it is listed under: <c>projects/P</c> or <c>projects/P/platforms/gke</c>; empty for the documents of the service.</summary>
    public string Parent { get; }

    /// <summary>Its resource name, as <see cref="StoredKind"/> writes it. Unique together with the kind.</summary>
    public string Name { get; }

    /// <summary>Parses a resource name as the name of a document of <paramref name="kind"/>; an occurrence's too.</summary>
    public static bool TryParse(StoredKind kind, string? name, [NotNullWhen(true)] out DocumentKey? key)
    {
        var (project, parent) = (kind, (name ?? "").Split('/')) switch
        {
            (StoredKind.Policy or StoredKind.PolicyIam, ["projects", var id, "policy"]) => (id, $"projects/{id}"),
            (StoredKind.Options, ["projects", var id, "options"]) => (id, $"projects/{id}"),
            (StoredKind.ContinuousValidation, ["projects", var id, "continuousValidationConfig"]) => (id, $"projects/{id}"),
            (StoredKind.Attestor or StoredKind.AttestorIam, ["projects", var id, "attestors", var own]) when ResourceNames.IsId(own) => (id, $"projects/{id}"),
            (StoredKind.Note, ["projects", var id, "notes", var own]) when ResourceNames.IsId(own) => (id, $"projects/{id}"),
            (StoredKind.Occurrence, ["projects", var id, "occurrences", var own]) when ResourceNames.IsId(own) => (id, $"projects/{id}"),
            (StoredKind.PlatformPolicy, ["projects", var id, "platforms", "gke" or "cloudRun", "policies", var own]) when ResourceNames.IsId(own) =>
                (id, name![..name!.LastIndexOf("/policies/", StringComparison.Ordinal)]),
            (StoredKind.SystemPolicy, ["locations", "global", "policy"]) => ("", ""),
            (StoredKind.Clusters, ["clusters"]) => ("", ""),
            _ => (null, ""),
        };
        var valid = project is not null && (project.Length == 0 ? kind is StoredKind.SystemPolicy or StoredKind.Clusters : ResourceNames.IsProject(project));
        key = valid ? new DocumentKey(kind, project!, parent, name!) : null;
        return valid;
    }

    /// <summary>The key of a name that was checked before.</summary>
    /// <exception cref="ArgumentException">The name is none of this kind.</exception>
    public static DocumentKey Of(StoredKind kind, string name) =>
        TryParse(kind, name, out var key) ? key : throw new ArgumentException($"not the name of a document of kind {kind}", nameof(name));

    /// <summary>
    /// Its place in a directory of documents (ARCHITECTURE section 4), which is also how the snapshot reads it; null for what a directory
    /// does not hold.
    /// </summary>
    internal string? Path => Kind switch
    {
        StoredKind.Policy => $"projects/{Project}/policy.json",
        StoredKind.Options => $"projects/{Project}/options.json",
        StoredKind.Attestor => $"projects/{Project}/attestors/{LastPart}.json",
        StoredKind.PlatformPolicy => $"projects/{Project}/platform-policies/{Parent[(Parent.LastIndexOf('/') + 1)..]}.{LastPart}.json",
        StoredKind.SystemPolicy => "system-policy.json",
        StoredKind.Clusters => "clusters.json",
        _ => null,
    };

    /// <summary>The part of the name that its author chose.</summary>
    internal string LastPart => Name[(Name.LastIndexOf('/') + 1)..];

    /// <summary>Whether its document says its own name.</summary>
    internal bool IsNamedInside => Kind is not (StoredKind.Options or StoredKind.PolicyIam or StoredKind.AttestorIam or StoredKind.Clusters);

    public override string ToString() => Name;
}
