using PolicyService.Core.Checks;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Decisions;

/// <summary>Facts in, decision out: the fifth hop of a request, pure (SEMANTICS section 3).</summary>
public static class Evaluator
{
    /// <summary>Decides from a selection and the evidence collected for it.</summary>
    public static Decision Evaluate(Selection selection, EvidenceSet evidence, DateTimeOffset now)
    {
        var project = ProjectPart(selection, evidence, now);
        PartOutcome[] parts = selection.IsEnded || selection.PlatformPolicies.Count == 0 ? [project] : [project, .. PlatformParts(selection, evidence, now)];
        var decided = DecidingParts.Of(selection, parts);
        var lastSeen = Oldest(parts);
        var decision = new Decision(decided.Verdict, decided.Conformance, decided.Reasons)
        {
            FailMode = decided.FailMode,
            Project = selection.Project?.Id ?? "",
            PolicyEtag = selection.Project?.Policy?.Etag ?? "",
            EvidenceTime = lastSeen < evidence.Time ? lastSeen : evidence.Time,
            Stale = selection.Age.IsStale || lastSeen is not null,
            EvaluateTime = now,
            Evidence = parts.Length == 1 ? project.Evidence : [.. parts.SelectMany(part => part.Evidence)],
            Ignored = selection.Request is { BreakGlass: null, Attestations.Count: 0 } ? [] : Ignored(selection),
        };
        decision = ApplyBreakGlass(selection, decision);
        if (!selection.IsTraced)
        {
            return decision;
        }

        selection.Note("verdict", decision.Verdict.ToString(), decision.Conformance.ToString());
        return decision with { Trace = selection.Trace };
    }

    /// <summary>Non-conformance beats error; nothing but all-conformant is conformant.</summary>
    public static Conformance Combine(IEnumerable<Conformance> conformances)
    {
        Conformance? combined = null;
        foreach (var conformance in conformances)
        {
            combined = Combine(combined, conformance);
        }

        return combined ?? Conformance.Error;
    }

    /// <summary>One more; null: it is the first.</summary>
    internal static Conformance Combine(Conformance? combined, Conformance conformance) => (combined, conformance) switch
    {
        (Conformance.NonConformant, _) or (_, Conformance.NonConformant) => Conformance.NonConformant,
        (null or Conformance.Conformant, Conformance.Conformant) => Conformance.Conformant,
        _ => Conformance.Error,
    };

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

        var outcomes = new PartOutcome[selection.Attestors.Count];
        for (var index = 0; index < outcomes.Length; index++)
        {
            outcomes[index] = AttestorEvaluation.Evaluate(selection, selection.Attestors[index], evidence, now);
        }

        foreach (var reason in selection.IsTraced ? outcomes.SelectMany(outcome => outcome.Reasons) : [])
        {
            selection.Note($"attestor {reason.Attestor}", $"{ReasonNames.Of(reason.Code)} {reason.Detail}".TrimEnd(), reason.Text);
        }

        var mode = selection.Rule!.Enforcement;
        if (outcomes.Length == 1)
        {
            return outcomes[0] with { Mode = mode };
        }

        var conformance = Combine(outcomes.Select(outcome => outcome.Conformance));
        return new PartOutcome(
            conformance,
            // A satisfied attestor is no reason for a denial.
            [.. outcomes.Where(outcome => conformance is Conformance.Conformant || outcome.Conformance is not Conformance.Conformant).SelectMany(outcome => outcome.Reasons)])
        {
            Mode = mode,
            Evidence = [.. outcomes.SelectMany(outcome => outcome.Evidence)],
            LastSeen = Oldest(outcomes),
        };
    }

    private static DateTimeOffset? Oldest(PartOutcome[] parts)
    {
        DateTimeOffset? oldest = null;
        foreach (var part in parts)
        {
            oldest = part.LastSeen is { } seen && !(oldest <= seen) ? seen : oldest;
        }

        return oldest;
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
