using System.Collections.Frozen;
using PolicyService.Core.Decisions;
using PolicyService.Core.Images;

namespace PolicyService.Core.Policies;

/// <summary>What a rule demands of an image.</summary>
public enum EvaluationMode
{
    /// <summary>Never in a loaded policy.</summary>
    Unspecified,
    AlwaysAllow,
    AlwaysDeny,
    RequireAttestation,
}

/// <summary>Which verdict non-conformance gives.</summary>
public enum EnforcementMode
{
    /// <summary>Never in a loaded policy; it denies.</summary>
    Unspecified,
    Enforce,
    DryRun,
}

/// <summary>What chose a rule.</summary>
public enum RuleScope
{
    Default,
    Cluster,
    Namespace,
    ServiceAccount,
    IstioIdentity,
}

/// <summary>One admission rule of a project policy or of a Cloud Run platform policy.</summary>
/// <param name="Scope">Which map the rule stands in.</param>
/// <param name="Key">Its key in that map as written; empty for the default rule.</param>
/// <param name="Evaluation">What it demands.</param>
/// <param name="Enforcement">What a denial does.</param>
/// <param name="RequireAttestationsBy">All attestors an image needs; empty unless it requires attestations.</param>
public sealed record AdmissionRule(
    RuleScope Scope, string Key, EvaluationMode Evaluation, EnforcementMode Enforcement, IReadOnlyList<AttestorName> RequireAttestationsBy);

/// <summary>A Binary Authorization project policy, checked and compiled.</summary>
public sealed class Policy
{
    /// <summary>Project of the document's <c>name</c>; null if it carries none.</summary>
    public required string? Project { get; init; }

    /// <summary>Version of the document: a hash of its bytes, or the etag the store gave it.</summary>
    public required string Etag { get; init; }

    /// <summary><c>globalPolicyEvaluationMode: ENABLE</c>.</summary>
    public required bool UsesSystemPolicy { get; init; }

    public required NamePatternSet Allowlist { get; init; }

    /// <summary>The map the specific rules stand in; a policy has at most one.</summary>
    public required RuleScope SpecificScope { get; init; }

    /// <summary>Specific rules by key; SPIFFE ids without their scheme.</summary>
    public required FrozenDictionary<string, AdmissionRule> SpecificRules { get; init; }

    public required AdmissionRule DefaultRule { get; init; }

    /// <summary>The rule for a request: the specific one that matches it, else the default. Cloud Run knows only the default.</summary>
    public AdmissionRule RuleFor(EvaluationRequest request, Platform platform)
    {
        if (SpecificRules.Count == 0 || platform is Platform.CloudRun)
        {
            return DefaultRule;
        }

        var key = SpecificScope switch
        {
            RuleScope.Cluster => request.Cluster,
            RuleScope.Namespace => request.Namespace,
            RuleScope.ServiceAccount when request is { Namespace.Length: > 0, ServiceAccount.Length: > 0 } =>
                $"{request.Namespace}:{request.ServiceAccount}",
            RuleScope.IstioIdentity => request.IstioIdentity,
            _ => "",
        };
        return SpecificRules.GetValueOrDefault(key, DefaultRule);
    }
}

/// <summary>The operator's allowlist of images that every cluster needs; its rules are never consulted.</summary>
public sealed record SystemPolicy(NamePatternSet Allowlist);
