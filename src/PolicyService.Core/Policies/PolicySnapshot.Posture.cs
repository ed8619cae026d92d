using PolicyService.Core.Decisions;

namespace PolicyService.Core.Policies;

/// <summary>How a cluster stands as a whole, whoever runs what on it.</summary>
public sealed partial class PolicySnapshot
{
    /// <summary>What holds for every request about a cluster; the steps are those of <see cref="Select"/>.</summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="named">The project that the caller names; empty: none.</param>
    /// <param name="age">How far the snapshot is from its source.</param>
    /// <param name="grants">What the caller is granted.</param>
    /// <param name="posture">What holds.</param>
    /// <param name="problem">Why a request that names this project is refused.</param>
    public bool TryFindPosture(string cluster, string named, SnapshotAge age, CallerGrants grants, out Posture posture, out string problem)
    {
        var isFound = TryResolveBinding(cluster, named, out var binding, out problem);
        var project = Projects.GetValueOrDefault(binding.Project);
        var options = project?.Options ?? ProjectOptions.Default;
        var canBeTold = options.RevokedDigests.Count <= Posture.MaxRevokedDigests;
        posture = new Posture(
            binding.Project,
            isFound && canBeTold && project?.Policy is { } policy && IsDryRun(cluster, binding, project, policy, age),
            options.MaxSnapshotAge,
            grants.BreakGlass && !options.RequireGrant && project is not { OptionsRefused: true },
            canBeTold ? [.. options.RevokedDigests.Keys.Select(digest => digest.ToString())] : []);
        return isFound;
    }

    private bool IsDryRun(string cluster, ClusterBinding binding, ProjectSnapshot project, Policy policy, SnapshotAge age) =>
        !ClustersRefused
        && !project.OptionsRefused
        && !IsUnknown(cluster, binding)
        && !(age.IsStale && age.Age > project.Options.MaxSnapshotAge)
        && binding.PlatformPolicies.All(bound => bound.Mode is BindingMode.Monitor or BindingMode.DryRun)
        && RulesFor(policy, cluster, binding.Platform).All(rule => rule is { Enforcement: EnforcementMode.DryRun } or { Evaluation: EvaluationMode.AlwaysAllow });

    /// <summary>Every rule that some request about the cluster could come under; see <see cref="Policy.RuleFor"/>.</summary>
    private static IEnumerable<AdmissionRule> RulesFor(Policy policy, string cluster, Platform platform) =>
        platform is Platform.CloudRun ? [policy.DefaultRule]
        : policy.SpecificScope is RuleScope.Cluster ? [policy.SpecificRules.GetValueOrDefault(cluster, policy.DefaultRule)]
        : [.. policy.SpecificRules.Values, policy.DefaultRule];
}
