using PolicyService.Core.Checks;
using PolicyService.Core.Images;
using PolicyService.Core.Policies;

namespace PolicyService.Core.Decisions;

/// <summary>What the caller does.</summary>
public enum Verdict
{
    /// <summary>Never an answer; a caller that sees it denies.</summary>
    Unspecified,
    Allow,
    Deny,
    DryRun,
}

/// <summary>One step of an evaluation, for people who ask why.</summary>
public sealed record Step(string Name, string Outcome, string Text);

/// <summary>The whole answer.</summary>
public sealed record Decision(Verdict Verdict, Conformance Conformance, IReadOnlyList<Reason> Reasons)
{
    /// <summary>Project whose policy decided; empty if there was none.</summary>
    public string Project { get; init; } = "";

    public string PolicyEtag { get; init; } = "";

    public required DateTimeOffset EvaluateTime { get; init; }

    public DateTimeOffset? EvidenceTime { get; init; }

    public bool Stale { get; init; }

    public FailMode FailMode { get; init; }

    public bool BreakGlass { get; init; }

    public Verdict OverriddenVerdict { get; init; }

    public Conformance OverriddenConformance { get; init; }

    public IReadOnlyList<Step> Trace { get; init; } = [];

    /// <summary>SHA-256 of the payloads that satisfied an attestor.</summary>
    public IReadOnlyList<Digest> Evidence { get; init; } = [];

    /// <summary>What the request asked for and was not granted.</summary>
    public IReadOnlyList<string> Ignored { get; init; } = [];
}
