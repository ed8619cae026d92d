using PolicyService.Core.Checks;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Decisions;

/// <summary>What the parts of an evaluation come to: DENY beats DRYRUN beats ALLOW, and conformance and reasons are those of the parts that decide.</summary>
internal readonly record struct DecidingParts(Verdict Verdict, Conformance Conformance, FailMode FailMode, IReadOnlyList<Reason> Reasons)
{
    public static DecidingParts Of(Selection selection, PartOutcome[] parts)
    {
        if (parts.Length == 1)
        {
            var (only, failMode) = Decide(parts[0], selection.FailMode);
            return Of(selection, only, Evaluator.Combine(null, parts[0].Conformance), failMode, parts[0].Reasons);
        }

        var decided = parts.Select(part => (Part: part, Outcome: Decide(part, selection.FailMode))).ToArray();
        var verdict = decided.Select(one => one.Outcome.Verdict).MaxBy(Severity);
        var deciding = decided.Where(one => one.Outcome.Verdict == verdict).ToArray();
        return Of(
            selection,
            verdict,
            Evaluator.Combine(deciding.Select(one => one.Part.Conformance)),
            deciding.Select(one => one.Outcome.FailMode).FirstOrDefault(mode => mode is not FailMode.Unspecified),
            [.. deciding.SelectMany(one => one.Part.Reasons)]);
    }

    private static DecidingParts Of(Selection selection, Verdict verdict, Conformance conformance, FailMode failMode, IReadOnlyList<Reason> reasons)
    {
        var decidingMode = conformance is Conformance.Error ? failMode : FailMode.Unspecified;
        return new DecidingParts(verdict, conformance, decidingMode, decidingMode is FailMode.Open ? [Texts.FailedOpen(selection), .. reasons] : reasons);
    }

    /// <summary>The table of SEMANTICS section 3, row by row; what no row admits is denied.</summary>
    private static (Verdict Verdict, FailMode FailMode) Decide(PartOutcome part, FailMode failMode)
    {
        if (part.Conformance is Conformance.Conformant)
        {
            return (Verdict.Allow, FailMode.Unspecified);
        }

        if (part.Mode is EnforcementMode.DryRun)
        {
            return (Verdict.DryRun, FailMode.Unspecified);
        }

        if (part.Conformance is not Conformance.Error || part.Reasons.Any(reason => reason.Code is ReasonCode.PolicyConfigError))
        {
            return (Verdict.Deny, FailMode.Unspecified);
        }

        if (failMode is not FailMode.Open)
        {
            return (Verdict.Deny, FailMode.Closed);
        }

        // One error an image's author can cause is enough to keep the gate shut.
        var isOurs = part.Reasons.Count > 0 && part.Reasons.All(reason => reason.IsOwnFault);
        return isOurs ? (Verdict.Allow, FailMode.Open) : (Verdict.Deny, FailMode.Unspecified);
    }

    private static int Severity(Verdict verdict) => verdict switch
    {
        Verdict.Allow => 0,
        Verdict.DryRun => 1,
        _ => 2,
    };
}
