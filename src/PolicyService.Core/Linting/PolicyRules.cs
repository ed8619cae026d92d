using PolicyService.Core.Documents;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Linting;

/// <summary>What can be wrong with a project policy that is well-formed.</summary>
internal static class PolicyRules
{
    private static readonly Dictionary<RuleScope, string> Maps = new()
    {
        [RuleScope.Cluster] = "clusterAdmissionRules",
        [RuleScope.Namespace] = "kubernetesNamespaceAdmissionRules",
        [RuleScope.ServiceAccount] = "kubernetesServiceAccountAdmissionRules",
        [RuleScope.IstioIdentity] = "istioServiceIdentityAdmissionRules",
    };

    public static IEnumerable<LintFinding> Lint(LintedFile file, Policy policy, PolicySnapshot snapshot)
    {
        var patterns = PolicyLinter.Patterns(file.Tree, "admissionWhitelistPatterns");
        var project = snapshot.Projects.Values.FirstOrDefault(candidate => ReferenceEquals(candidate.Policy, policy));
        return PatternLinter.Lint(file.Path, patterns)
            .Concat(VoidedDenials(file, policy, [.. patterns.Select(item => item.Pattern).Where(PublicRegistries.IsWholeRegistry)]))
            .Concat(policy.SpecificRules.Values.Append(policy.DefaultRule).SelectMany(rule => Attestors(file, rule, project)))
            .Concat(policy.SpecificRules.Values.SelectMany(rule => DryRun(file, rule, NameOf(rule), Maps[rule.Scope], rule.Key)))
            .Concat(DryRun(file, policy.DefaultRule, NameOf(policy.DefaultRule), "defaultAdmissionRule"))
            .Concat(policy.SpecificRules.Values.SelectMany(rule => Specific(file, rule, policy, project, snapshot)));
    }

    private static Mark MarkOf(LintedFile file, AdmissionRule rule) => rule.Scope is RuleScope.Default
        ? NodePath.MarkOf(file.Tree, "defaultAdmissionRule")
        : NodePath.MarkOf(file.Tree, Maps[rule.Scope], rule.Key);

    private static string NameOf(AdmissionRule rule) => rule.Scope is RuleScope.Default ? "the default rule" : $"the rule for `{Shown.Value(rule.Key)}`";

    /// <summary>
    /// An allowlist is what a denial of everything else is for; but where anybody may push to what it has, nothing is denied to those who
    /// do. A rule of its own for a cluster or a namespace is voided by any whole registry: the workloads there come from one.
    /// </summary>
    private static IEnumerable<LintFinding> VoidedDenials(LintedFile file, Policy policy, NamePattern[] registries)
    {
        var anyone = Array.Find(registries, pattern => PublicRegistries.Contains(PublicRegistries.HostOf(pattern)));
        foreach (var rule in policy.SpecificRules.Values.Append(policy.DefaultRule).Where(rule => rule.Evaluation is EvaluationMode.AlwaysDeny))
        {
            if ((anyone ?? (rule.Scope is RuleScope.Default ? null : registries.FirstOrDefault())) is { } pattern)
            {
                yield return file.Finding(
                    LintRule.AllowlistVoidsDeny, MarkOf(file, rule), $"{NameOf(rule)} denies all, but the allowlist comes first, and `{Shown.Value(pattern.Text)}` admits a whole registry", "name in the pattern whose images are meant: <registry>/<owner>/**");
            }
        }
    }

    /// <summary>What a dry run makes of a rule, whose place is at the steps. Of the rules for some requests only, a dry run is a way to begin.</summary>
    internal static IEnumerable<LintFinding> DryRun(LintedFile file, AdmissionRule rule, string name, params ReadOnlySpan<string> steps)
    {
        if (rule.Enforcement is not EnforcementMode.DryRun)
        {
            return [];
        }

        var mark = NodePath.MarkOf(file.Tree, [.. steps, "enforcementMode"]);
        return rule switch
        {
            { Evaluation: EvaluationMode.AlwaysAllow } =>
                [file.Finding(LintRule.DryRunOfAllow, mark, $"{name} allows all, so there is nothing that its dry run could record", "write ENFORCED_BLOCK_AND_AUDIT_LOG, or the evaluationMode that was meant")],
            { Scope: RuleScope.Default } =>
                [file.Finding(LintRule.DefaultBlocksNothing, mark, $"{name} is a dry run: what it denies is recorded and runs", "write ENFORCED_BLOCK_AND_AUDIT_LOG once the records show that nothing needed is denied")],
            _ => [],
        };
    }

    private static IEnumerable<LintFinding> Attestors(LintedFile file, AdmissionRule rule, ProjectSnapshot? project)
    {
        foreach (var required in project?.Rules.GetValueOrDefault(rule)?.Attestors ?? [])
        {
            if (required.Attestor is null)
            {
                yield return file.Finding(LintRule.DanglingAttestor, MarkOf(file, rule), $"{NameOf(rule)} needs {required.Name}, which does not exist", "add the attestor's document, or mend the name");
            }
            else if (required.SharesKey)
            {
                yield return file.Finding(LintRule.SharedKeyRefused, MarkOf(file, rule), $"{NameOf(rule)} cannot be used: {required.Name}: {required.Problem}", "give each attestor a key of its own, or take only GRAFEAS as their evidence source");
            }
            else if (required.Problem is not null)
            {
                yield return file.Finding(LintRule.AttestorUnusable, MarkOf(file, rule), $"{NameOf(rule)} cannot be used: {required.Name}: {required.Problem}", "replace the keys");
            }

            foreach (var key in required.Attestor?.Keys.Where(key => key.Remote is { Pin: null }) ?? [])
            {
                yield return file.Finding(LintRule.KeyWithoutPin, MarkOf(file, rule), $"{NameOf(rule)} needs {required.Name}, whose key `{key.Id}` is not pinned", $"pin it: policyctl attestor pin {required.Name} --policies DIR");
            }
        }
    }

    private static IEnumerable<LintFinding> Specific(LintedFile file, AdmissionRule rule, Policy policy, ProjectSnapshot? project, PolicySnapshot snapshot)
    {
        var standard = policy.DefaultRule;
        if (rule.Evaluation == standard.Evaluation && rule.Enforcement == standard.Enforcement && rule.RequireAttestationsBy.ToHashSet().SetEquals(standard.RequireAttestationsBy))
        {
            yield return file.Finding(LintRule.RuleLikeDefault, MarkOf(file, rule), $"{NameOf(rule)} says what the default rule says", "remove it");
        }

        if (Unreachable(rule, project, snapshot.Clusters) is { } why)
        {
            yield return file.Finding(LintRule.RuleUnreachable, MarkOf(file, rule), $"{NameOf(rule)} is never reached: {why}", "remove it, or mend clusters.yaml");
        }
    }

    private static string? Unreachable(AdmissionRule rule, ProjectSnapshot? project, ClusterBindings? clusters)
    {
        if (clusters is null || project is null)
        {
            return null;
        }

        var own = clusters.Clusters.Values.Append(clusters.Default).Where(cluster => cluster?.Project == project.Id).ToArray();
        if (rule.Scope is not RuleScope.Cluster)
        {
            return own.Length > 0 && own.All(cluster => cluster!.Platform is Platform.CloudRun) && clusters.Default is not null
                ? "the project's clusters are Cloud Run, which uses the default rule only"
                : null;
        }

        var binding = clusters.Clusters.GetValueOrDefault(rule.Key) ?? clusters.Default;
        return binding is null ? null
            : binding.Project != project.Id ? $"the cluster belongs to project `{binding.Project}`"
            : binding.Platform is Platform.CloudRun ? "Cloud Run uses the default rule only"
            : null;
    }
}
