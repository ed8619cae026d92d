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
    public CallerGrants? Check(EvaluationRequest request, Caller caller, PolicySnapshot snapshot, out EvaluatorRefusal? refusal)
    {
        refusal = null;
        if (snapshot.Access is not { } rules)
        {
            // Everybody is anonymous then; anybody else would be somebody whose rules are missing.
            refusal = caller.IsAnonymous ? null : new EvaluatorRefusal("cluster", "the rules of access are not in force");
            return caller.IsAnonymous ? CallerGrants.All : null;
        }

        // Where something says whose the cluster is, another project than that is refused by everybody's decision.
        var isSettled = snapshot.Clusters is { } clusters && (clusters.Default is not null || clusters.Clusters.ContainsKey(request.Cluster));
        var isImplied = !isSettled && request.Project.Length == 0 && snapshot.Projects.Count == 1;
        var access = rules.Evaluator(caller.Members, request.Cluster, isSettled ? "" : isImplied ? snapshot.Projects.Keys[0] : request.Project, isImplied);
        refusal = Missing(request, caller, access);
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

    private static EvaluatorRefusal? Missing(EvaluationRequest request, Caller caller, EvaluatorAccess access)
    {
        var (name, cluster) = (Shown.Value(caller.Name), Shown.Value(request.Cluster));
        if (!access.MayAsk)
        {
            return new EvaluatorRefusal("cluster", $"{name} lacks {Permissions.PolicyEvaluate} on the cluster {cluster}: name it under `clusters` in {Evaluators}");
        }

        if (!access.MayNameProject)
        {
            // One that the request does not name it need not get to know.
            var project = request.Project.Length > 0 ? $"projects/{Shown.Value(request.Project)}" : "the project that would decide";
            return new EvaluatorRefusal("project", $"{name} lacks {Permissions.PolicyEvaluate} on the cluster {cluster} for {project}: name the project under `projects` in {Evaluators}");
        }

        var workload = request.Namespace.Length > 0 ? "namespace" : request.ServiceAccount.Length > 0 ? "service_account" : request.IstioIdentity.Length > 0 ? "istio_identity" : "";
        return workload.Length > 0 && !access.Rights.HasFlag(EvaluatorRights.Workload) ? Right(workload, "WORKLOAD")
            : request.Preview && !access.Rights.HasFlag(EvaluatorRights.Preview) ? Right("preview", "PREVIEW")
            : null;

        EvaluatorRefusal Right(string field, string right) => new(
            field, $"{name} may not set {field} for the cluster {cluster}: write {right} under `may` in {Evaluators}");
    }
}
