using PolicyService.Core.Checks;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Decisions;

/// <summary>Judges an image against one bound platform policy (SEMANTICS section 2).</summary>
internal static class PlatformEvaluation
{
    public static PartOutcome Evaluate(Selection selection, BoundPlatformPolicy bound, DateTimeOffset now)
    {
        // A Cloud Run rule has a mode of its own; what rule or binding runs dry does not block.
        var isDryRun = bound.Binding.Mode is not BindingMode.Enforce || bound.Policy?.CloudRunRule?.Enforcement is EnforcementMode.DryRun;
        var mode = isDryRun ? EnforcementMode.DryRun : EnforcementMode.Enforce;
        if (bound.Policy is not { } policy)
        {
            return PartOutcome.Error(Texts.ConfigError(selection, $"the platform policy {bound.Binding.Name} does not exist")) with { Mode = mode };
        }

        if (policy.Allowlist.Match(selection.Request.Image.MatchText) is not null)
        {
            return PartOutcome.Conformant(Texts.ChecksPassed(selection, bound, "ALLOWLISTED")) with { Mode = mode };
        }

        return (policy.CloudRunRule is { } rule ? CloudRun(selection, bound, rule) : CheckSets(selection, bound, policy, now)) with { Mode = mode };
    }

    private static PartOutcome CheckSets(Selection selection, BoundPlatformPolicy bound, PlatformPolicy policy, DateTimeOffset now)
    {
        var request = selection.Request;
        // The parser made sure that there is a set and that the last one is unscoped.
        var set = policy.CheckSets.FirstOrDefault(candidate => candidate.Scope.Includes(request.Namespace, request.ServiceAccount));
        if (set is null)
        {
            return PartOutcome.Error(Texts.ConfigError(selection, $"no check set of {bound.Binding.Name} is for this pod"));
        }

        if (set.Allowlist.Match(request.Image.MatchText) is not null)
        {
            return PartOutcome.Conformant(Texts.ChecksPassed(selection, bound, "ALLOWLISTED"));
        }

        var input = new CheckInput(request.Image, now);
        var results = set.Checks.Select(check => check.Evaluate(input)).ToArray();
        var conformance = Evaluator.Combine(results.Select(result => result.Conformance));
        return conformance is Conformance.Conformant
            ? PartOutcome.Conformant(Texts.ChecksPassed(selection, bound, ""))
            : new PartOutcome(conformance, [.. results.Where(result => result.Conformance is not Conformance.Conformant).Select(result => Texts.Check(selection, bound, result))]);
    }

    private static PartOutcome CloudRun(Selection selection, BoundPlatformPolicy bound, AdmissionRule rule) => rule.Evaluation switch
    {
        EvaluationMode.AlwaysAllow => PartOutcome.Conformant(Texts.ChecksPassed(selection, bound, "")),
        EvaluationMode.RequireAttestation => PartOutcome.Error(Texts.Check(
            selection, bound, new CheckResult(Conformance.Error, "requiredAttestors", "this version cannot evaluate the attestors of a Cloud Run platform policy"))),
        _ => PartOutcome.NonConformant(Texts.Check(selection, bound, new CheckResult(Conformance.NonConformant, "alwaysDeny", "the rule denies every image"))),
    };
}
