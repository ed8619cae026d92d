using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;

namespace PolicyService.Core.Policies;

/// <summary>Selection: the third hop of a request, pure (SEMANTICS sections 1, 2 and 9).</summary>
public sealed partial class PolicySnapshot
{
    /// <summary>
    /// Chooses what decides the request and settles what needs no evidence. The steps stand in their order of precedence.
    /// </summary>
    public SelectionResult Select(EvaluationRequest request, SnapshotAge age)
    {
        if (!TryResolveBinding(request.Cluster, request.Project, out var binding, out var problem))
        {
            return new SelectionResult.Invalid("project", problem);
        }

        var project = Projects.GetValueOrDefault(binding.Project);
        var selection = new Selection(request, project, binding, age);
        var settled = NoPolicy(selection) ?? Revoked(selection) ?? ClusterUnknown(selection) ?? DocumentsRefused(selection) ?? TooStale(selection);
        if (settled is not null)
        {
            return new SelectionResult.Selected(selection.End(settled));
        }

        SelectProjectPart(selection, project!);
        SelectPlatformParts(selection);
        return new SelectionResult.Selected(selection);
    }

    /// <summary>The project that a request about a cluster is under, as an evaluation finds it.</summary>
    /// <param name="cluster">The cluster of the request.</param>
    /// <param name="named">The project it names; empty: none.</param>
    /// <param name="project">The project; empty where there is none at all.</param>
    /// <param name="problem">Why it is refused.</param>
    public bool TryFindProject(string cluster, string named, out string project, out string problem)
    {
        var isFound = TryResolveBinding(cluster, named, out var binding, out problem);
        project = binding.Project;
        return isFound;
    }

    /// <summary>Whose the cluster is. A request that names another project than the cluster's is refused before anything else.</summary>
    private bool TryResolveBinding(string cluster, string named, out ClusterBinding binding, out string problem)
    {
        problem = "";
        var known = Clusters?.Clusters.GetValueOrDefault(cluster) ?? Clusters?.Default;
        if (known is not null)
        {
            binding = known;
            var isOther = named.Length > 0 && named != known.Project;
            problem = isOther ? $"the cluster belongs to the project `{known.Project}`" : "";
            return !isOther;
        }

        var project = named.Length > 0 ? named
            : Projects.Count == 1 ? Projects.Keys[0]
            : "";
        binding = Projects.GetValueOrDefault(project)?.Unbound ?? ClusterBinding.None(project);
        problem = "several projects exist and none is named";
        return project.Length > 0 || Projects.Count == 0;
    }

    private static PartOutcome? NoPolicy(Selection selection)
    {
        selection.Note("policy", selection.Project?.Policy is null ? "none" : "found", selection.Binding.Project);
        return selection.Project?.Policy is null ? PartOutcome.NonConformant(Texts.NoPolicy(selection)) : null;
    }

    private static PartOutcome? Revoked(Selection selection)
    {
        var revocation = selection.Request.Image.Digest is { } digest ? selection.Project!.Options.RevokedDigests.GetValueOrDefault(digest) : null;
        selection.Note("revocation", revocation is null ? "none" : "revoked", revocation?.Reason ?? "");
        return revocation is null ? null : PartOutcome.NonConformant(Texts.Revoked(selection, revocation));
    }

    private PartOutcome? ClusterUnknown(Selection selection)
    {
        var unknown = IsUnknown(selection.Request.Cluster, selection.Binding);
        selection.Note("cluster", unknown ? "unknown" : Clusters is null ? "no bindings" : "accepted", selection.Request.Cluster);
        return unknown ? PartOutcome.NonConformant(Texts.ClusterUnknown(selection)) : null;
    }

    private bool IsUnknown(string cluster, ClusterBinding binding) =>
        Clusters is { Default: null } clusters && !clusters.Clusters.ContainsKey(cluster) && clusters.EnforcingProjects.Contains(binding.Project);

    private PartOutcome? DocumentsRefused(Selection selection)
    {
        if (ClustersRefused)
        {
            return PartOutcome.Error(Texts.ConfigError(selection, "clusters.yaml was never readable, so what binds the cluster is unknown"));
        }

        return selection.Project!.OptionsRefused
            ? PartOutcome.Error(Texts.ConfigError(selection, "options.yaml was never readable, so revocations are unknown")) with { Mode = ModeOf(selection) }
            : null;
    }

    private static PartOutcome? TooStale(Selection selection)
    {
        var tooOld = selection.Age.IsStale && selection.Age.Age > selection.Project!.Options.MaxSnapshotAge;
        return tooOld ? PartOutcome.Error(Texts.StalePolicy(selection)) with { Mode = ModeOf(selection) } : null;
    }

    /// <summary>
    /// The strictest mode of what the cluster is under. What ends an evaluation keeps its platform policies from being looked at,
    /// so a rule in dry run must not speak for an enforced binding.
    /// </summary>
    private static EnforcementMode ModeOf(Selection selection) =>
        selection.Binding.PlatformPolicies.Any(bound => bound.Mode is BindingMode.Enforce)
            ? EnforcementMode.Enforce
            : selection.Project!.Policy!.RuleFor(selection.Request, selection.Binding.Platform).Enforcement;

    private void SelectProjectPart(Selection selection, ProjectSnapshot project)
    {
        var policy = project.Policy!;
        var image = selection.Request.Image;
        if (policy.UsesSystemPolicy && SystemPolicy?.Allowlist.Match(image.MatchText) is { } systemPattern)
        {
            selection.Settle(PartOutcome.Conformant(Texts.Allowlisted(selection, systemPattern, ReasonCode.SystemPolicy)));
            return;
        }

        selection.Note("system policy", policy.UsesSystemPolicy ? "no match" : "not used", "");
        if (policy.Allowlist.Match(image.MatchText) is { } pattern)
        {
            selection.Settle(PartOutcome.Conformant(Texts.Allowlisted(selection, pattern, ReasonCode.Allowlisted)));
            return;
        }

        selection.Note("allowlist", "no match", "");
        var compiled = project.Rules[policy.RuleFor(selection.Request, selection.Binding.Platform)];
        selection.Choose(compiled);
        switch (compiled.Rule.Evaluation)
        {
            case EvaluationMode.AlwaysAllow:
                selection.Settle(PartOutcome.Conformant(Texts.AlwaysAllow(selection)));
                break;
            case EvaluationMode.RequireAttestation when compiled.Attestors.Count > 0:
                selection.Require(compiled);
                break;
            default:
                selection.Settle(PartOutcome.NonConformant(Texts.AlwaysDeny(selection)) with { Mode = compiled.Rule.Enforcement });
                break;
        }
    }

    private void SelectPlatformParts(Selection selection)
    {
        foreach (var binding in selection.Binding.PlatformPolicies)
        {
            var policy = Projects.GetValueOrDefault(binding.Name.Project)?.PlatformPolicies.GetValueOrDefault(binding.Name);
            selection.Bind(new BoundPlatformPolicy(binding, policy));
        }
    }
}
