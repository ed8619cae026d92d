using PolicyService.Core.Access;
using PolicyService.Core.Decisions;
using PolicyService.Core.Documents;
using PolicyService.Core.Policies;
using PolicyService.Server.Audits;

namespace PolicyService.Server.Access;

/// <summary>What a message may not ask, and the field that asks it.</summary>
/// <param name="Field">The field.</param>
/// <param name="Message">What is missing, for whom, and where it could be granted.</param>
public sealed record EvaluatorRefusal(string Field, string Message);

/// <summary>
/// Evaluating is bound (docs/access.md): a caller asks about the clusters granted to it. Asked for each message, with the rules of the version
/// that decides it.
/// </summary>
public sealed class EvaluatorGate(AccessLog log)
{
    private const string Evaluators = "`evaluators` of the access file";

    /// <summary>Checks one message.</summary>
    /// <param name="request">The message; nothing is granted to it yet.</param>
    /// <param name="caller">Who asks.</param>
    /// <param name="snapshot">The version that decides it.</param>
    /// <param name="refusal">Why it is refused.</param>
    /// <returns>What the message is granted; null: it is refused.</returns>
    public CallerGrants? Check(EvaluationRequest request, Caller caller, PolicySnapshot snapshot, out EvaluatorRefusal? refusal) =>
        Check(request.Cluster, request.Project, request, caller, snapshot, out refusal);

    /// <summary>Checks one message about a cluster that is about no image.</summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="project">The project that the message names; empty: none.</param>
    /// <param name="caller">Who asks.</param>
    /// <param name="snapshot">The version that answers it.</param>
    /// <param name="refusal">Why it is refused.</param>
    /// <returns>What is granted on the cluster; null: it is refused.</returns>
    public CallerGrants? Check(string cluster, string project, Caller caller, PolicySnapshot snapshot, out EvaluatorRefusal? refusal) =>
        Check(cluster, project, null, caller, snapshot, out refusal);

    private CallerGrants? Check(string cluster, string project, EvaluationRequest? request, Caller caller, PolicySnapshot snapshot, out EvaluatorRefusal? refusal)
    {
        refusal = null;
        if (snapshot.Access is not { } rules)
        {
            // Everybody is anonymous then; anybody else would be somebody whose rules are missing.
            refusal = caller.IsAnonymous ? null : new EvaluatorRefusal("cluster", "the rules of access are not in force");
            return caller.IsAnonymous ? CallerGrants.All : null;
        }

        // Where something says whose the cluster is, another project than that is refused by everybody's decision.
        var isSettled = snapshot.Clusters is { } clusters && (clusters.Default is not null || clusters.Clusters.ContainsKey(cluster));
        var isImplied = !isSettled && project.Length == 0 && snapshot.Projects.Count == 1;
        var access = rules.Evaluator(caller.Members, cluster, isSettled ? "" : isImplied ? snapshot.Projects.Keys[0] : project, isImplied);
        refusal = Missing(cluster, project, caller, access) ?? (request is null ? null : MissingRight(request, caller, access));
        if (refusal is not null)
        {
            log.Denied(Permissions.PolicyEvaluate);
            return null;
        }

        foreach (var grant in access.Grants)
        {
            log.Used(caller.Name, grant);
        }

        return new CallerGrants(access.Rights.HasFlag(EvaluatorRights.BreakGlass), access.Rights.HasFlag(EvaluatorRights.InlineAttestations));
    }

    private static EvaluatorRefusal? Missing(string asked, string named, Caller caller, EvaluatorAccess access)
    {
        var (name, cluster) = (Shown.Value(caller.Name), Shown.Value(asked));
        if (!access.MayAsk)
        {
            return new EvaluatorRefusal("cluster", $"{name} lacks {Permissions.PolicyEvaluate} on the cluster {cluster}: name it under `clusters` in {Evaluators}");
        }

        if (!access.MayNameProject)
        {
            // One that the request does not name it need not get to know.
            var project = named.Length > 0 ? $"projects/{Shown.Value(named)}" : "the project that would decide";
            return new EvaluatorRefusal("project", $"{name} lacks {Permissions.PolicyEvaluate} on the cluster {cluster} for {project}: name the project under `projects` in {Evaluators}");
        }

        return null;
    }

    private static EvaluatorRefusal? MissingRight(EvaluationRequest request, Caller caller, EvaluatorAccess access)
    {
        var workload = request.Namespace.Length > 0 ? "namespace" : request.ServiceAccount.Length > 0 ? "service_account" : request.IstioIdentity.Length > 0 ? "istio_identity" : "";
        return workload.Length > 0 && !access.Rights.HasFlag(EvaluatorRights.Workload) ? Right(workload, "WORKLOAD")
            : request.Preview && !access.Rights.HasFlag(EvaluatorRights.Preview) ? Right("preview", "PREVIEW")
            : null;

        EvaluatorRefusal Right(string field, string right) => new(
            field, $"{Shown.Value(caller.Name)} may not set {field} for the cluster {Shown.Value(request.Cluster)}: write {right} under `may` in {Evaluators}");
    }
}
