using System.Collections.Concurrent;
using PolicyService.Core.Checks;
using PolicyService.Core.Decisions;
using PolicyService.Core.Documents;
using PolicyService.Server.Policies;
using Prometheus;

namespace PolicyService.Server.Decisions;

/// <summary>Counts decisions. Every label comes from a closed set or from the operator's documents, never from a caller.</summary>
public sealed class DecisionMetrics
{
    private const string NoProject = "none";
    private static readonly int Codes = Enum.GetValues<ReasonCode>().Length;
    private static readonly int Verdicts = Enum.GetValues<Verdict>().Length;
    private readonly Counter _decisions;
    private readonly Histogram _latency;

    /// <summary>By project, and there by verdict and code: a look-up by one string costs a tenth of one by all three.</summary>
    private readonly ConcurrentDictionary<string, Counter.Child?[]> _children = new(StringComparer.Ordinal);

    public DecisionMetrics(CollectorRegistry registry, SnapshotInForce inForce, TimeProvider time)
    {
        var factory = Metrics.WithCustomRegistry(registry);
        _decisions = factory.CreateCounter(
            "policyservice_decisions_total", "Decisions by verdict, first reason and configured project.", "verdict", "reason", "project");
        _latency = factory.CreateHistogram("policyservice_decision_seconds", "Time from the parsed request to the recorded decision.", new HistogramConfiguration
        {
            Buckets = Histogram.ExponentialBuckets(0.000_02, 2.5, 16),
        });
        var age = factory.CreateGauge("policyservice_snapshot_age_seconds", "Time since the source of the documents last answered.");
        var stale = factory.CreateGauge("policyservice_snapshot_stale", "1 while the source of the documents does not answer.");
        var generation = factory.CreateGauge("policyservice_snapshot_generation", "Grows with every change of the documents.");
        var problems = factory.CreateGauge("policyservice_document_problems", "Problems of the documents by severity.", "severity");
        registry.AddBeforeCollectCallback(() =>
        {
            if (inForce.Current is { } version)
            {
                age.Set((time.GetUtcNow() - version.ReadAt).TotalSeconds);
                stale.Set(version.AgeAt(time.GetUtcNow()).IsStale ? 1 : 0);
                generation.Set(version.Snapshot.Generation);
                problems.WithLabels("error").Set(version.Problems.Count(problem => problem.Severity is ProblemSeverity.Error));
                problems.WithLabels("warning").Set(version.Problems.Count(problem => problem.Severity is ProblemSeverity.Warning));
            }
        });
    }

    /// <summary>Counts one decision.</summary>
    public void Count(Decision decision, TimeSpan elapsed)
    {
        _latency.Observe(elapsed.TotalSeconds);
        // A project without documents is a name the caller chose.
        var project = decision.Project.Length > 0 ? decision.Project : NoProject;
        var code = decision.Reasons.Count > 0 ? decision.Reasons[0].Code : ReasonCode.Unspecified;
        var children = _children.GetOrAdd(project, static _ => new Counter.Child?[Verdicts * Codes]);
        ref var child = ref children[((int)decision.Verdict * Codes) + (int)code];
        // Two at once may both ask for it: they get the same one.
        child ??= _decisions.WithLabels(VerdictName(decision.Verdict), ReasonNames.Of(code), project);
        child.Inc();
    }

    internal static string VerdictName(Verdict verdict) => verdict switch
    {
        Verdict.Allow => "ALLOW",
        Verdict.DryRun => "DRYRUN",
        _ => "DENY",
    };
}
