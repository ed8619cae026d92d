using System.Collections.Frozen;

namespace PolicyService.Core.Access;

/// <summary>What one may be allowed to do, by the names Binary Authorization and Artifact Analysis give it; ours begin with <c>policyservice.</c>.</summary>
public static class Permissions
{
    public const string PolicyGet = "binaryauthorization.policy.get";
    public const string PolicyUpdate = "binaryauthorization.policy.update";
    public const string PolicyGetIam = "binaryauthorization.policy.getIamPolicy";
    public const string PolicySetIam = "binaryauthorization.policy.setIamPolicy";

    /// <summary>Asking for decisions about a cluster. No role has it: only evaluators of the access file do (docs/access.md).</summary>
    public const string PolicyEvaluate = "binaryauthorization.policy.evaluatePolicy";
    public const string ContinuousValidationGet = "binaryauthorization.continuousValidationConfig.get";
    public const string ContinuousValidationUpdate = "binaryauthorization.continuousValidationConfig.update";
    public const string PlatformPoliciesList = "binaryauthorization.platformPolicies.list";
    public const string PlatformPoliciesGet = "binaryauthorization.platformPolicies.get";
    public const string PlatformPoliciesCreate = "binaryauthorization.platformPolicies.create";
    public const string PlatformPoliciesReplace = "binaryauthorization.platformPolicies.replace";
    public const string PlatformPoliciesDelete = "binaryauthorization.platformPolicies.delete";
    public const string PlatformPoliciesEvaluate = "binaryauthorization.platformPolicies.evaluatePolicy";
    public const string AttestorsList = "binaryauthorization.attestors.list";
    public const string AttestorsGet = "binaryauthorization.attestors.get";
    public const string AttestorsCreate = "binaryauthorization.attestors.create";
    public const string AttestorsUpdate = "binaryauthorization.attestors.update";
    public const string AttestorsDelete = "binaryauthorization.attestors.delete";
    public const string AttestorsGetIam = "binaryauthorization.attestors.getIamPolicy";
    public const string AttestorsSetIam = "binaryauthorization.attestors.setIamPolicy";
    public const string AttestorsVerify = "binaryauthorization.attestors.verifyImageAttested";
    public const string NotesList = "containeranalysis.notes.list";
    public const string NotesGet = "containeranalysis.notes.get";
    public const string NotesCreate = "containeranalysis.notes.create";
    public const string NotesUpdate = "containeranalysis.notes.update";
    public const string NotesDelete = "containeranalysis.notes.delete";
    public const string NotesAttach = "containeranalysis.notes.attachOccurrence";
    public const string NotesListOccurrences = "containeranalysis.notes.listOccurrences";
    public const string OccurrencesList = "containeranalysis.occurrences.list";
    public const string OccurrencesGet = "containeranalysis.occurrences.get";
    public const string OccurrencesCreate = "containeranalysis.occurrences.create";
    public const string OccurrencesUpdate = "containeranalysis.occurrences.update";
    public const string OccurrencesDelete = "containeranalysis.occurrences.delete";

    /// <summary>Reading <c>/metrics</c>, which names projects and clusters.</summary>
    public const string MetricsGet = "policyservice.metrics.get";

    /// <summary>Every one of them.</summary>
    public static FrozenSet<string> All { get; } = new[]
    {
        PolicyGet, PolicyUpdate, PolicyGetIam, PolicySetIam, PolicyEvaluate, ContinuousValidationGet, ContinuousValidationUpdate,
        PlatformPoliciesList, PlatformPoliciesGet, PlatformPoliciesCreate, PlatformPoliciesReplace, PlatformPoliciesDelete, PlatformPoliciesEvaluate,
        AttestorsList, AttestorsGet, AttestorsCreate, AttestorsUpdate, AttestorsDelete, AttestorsGetIam, AttestorsSetIam, AttestorsVerify,
        NotesList, NotesGet, NotesCreate, NotesUpdate, NotesDelete, NotesAttach, NotesListOccurrences,
        OccurrencesList, OccurrencesGet, OccurrencesCreate, OccurrencesUpdate, OccurrencesDelete, MetricsGet,
    }.ToFrozenSet(StringComparer.Ordinal);
}
