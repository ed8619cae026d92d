using PolicyService.Core.Checks;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Decisions;

/// <summary>Facts in, decision out: the fifth hop of a request, pure (SEMANTICS section 3).</summary>
public static class Evaluator
{
    /// <summary>Decides from a selection and the evidence collected for it.</summary>
    public static Decision Evaluate(Selection selection, EvidenceSet evidence, DateTimeOffset now)
    {
        var parts = new List<PartOutcome> { ProjectPart(selection, evidence, now) };
        if (!selection.IsEnded)
        {
            parts.AddRange(PlatformParts(selection, evidence, now));
        }

        var lastSeen = parts.Min(part => part.LastSeen);
        var decision = Combine(selection, parts) with
        {
            Project = selection.Project?.Id ?? "",
            PolicyEtag = selection.Project?.Policy?.Etag ?? "",
            EvidenceTime = lastSeen < evidence.Time ? lastSeen : evidence.Time,
            Stale = selection.Age.IsStale || lastSeen is not null,
            EvaluateTime = now,
            Evidence = [.. parts.SelectMany(part => part.Evidence)],
        };
        decision = ApplyBreakGlass(selection, decision with { Ignored = Ignored(selection) });
        selection.Note("verdict", decision.Verdict.ToString(), decision.Conformance.ToString());
        return decision with { Trace = selection.Trace };
    }

    /// <summary>Non-conformance beats error; nothing but all-conformant is conformant.</summary>
    public static Conformance Combine(IEnumerable<Conformance> conformances)
    {
        Conformance? combined = null;
        foreach (var conformance in conformances)
        {
            combined = (combined, conformance) switch
            {
                (Conformance.NonConformant, _) or (_, Conformance.NonConformant) => Conformance.NonConformant,
                (null or Conformance.Conformant, Conformance.Conformant) => Conformance.Conformant,
                _ => Conformance.Error,
            };
        }

        return combined ?? Conformance.Error;
    }

    /// <summary>What the evidence at hand says of one attestor: whoever collects evidence asks where more of it could change the answer.</summary>
    public static Conformance Judge(Selection selection, RequiredAttestor required, EvidenceSet evidence, DateTimeOffset now) =>
        AttestorEvaluation.Evaluate(selection, required, evidence, now).Conformance;

    /// <summary>The same for a check.</summary>
    public static Conformance Judge(Selection selection, Check check, EvidenceSet evidence, DateTimeOffset now) =>
        check.Evaluate(new CheckInput(selection.Request.Image, now, evidence)).Conformance;

    private static PartOutcome ProjectPart(Selection selection, EvidenceSet evidence, DateTimeOffset now)
    {
        if (selection.Settled is { } settled)
        {
            return settled;
        }

        var outcomes = selection.Attestors.Select(required => AttestorEvaluation.Evaluate(selection, required, evidence, now)).ToArray();
        foreach (var reason in outcomes.SelectMany(outcome => outcome.Reasons))
        {
            selection.Note($"attestor {reason.Attestor}", $"{ReasonNames.Of(reason.Code)} {reason.Detail}".TrimEnd(), reason.Text);
        }

        var conformance = Combine(outcomes.Select(outcome => outcome.Conformance));
        return new PartOutcome(
            conformance,
            // A satisfied attestor is no reason for a denial.
            [.. outcomes.Where(outcome => conformance is Conformance.Conformant || outcome.Conformance is not Conformance.Conformant).SelectMany(outcome => outcome.Reasons)])
        {
            Mode = selection.Rule!.Enforcement,
            Evidence = [.. outcomes.SelectMany(outcome => outcome.Evidence)],
            LastSeen = outcomes.Min(outcome => outcome.LastSeen),
        };
    }

    private static IEnumerable<PartOutcome> PlatformParts(Selection selection, EvidenceSet evidence, DateTimeOffset now)
    {
        foreach (var bound in selection.PlatformPolicies)
        {
            if (Outcome(selection, bound, evidence, now) is not { } outcome)
            {
                continue;
            }

            foreach (var reason in outcome.Reasons)
            {
                selection.Note($"platform policy {bound.Binding.Name} ({bound.Binding.Mode})", ReasonNames.Of(reason.Code), reason.Text);
            }

            if (bound.Binding.Mode is not BindingMode.Monitor)
            {
                yield return outcome;
            }
        }
    }

    /// <summary>Null: a policy that monitors cannot be evaluated, which touches nothing but the trace.</summary>
    private static PartOutcome? Outcome(Selection selection, BoundPlatformPolicy bound, EvidenceSet evidence, DateTimeOffset now)
    {
        try
        {
            return PlatformEvaluation.Evaluate(selection, bound, evidence, now);
        }
        catch (Exception exception) when (bound.Binding.Mode is BindingMode.Monitor)
        {
            selection.Note($"platform policy {bound.Binding.Name} ({bound.Binding.Mode})", "FAILED", exception.GetType().Name);
            return null;
        }
    }

    /// <summary>DENY beats DRYRUN beats ALLOW; conformance and reasons are those of the parts that decide.</summary>
    private static Decision Combine(Selection selection, List<PartOutcome> parts)
    {
        var decided = parts.Select(part => (Part: part, Outcome: Decide(part, selection.FailMode))).ToArray();
        var verdict = decided.Select(one => one.Outcome.Verdict).MaxBy(Severity);
        var deciding = decided.Where(one => one.Outcome.Verdict == verdict).ToArray();
        var conformance = Combine(deciding.Select(one => one.Part.Conformance));
        var failMode = conformance is Conformance.Error
            ? deciding.Select(one => one.Outcome.FailMode).FirstOrDefault(mode => mode is not FailMode.Unspecified)
            : FailMode.Unspecified;
        Reason[] reasons = [.. deciding.SelectMany(one => one.Part.Reasons)];
        return new Decision(verdict, conformance, failMode is FailMode.Open ? [Texts.FailedOpen(selection), .. reasons] : reasons)
        {
            EvaluateTime = default,
            FailMode = failMode,
        };
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

    private static Decision ApplyBreakGlass(Selection selection, Decision decision)
    {
        if (selection.Request.BreakGlass is null || !IsBreakGlassHonoured(selection))
        {
            return decision;
        }

        selection.Note("break-glass", "honoured", "");
        return decision with
        {
            Verdict = Verdict.Allow,
            Reasons = [Texts.BrokeGlass(selection), .. decision.Reasons],
            BreakGlass = true,
            OverriddenVerdict = decision.Verdict,
            OverriddenConformance = decision.Conformance,
        };
    }

    /// <summary>
    /// A caller with the grant, and no demand for a signed grant: until those exist, the demand refuses every marker. Options that were
    /// never readable may hold that demand.
    /// </summary>
    private static bool IsBreakGlassHonoured(Selection selection) =>
        selection.Request.Grants.BreakGlass && !selection.Options.RequireGrant && selection.Project is not { OptionsRefused: true };

    private static List<string> Ignored(Selection selection)
    {
        var ignored = new List<string>();
        if (selection.Request.BreakGlass is not null && !IsBreakGlassHonoured(selection))
        {
            ignored.Add(selection.Request.Grants.BreakGlass ? "break_glass: the project requires a signed grant" : "break_glass: the caller is not granted it");
        }

        if (selection.Request.Attestations.Count > 0 && !selection.Request.Grants.InlineAttestations)
        {
            ignored.Add("attestations: the caller is not granted inline attestations");
        }

        foreach (var text in ignored)
        {
            selection.Note("ignored", text, "");
        }

        return ignored;
    }
}
