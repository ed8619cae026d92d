using PolicyService.Core.Documents;
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
            .Concat(VoidedDenials(file, policy, patterns.Count))
            .Concat(policy.SpecificRules.Values.Append(policy.DefaultRule).SelectMany(rule => Attestors(file, rule, project)))
            .Concat(policy.SpecificRules.Values.SelectMany(rule => Specific(file, rule, policy, project, snapshot)));
    }

    private static Mark MarkOf(LintedFile file, AdmissionRule rule) => rule.Scope is RuleScope.Default
        ? NodePath.MarkOf(file.Tree, "defaultAdmissionRule")
        : NodePath.MarkOf(file.Tree, Maps[rule.Scope], rule.Key);

    private static string NameOf(AdmissionRule rule) => rule.Scope is RuleScope.Default ? "the default rule" : $"the rule for `{Shown.Value(rule.Key)}`";

    private static IEnumerable<LintFinding> VoidedDenials(LintedFile file, Policy policy, int patterns)
    {
        if (patterns == 0)
        {
            yield break;
        }

        foreach (var rule in policy.SpecificRules.Values.Append(policy.DefaultRule).Where(rule => rule.Evaluation is EvaluationMode.AlwaysDeny))
        {
            yield return file.Finding(
                LintRule.AllowlistVoidsDeny, MarkOf(file, rule), $"{NameOf(rule)} denies all, but the allowlist comes first", "make sure that each pattern of admissionWhitelistPatterns is meant for this rule too");
        }
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
                yield return file.Finding(LintRule.AttestorUnusable, MarkOf(file, rule), $"{NameOf(rule)} cannot be used: {required.Name}: {required.Problem}", "replace the keys, or pin the one kept elsewhere in pinnedKeys of options.yaml");
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
