using System.Collections.Frozen;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Access;

/// <summary>What a line of the report is about; the first two are what nobody should have overlooked.</summary>
public enum SeparationKind
{
    /// <summary>The same caller can change what is required and make what is required.</summary>
    ChangesAndSigns,

    /// <summary>A grant to everybody, or on everything.</summary>
    Wide,

    /// <summary>A grant that gives nothing: somebody believes it does.</summary>
    GrantsNothing,

    /// <summary>A grant that another one includes.</summary>
    Redundant,

    /// <summary>A grant that nobody used in the records given.</summary>
    Unused,
}

/// <summary>One line of the report.</summary>
/// <param name="Kind">What it is about.</param>
/// <param name="Member">Whose grants; as bindings name it.</param>
/// <param name="Project">In which project; empty: none in particular; <c>*</c>: in all.</param>
/// <param name="Text">For people; lower case, no full stop.</param>
/// <param name="Remedy">What to do about it.</param>
/// <param name="Grants">The grants it is about, with where each stands.</param>
public sealed record SeparationFinding(SeparationKind Kind, string Member, string Project, string Text, string Remedy, IReadOnlyList<string> Grants);

/// <summary>What the report looks at.</summary>
/// <param name="File">The access file.</param>
/// <param name="Policies">IAM policies by the resource each is of.</param>
/// <param name="ClusterProjects">Clusters that <c>clusters.yaml</c> knows and whose each is, those not listed as <c>*</c> where it has a default; null: there is none to compare with.</param>
/// <param name="Uses">Grants that were used; null: no records were given.</param>
public sealed record SeparationInput(
    AccessFile File,
    IReadOnlyDictionary<string, IamPolicy> Policies,
    IReadOnlyDictionary<string, string>? ClusterProjects,
    IReadOnlySet<AccessUse>? Uses)
{
    /// <summary>All projects, with what the policy of each takes from others; null: no documents were given.</summary>
    public IReadOnlyDictionary<string, ProjectLinks>? Projects { get; init; }
}

/// <summary>What of other projects decides in one project.</summary>
/// <param name="Attestors">Projects of the attestors that its policy needs.</param>
/// <param name="Notes">Projects of the notes of those attestors, and of its own ones.</param>
public sealed record ProjectLinks(IReadOnlySet<string> Attestors, IReadOnlySet<string> Notes)
{
    /// <summary>Nothing is known of any.</summary>
    public static ProjectLinks None { get; } = new(FrozenSet<string>.Empty, FrozenSet<string>.Empty);

    /// <summary>The links of every project.</summary>
    public static IReadOnlyDictionary<string, ProjectLinks> Of(DocumentSet documents)
    {
        var attestors = documents.Projects.SelectMany(project => project.Attestors).ToLookup(attestor => attestor.Name);
        return documents.Projects.ToDictionary(project => project.Id, Links, StringComparer.Ordinal);

        ProjectLinks Links(ProjectDocuments project)
        {
            var needed = project.Policy is { } policy ? policy.SpecificRules.Values.Append(policy.DefaultRule).SelectMany(rule => rule.RequireAttestationsBy).ToArray() : [];
            return new ProjectLinks(
                needed.Select(name => name.Project).Where(other => other != project.Id).ToHashSet(StringComparer.Ordinal),
                needed.SelectMany(name => attestors[name]).Concat(project.Attestors).Select(attestor => attestor.Note.Project).ToHashSet(StringComparer.Ordinal));
        }
    }
}

/// <summary>That a grant was used, as records tell it.</summary>
/// <param name="Member">Whose.</param>
/// <param name="Grant">The role; for an evaluator <c>evaluators[N]</c>.</param>
/// <param name="Resource">As the binding names it; the cluster of the entry.</param>
public readonly record struct AccessUse(string Member, string Grant, string Resource);

/// <summary>
/// Separation of duties: who can both change what is required and sign, which grants are wide, give nothing, are redundant or unused. Groups
/// are members like any other: who is in them only their issuer knows.
/// </summary>
public static class SeparationReport
{
    /// <summary>The findings, by kind, then member, then project.</summary>
    public static IReadOnlyList<SeparationFinding> Of(SeparationInput input)
    {
        var grants = GrantList.Of(input);
        return
        [
            .. new[] { DutyFindings.Of(input, grants), WidthFindings.Of(input, grants), IdleFindings.Of(input, grants) }
                .SelectMany(findings => findings)
                .OrderBy(finding => finding.Kind)
                .ThenBy(finding => finding.Member, StringComparer.Ordinal)
                .ThenBy(finding => finding.Project, StringComparer.Ordinal)
                .ThenBy(finding => finding.Text, StringComparer.Ordinal),
        ];
    }

    /// <summary>Groups that hold anything: what the report cannot see, and says so.</summary>
    public static IReadOnlyList<string> Groups(SeparationInput input) =>
    [
        .. input.File.Bindings.SelectMany(binding => binding.Members).Concat(input.File.Evaluators.SelectMany(evaluator => evaluator.Members)).Select(member => member.ToString())
            .Concat(input.Policies.Values.SelectMany(policy => policy.Bindings).SelectMany(binding => binding.Members))
            .Where(member => member.StartsWith("group:", StringComparison.Ordinal))
            .Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal),
    ];
}
