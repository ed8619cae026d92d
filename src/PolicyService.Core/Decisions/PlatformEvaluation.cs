using PolicyService.Core.Checks;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Decisions;

/// <summary>Judges an image against a platform policy, bound to a cluster or asked about by itself (SEMANTICS section 2).</summary>
public static class PlatformEvaluation
{
    internal static PartOutcome Evaluate(Selection selection, BoundPlatformPolicy bound, EvidenceSet evidence, DateTimeOffset now)
    {
        // A Cloud Run rule has a mode of its own; what rule or binding runs dry does not block.
        var isDryRun = bound.Binding.Mode is not BindingMode.Enforce || bound.Policy?.CloudRunRule?.Enforcement is EnforcementMode.DryRun;
        var mode = isDryRun ? EnforcementMode.DryRun : EnforcementMode.Enforce;
        if (bound.Policy is not { } policy)
        {
            return PartOutcome.Error(Texts.ConfigError(selection, $"the platform policy {bound.Binding.Name} does not exist")) with { Mode = mode };
        }

        return (policy.CloudRunRule is { } rule ? CloudRun(selection, bound, policy, rule) : CheckSets(selection, bound, policy, evidence, now)) with { Mode = mode };
    }

    /// <summary>
    /// Judges an image against the check sets of a policy: its allowlist, then the one set for the pod, that set's allowlist, each of its checks.
    /// </summary>
    public static PlatformFinding Judge(PlatformPolicy policy, EvaluationRequest request, EvidenceSet evidence, DateTimeOffset now)
    {
        if (policy.Allowlist.Match(request.Image.MatchText) is { } exempt)
        {
            return new PlatformFinding(Conformance.Conformant) { Allowlisted = exempt };
        }

        if (policy.SetFor(request) is not { } index)
        {
            return new PlatformFinding(Conformance.Error);
        }

        var set = policy.CheckSets[index];
        if (set.Allowlist.Match(request.Image.MatchText) is { } spared)
        {
            return new PlatformFinding(Conformance.Conformant) { CheckSet = new CheckSetFinding(index, set, spared, []) };
        }

        var input = new CheckInput(request.Image, now, evidence);
        CheckResult[] results = [.. set.Checks.Select(check => check.Evaluate(input))];
        return new PlatformFinding(Evaluator.Combine(results.Select(result => result.Conformance))) { CheckSet = new CheckSetFinding(index, set, null, results) };
    }

    /// <summary>The checks that an image is judged by: none where an allowlist spares it.</summary>
    internal static IEnumerable<Check> ChecksOf(PlatformPolicy policy, EvaluationRequest request)
    {
        var text = request.Image.MatchText;
        var set = policy.Allowlist.Match(text) is null && policy.SetFor(request) is { } index ? policy.CheckSets[index] : null;
        return set is null || set.Allowlist.Match(text) is not null ? [] : set.Checks.Where(check => check.Allowlist.Match(text) is null);
    }

    private static PartOutcome CheckSets(Selection selection, BoundPlatformPolicy bound, PlatformPolicy policy, EvidenceSet evidence, DateTimeOffset now)
    {
        var finding = Judge(policy, selection.Request, evidence, now);
        return finding switch
        {
            { Allowlisted: null, CheckSet: null } => PartOutcome.Error(Texts.ConfigError(selection, $"no check set of {bound.Binding.Name} is for this pod")),
            { Conformance: Conformance.Conformant } =>
                PartOutcome.Conformant(Texts.ChecksPassed(selection, bound, finding.Allowlisted is null && finding.CheckSet!.Allowlisted is null ? "" : "ALLOWLISTED", finding.LastSeen)) with
                {
                    LastSeen = finding.LastSeen,
                    Evidence = [.. finding.CheckSet?.Results.Select(result => result.Evidence).OfType<Digest>() ?? []],
                },
            _ => new PartOutcome(
                finding.Conformance,
                [.. finding.CheckSet!.Results.Where(result => result.Conformance is not Conformance.Conformant).SelectMany(result => Texts.Check(selection, bound, result))]),
        };
    }

    private static PartOutcome CloudRun(Selection selection, BoundPlatformPolicy bound, PlatformPolicy policy, AdmissionRule rule) => rule.Evaluation switch
    {
        _ when policy.Allowlist.Match(selection.Request.Image.MatchText) is not null => PartOutcome.Conformant(Texts.ChecksPassed(selection, bound, "ALLOWLISTED")),
        EvaluationMode.AlwaysAllow => PartOutcome.Conformant(Texts.ChecksPassed(selection, bound, "")),
        EvaluationMode.RequireAttestation => PartOutcome.Error([.. Texts.Check(
            selection, bound, new CheckResult(Conformance.Error, "requiredAttestors", "this version cannot evaluate the attestors of a Cloud Run platform policy"))]),
        _ => PartOutcome.NonConformant([.. Texts.Check(selection, bound, new CheckResult(Conformance.NonConformant, "alwaysDeny", "the rule denies every image"))]),
    };
}
