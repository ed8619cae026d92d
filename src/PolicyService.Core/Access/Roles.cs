using System.Collections.Frozen;
using static PolicyService.Core.Access.Permissions;

namespace PolicyService.Core.Access;

/// <summary>A role and what it allows.</summary>
/// <param name="Name"><c>roles/…</c>.</param>
/// <param name="Permissions">What it allows on the resource it is granted on, and below it.</param>
public sealed record Role(string Name, FrozenSet<string> Permissions);

/// <summary>
/// The roles there are: Google's, with the permissions Google gives them as far as there is a method here that asks for one. One difference:
/// <see cref="PolicyEvaluate"/> is in none of them (docs/access.md).
/// </summary>
public static class Roles
{
    public const string PolicyAdmin = "roles/binaryauthorization.policyAdmin";
    public const string PolicyEditor = "roles/binaryauthorization.policyEditor";
    public const string PolicyViewer = "roles/binaryauthorization.policyViewer";
    public const string PolicyEvaluator = "roles/binaryauthorization.policyEvaluator";
    public const string AttestorsAdmin = "roles/binaryauthorization.attestorsAdmin";
    public const string AttestorsEditor = "roles/binaryauthorization.attestorsEditor";
    public const string AttestorsVerifier = "roles/binaryauthorization.attestorsVerifier";
    public const string AttestorsViewer = "roles/binaryauthorization.attestorsViewer";
    public const string AnalysisAdmin = "roles/containeranalysis.admin";
    public const string AnalysisEditor = "roles/containeranalysis.editor";
    public const string AnalysisViewer = "roles/containeranalysis.viewer";
    public const string NotesAttacher = "roles/containeranalysis.notes.attacher";
    public const string NotesEditor = "roles/containeranalysis.notes.editor";
    public const string NotesViewer = "roles/containeranalysis.notes.viewer";
    public const string NotesOccurrencesViewer = "roles/containeranalysis.notes.occurrences.viewer";
    public const string OccurrencesEditor = "roles/containeranalysis.occurrences.editor";
    public const string OccurrencesViewer = "roles/containeranalysis.occurrences.viewer";
    public const string Monitor = "roles/policyservice.monitor";

    private static readonly string[] PlatformPolicies =
        [PlatformPoliciesList, PlatformPoliciesGet, PlatformPoliciesCreate, PlatformPoliciesReplace, PlatformPoliciesDelete, PlatformPoliciesEvaluate];

    private static readonly string[] EditAttestors = [AttestorsList, AttestorsGet, AttestorsCreate, AttestorsUpdate, AttestorsDelete, AttestorsVerify];

    private static readonly string[] EditNotes = [NotesList, NotesGet, NotesCreate, NotesUpdate, NotesDelete, NotesAttach];

    private static readonly string[] EditOccurrences = [Permissions.OccurrencesList, OccurrencesGet, OccurrencesCreate, OccurrencesUpdate, OccurrencesDelete];

    /// <summary>All roles, the narrower ones first: a refusal advises the first that would do.</summary>
    public static IReadOnlyList<Role> All { get; } =
    [
        Of(PolicyViewer, PolicyGet, ContinuousValidationGet, PlatformPoliciesList, PlatformPoliciesGet),
        Of(PolicyEvaluator, PolicyGet, PlatformPoliciesList, PlatformPoliciesGet, PlatformPoliciesEvaluate),
        Of(PolicyEditor, [PolicyGet, PolicyUpdate, ContinuousValidationGet, ContinuousValidationUpdate, .. PlatformPolicies]),
        Of(PolicyAdmin, [PolicyGet, PolicyUpdate, PolicyGetIam, PolicySetIam, ContinuousValidationGet, ContinuousValidationUpdate, .. PlatformPolicies]),
        Of(AttestorsViewer, AttestorsList, AttestorsGet),
        Of(AttestorsVerifier, AttestorsList, AttestorsGet, AttestorsVerify),
        Of(AttestorsEditor, EditAttestors),
        Of(AttestorsAdmin, [.. EditAttestors, AttestorsGetIam, AttestorsSetIam]),
        Of(NotesViewer, NotesList, NotesGet),
        Of(NotesAttacher, NotesGet, NotesAttach),
        Of(NotesOccurrencesViewer, NotesGet, NotesListOccurrences),
        Of(NotesEditor, EditNotes),
        Of(OccurrencesViewer, Permissions.OccurrencesList, OccurrencesGet),
        Of(OccurrencesEditor, EditOccurrences),
        Of(AnalysisViewer, NotesList, NotesGet, Permissions.OccurrencesList, OccurrencesGet),
        Of(AnalysisEditor, [.. EditNotes, NotesListOccurrences, .. EditOccurrences]),
        Of(AnalysisAdmin, [.. EditNotes, .. EditOccurrences]),
        Of(Monitor, MetricsGet),
    ];

    private static readonly FrozenDictionary<string, Role> ByName = All.ToFrozenDictionary(role => role.Name, StringComparer.Ordinal);

    /// <summary>The role of that name; null: it is none of ours, and grants nothing.</summary>
    public static Role? Find(string name) => ByName.GetValueOrDefault(name);

    /// <summary>A role that has the permission, the narrowest there is; null: none has it.</summary>
    public static Role? With(string permission) => All.FirstOrDefault(role => role.Permissions.Contains(permission));

    private static Role Of(string name, params string[] permissions) => new(name, permissions.ToFrozenSet(StringComparer.Ordinal));
}
