using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;
using PolicyService.Core.Images;

namespace PolicyService.Core.Policies;

/// <summary>Which pods a check set is for; both empty: every pod.</summary>
public sealed record CheckSetScope(string Namespace, string ServiceAccount)
{
    /// <summary>Service account 2, namespace 1, unscoped 0.</summary>
    public int Specificity => ServiceAccount.Length > 0 ? 2 : Namespace.Length > 0 ? 1 : 0;

    public bool Includes(string podNamespace, string podServiceAccount) => Specificity switch
    {
        2 => podNamespace.Length > 0 && podServiceAccount.Length > 0 && ServiceAccount == $"{podNamespace}:{podServiceAccount}",
        1 => Namespace == podNamespace,
        _ => true,
    };
}

/// <summary>Checks that a pod's images must all pass.</summary>
public sealed record CheckSet(string DisplayName, CheckSetScope Scope, NamePatternSet Allowlist, IReadOnlyList<Check> Checks);

/// <summary>A check-based platform policy (SEMANTICS section 2): either check sets for pods, or one rule for Cloud Run.</summary>
public sealed class PlatformPolicy
{
    public required PlatformPolicyName Name { get; init; }

    public required NamePatternSet Allowlist { get; init; }

    /// <summary>Most specific first, the last one unscoped; empty for Cloud Run.</summary>
    public IReadOnlyList<CheckSet> CheckSets { get; init; } = [];

    /// <summary>The Cloud Run rule; null for pods.</summary>
    public AdmissionRule? CloudRunRule { get; init; }

    /// <summary>Number of the check set for the pod: the first that includes it, and so the most specific; null if there is none.</summary>
    public int? SetFor(EvaluationRequest request)
    {
        for (var index = 0; index < CheckSets.Count; index++)
        {
            if (CheckSets[index].Scope.Includes(request.Namespace, request.ServiceAccount))
            {
                return index;
            }
        }

        return null;
    }
}
