using PolicyService.Core.Checks;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Decisions;

/// <summary>How far the snapshot is from its source.</summary>
/// <param name="IsStale">The source does not answer.</param>
/// <param name="Age">Time since the source last answered.</param>
/// <param name="ReadAt">When it last did.</param>
public readonly record struct SnapshotAge(bool IsStale, TimeSpan Age, DateTimeOffset ReadAt);

/// <summary>What one part of an evaluation found, and what its non-conformance does.</summary>
public sealed record PartOutcome(Conformance Conformance, IReadOnlyList<Reason> Reasons)
{
    /// <summary>Enforced unless a rule or binding says dry run.</summary>
    public EnforcementMode Mode { get; init; } = EnforcementMode.Enforce;

    /// <summary>SHA-256 of the payloads that counted.</summary>
    public IReadOnlyList<Digest> Evidence { get; init; } = [];

    /// <summary>What counted comes from the archive, and its source last showed it then; null: no source was down.</summary>
    public DateTimeOffset? LastSeen { get; init; }

    public static PartOutcome Conformant(params Reason[] reasons) => new(Conformance.Conformant, reasons);

    public static PartOutcome NonConformant(params Reason[] reasons) => new(Conformance.NonConformant, reasons);

    public static PartOutcome Error(params Reason[] reasons) => new(Conformance.Error, reasons);
}

/// <summary>A platform policy a binding names; null if it does not exist.</summary>
public sealed record BoundPlatformPolicy(PlatformPolicyBinding Binding, PlatformPolicy? Policy);

/// <summary>Either a selection, or the field that makes the request nonsense against the documents in force.</summary>
public abstract record SelectionResult
{
    private SelectionResult()
    {
    }

    public sealed record Selected(Selection Selection) : SelectionResult;

    public sealed record Invalid(string Field, string Problem) : SelectionResult;
}

/// <summary>What decides one request: settled parts, attestors whose evidence is needed, bound platform policies.</summary>
public sealed class Selection(EvaluationRequest request, ProjectSnapshot? project, ClusterBinding binding, SnapshotAge age)
{
    private readonly List<Step>? _trace = request.Explain ? [] : null;
    private List<BoundPlatformPolicy>? _platformPolicies;
    private RequiredAttestor[] _satisfiable = [];

    public EvaluationRequest Request => request;

    public ProjectSnapshot? Project => project;

    public ClusterBinding Binding => binding;

    public SnapshotAge Age => age;

    public ProjectOptions Options => project?.Options ?? ProjectOptions.Default;

    public FailMode FailMode => Options.FailModeOn(binding.Platform);

    /// <summary>The rule chosen; null where something settled before rules were looked at.</summary>
    public AdmissionRule? Rule { get; private set; }

    /// <summary>The project part, if it needs no evidence.</summary>
    public PartOutcome? Settled { get; private set; }

    /// <summary>What settled the project part ends the whole evaluation: platform policies are not consulted.</summary>
    public bool IsEnded { get; private set; }

    /// <summary>All attestors the image needs.</summary>
    public IReadOnlyList<RequiredAttestor> Attestors { get; private set; } = [];

    public IReadOnlyList<BoundPlatformPolicy> PlatformPolicies => _platformPolicies ?? (IReadOnlyList<BoundPlatformPolicy>)[];

    /// <summary>Whether anybody will read what is noted: what costs something to say is said only then.</summary>
    public bool IsTraced => _trace is not null;

    public IReadOnlyList<Step> Trace => _trace ?? (IReadOnlyList<Step>)[];

    /// <summary>Attestors whose evidence must be collected; none where the image has no digest to look up.</summary>
    public IReadOnlyList<RequiredAttestor> NeedEvidence => request.Image.Digest is null ? [] : _satisfiable;

    /// <summary>Checks whose evidence must be collected: those of the chosen check sets, where no allowlist spares the image.</summary>
    public IEnumerable<SimpleSigningCheck> NeedChecks => ChecksOf(PlatformPolicies);

    /// <summary>Of these, the ones of policies that do more than monitor.</summary>
    public IEnumerable<SimpleSigningCheck> DecidingChecks => ChecksOf(PlatformPolicies.Where(bound => bound.Binding.Mode is not BindingMode.Monitor));

    /// <summary>Adds a step to the trace, if one was asked for.</summary>
    public void Note(string step, string outcome, string text) => _trace?.Add(new Step(step, outcome, text));

    internal Selection End(PartOutcome outcome)
    {
        IsEnded = true;
        Settle(outcome);
        return this;
    }

    internal void Settle(PartOutcome outcome)
    {
        Settled = outcome;
        foreach (var reason in IsTraced ? outcome.Reasons : [])
        {
            Note("project policy", ReasonNames.Of(reason.Code), reason.Text);
        }
    }

    internal void Choose(CompiledRule compiled)
    {
        Rule = compiled.Rule;
        if (IsTraced)
        {
            Note("rule", Texts.RuleName(compiled.Rule), $"{compiled.Rule.Evaluation}, {compiled.Rule.Enforcement}");
        }
    }

    internal void Require(CompiledRule compiled) => (Attestors, _satisfiable) = (compiled.Attestors, compiled.Satisfiable);

    internal void Bind(BoundPlatformPolicy bound) => (_platformPolicies ??= []).Add(bound);

    private IEnumerable<SimpleSigningCheck> ChecksOf(IEnumerable<BoundPlatformPolicy> policies) => _platformPolicies is null || IsEnded || request.Image.Digest is null
        ? []
        : policies.Where(bound => bound.Policy is not null).SelectMany(bound => PlatformEvaluation.ChecksOf(bound.Policy!, request)).OfType<SimpleSigningCheck>().Distinct();
}
