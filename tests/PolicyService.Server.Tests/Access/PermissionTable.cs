using PolicyService.Core.Access;

namespace PolicyService.Server.Tests.Access;

/// <summary>A method and what it needs.</summary>
/// <param name="Verb">HTTP method; POST for gRPC; empty: any.</param>
/// <param name="Path">Its route.</param>
/// <param name="Needs">A permission; <c>nothing</c>, <c>authentication</c>, or <see cref="Permissions.PolicyEvaluate"/> for what is asked for each message.</param>
/// <param name="Resource">On what.</param>
internal sealed record PermissionRow(string Verb, string Path, string Needs, string Resource);

/// <summary>What every method needs, written down a second time: a method that is not here, or needs something else, fails the tests.</summary>
internal static class PermissionTable
{
    public const string Nothing = "nothing";
    public const string Authentication = "authentication";

    private const string Project = "projects/{project}";
    private const string Policy = Project + "/policy";
    private const string Attestor = Project + "/attestors/{attestor}";
    private const string Note = Project + "/notes/{note}";
    private const string Occurrence = Project + "/occurrences/{occurrence}";
    private const string PlatformPolicies = Project + "/platforms/{platform}/policies";
    private const string PlatformPolicy = PlatformPolicies + "/{policy}";
    private const string ContinuousValidation = Project + "/continuousValidationConfig";

    public static IReadOnlyList<PermissionRow> All { get; } =
    [
        new("POST", "/policyservice.v1.PolicyDecisionService/Evaluate", "binaryauthorization.policy.evaluatePolicy", "the cluster of each message"),
        new("POST", "/policyservice.v1.PolicyDecisionService/EvaluateBatch", "binaryauthorization.policy.evaluatePolicy", "the cluster of each message"),
        new("POST", "/policyservice.v1.PolicyDecisionService/EvaluateStream", "binaryauthorization.policy.evaluatePolicy", "the cluster of each message"),
        new("POST", "/policyservice.v1.ClusterService/ResolveImage", "binaryauthorization.policy.evaluatePolicy", "the cluster of each message"),
        new("POST", "/policyservice.v1.ClusterService/WatchChanges", "binaryauthorization.policy.evaluatePolicy", "the cluster of each message"),
        new("POST", "/policyservice.v1.ClusterService/ReportFindings", "binaryauthorization.policy.evaluatePolicy", "the cluster of each message"),
        new("POST", "/v1/evaluate", "binaryauthorization.policy.evaluatePolicy", "the cluster of each message"),
        new("POST", "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", Authentication, ""),
        new("POST", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Authentication, ""),
        new("POST", "/grpc.health.v1.Health/Check", Nothing, ""),
        new("POST", "/grpc.health.v1.Health/Watch", Authentication, ""),
        new("", "/healthz/live", Nothing, ""),
        new("", "/healthz/ready", Nothing, ""),
        new("", "/metrics", "policyservice.metrics.get", "service"),
        new("", "{**path}", Authentication, ""),
        .. new[] { "/v1/", "/v1beta1/", "/v1alpha2/" }.SelectMany(Management),
        new("POST", "/v1/projects/{project}/notes", "containeranalysis.notes.create", Project),
        new("GET", "/v1/projects/{project}/notes", "containeranalysis.notes.list", Project),
        new("GET", "/v1/" + Note, "containeranalysis.notes.get", Note),
        new("DELETE", "/v1/" + Note, "containeranalysis.notes.delete", Note),
        new("GET", "/v1/" + Note + "/occurrences", "containeranalysis.notes.listOccurrences", Note),
        new("POST", "/v1/projects/{project}/occurrences", "containeranalysis.occurrences.create", Project),
        new("GET", "/v1/projects/{project}/occurrences", "containeranalysis.occurrences.list", Project),
        new("GET", "/v1/" + Occurrence, "containeranalysis.occurrences.get", Occurrence),
        new("DELETE", "/v1/" + Occurrence, "containeranalysis.occurrences.delete", Occurrence),
        new("POST", "/v1/" + PlatformPolicies, "binaryauthorization.platformPolicies.create", Project),
        new("GET", "/v1/" + PlatformPolicies, "binaryauthorization.platformPolicies.list", Project),
        new("GET", "/v1/" + PlatformPolicy, "binaryauthorization.platformPolicies.get", PlatformPolicy),
        new("PUT", "/v1/" + PlatformPolicy, "binaryauthorization.platformPolicies.replace", PlatformPolicy),
        new("DELETE", "/v1/" + PlatformPolicy, "binaryauthorization.platformPolicies.delete", PlatformPolicy),
        new("POST", "/v1/" + PlatformPolicy + ":evaluate", "binaryauthorization.platformPolicies.evaluatePolicy", PlatformPolicy),
    ];

    private static IEnumerable<PermissionRow> Management(string version) =>
    [
        new("GET", version + Policy, "binaryauthorization.policy.get", Policy),
        new("PUT", version + Policy, "binaryauthorization.policy.update", Policy),
        new("GET", version + "locations/{location}/policy", "binaryauthorization.policy.get", "locations/global/policy"),
        new("GET", version + Policy + ":getIamPolicy", "binaryauthorization.policy.getIamPolicy", Policy),
        new("POST", version + Policy + ":setIamPolicy", "binaryauthorization.policy.setIamPolicy", Policy),
        new("POST", version + Policy + ":testIamPermissions", Authentication, ""),
        new("POST", version + Project + "/attestors", "binaryauthorization.attestors.create", Project),
        new("GET", version + Project + "/attestors", "binaryauthorization.attestors.list", Project),
        new("GET", version + Attestor, "binaryauthorization.attestors.get", Attestor),
        new("PUT", version + Attestor, "binaryauthorization.attestors.update", Attestor),
        new("DELETE", version + Attestor, "binaryauthorization.attestors.delete", Attestor),
        new("POST", version + Attestor + ":validateAttestationOccurrence", "binaryauthorization.attestors.verifyImageAttested", Attestor),
        new("GET", version + Attestor + ":getIamPolicy", "binaryauthorization.attestors.getIamPolicy", Attestor),
        new("POST", version + Attestor + ":setIamPolicy", "binaryauthorization.attestors.setIamPolicy", Attestor),
        new("POST", version + Attestor + ":testIamPermissions", Authentication, ""),
        new("GET", version + ContinuousValidation, "binaryauthorization.continuousValidationConfig.get", ContinuousValidation),
        new("PUT", version + ContinuousValidation, "binaryauthorization.continuousValidationConfig.update", ContinuousValidation),
    ];

    /// <summary>The text of <c>docs/permissions.md</c>.</summary>
    public static string ToMarkdown() => string.Join('\n',
    [
        "# Permissions and roles",
        "",
        "What each method needs and what each role has, where authentication is configured (`docs/access.md`). Written from the tables of the tests and of",
        "the service; a test fails where they differ. The roles are Google's, with the permissions Google gives them as far as a method here asks for one. Two",
        "differences: no role has `binaryauthorization.policy.evaluatePolicy`, which only `evaluators` of the access file give; and `roles/policyservice.monitor` is ours.",
        "",
        "## Methods",
        "",
        "| method | needs | on |",
        "| --- | --- | --- |",
        .. All.Select(row => $"| `{(row.Verb.Length > 0 ? row.Verb : "any")} {row.Path}` | {(row.Needs.Contains('.', StringComparison.Ordinal) ? $"`{row.Needs}`" : row.Needs)} | {(row.Resource.Contains('/', StringComparison.Ordinal) || row.Resource == "service" ? $"`{row.Resource}`" : row.Resource)} |"),
        "",
        "Creating an occurrence also needs `containeranalysis.notes.attachOccurrence` on its note. A policy that names attestors of other projects also needs",
        "`binaryauthorization.attestors.get` on them; a new attestor with a note of another project `containeranalysis.notes.listOccurrences` on the note; a platform policy,",
        "to write it as at `:evaluate`, `containeranalysis.occurrences.list` on the other projects that its checks name.",
        "A name that `/v1/locations/…/policy` is asked by is that of the one system policy, `locations/global/policy`; `service` and it are granted on themselves or on `\"*\"`.",
        "",
        "## Roles",
        "",
        .. Roles.All.SelectMany(role => (string[])[$"- `{role.Name}`: {string.Join(", ", role.Permissions.Order(StringComparer.Ordinal).Select(permission => $"`{permission}`"))}"]),
        "",
    ]);
}
