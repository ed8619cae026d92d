using PolicyService.Core;
using PolicyService.Core.Decisions;
using PolicyService.Evidence;
using PolicyService.Server.Audits;
using PolicyService.Server.Policies;

namespace PolicyService.Server.Decisions;

/// <summary>A decision with the id of its record, or the field that made the request nonsense.</summary>
public abstract record DecisionOutcome
{
    private DecisionOutcome()
    {
    }

    public sealed record Decided(Decision Decision, string DecisionId) : DecisionOutcome;

    public sealed record Invalid(string Field, string Problem) : DecisionOutcome;
}

/// <summary>The only orchestrator: selects, collects evidence, evaluates, records (ARCHITECTURE section 2).</summary>
public sealed class PolicyDecisionPoint(
    SnapshotInForce inForce, EvidenceCollector collector, DecisionLog log, DecisionMetrics metrics, TimeProvider time)
{
    /// <summary>The version in force now; a batch takes it once for all its items.</summary>
    public PolicyVersion Version => inForce.Current ?? throw new InvalidOperationException("no documents were read before the first request");

    /// <param name="request">The parsed request.</param>
    /// <param name="version">The one version of the documents this request sees.</param>
    /// <param name="caller">Who asks, for the record and for its turn where callers share something.</param>
    /// <param name="deadline">When the caller stops waiting.</param>
    /// <param name="cancellation">The caller went away.</param>
    /// <exception cref="AuditUnavailableException">The decision could not be recorded in time, so there is none.</exception>
    public async ValueTask<DecisionOutcome> DecideAsync(
        EvaluationRequest request, PolicyVersion version, string caller, Deadline deadline, CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        var now = time.GetUtcNow();
        var selected = version.Snapshot.Select(request, version.AgeAt(now));
        if (selected is SelectionResult.Invalid invalid)
        {
            return new DecisionOutcome.Invalid(invalid.Field, invalid.Problem);
        }

        var selection = ((SelectionResult.Selected)selected).Selection;
        var evidence = await CollectAsync(version, selection, caller, now, deadline, cancellation);
        var decision = Evaluator.Evaluate(selection, evidence, now);
        var decisionId = DecisionIds.Next(now);
        await log.RecordAsync(new DecisionRecord(decisionId, request, decision, version.Snapshot.Generation, caller), deadline, cancellation);
        metrics.Count(decision, time.GetElapsedTime(started));
        return new DecisionOutcome.Decided(decision, decisionId);
    }

    private async ValueTask<EvidenceSet> CollectAsync(
        PolicyVersion version, Selection selection, string caller, DateTimeOffset now, Deadline deadline, CancellationToken cancellation)
    {
        var left = deadline.EvaluationTime(now);
        if (left > TimeSpan.Zero && collector.AtHand(version.Snapshot, selection, version.ReadAt, version.ContentVersion, now) is { } evidence)
        {
            return evidence;
        }

        using var ending = new TimedCancellation(left, time, cancellation);
        return await collector.CollectAsync(version.Snapshot, selection, version.ReadAt, version.ContentVersion, caller, now, ending.Token);
    }
}

/// <summary>The end of a caller's patience.</summary>
/// <param name="At">When the caller stops waiting; never more than 30 s away.</param>
/// <param name="Margin">Kept back so that the answer arrives.</param>
public readonly record struct Deadline(DateTimeOffset At, TimeSpan Margin)
{
    /// <param name="now">The present.</param>
    /// <param name="asked">The caller's deadline; null if it set none.</param>
    public static Deadline Of(DateTimeOffset now, DateTimeOffset? asked)
    {
        var given = asked is { } at ? at - now : Limits.DefaultDeadline;
        var total = given > Limits.MaxDeadline ? Limits.MaxDeadline : given;
        var margin = total / 10 > Limits.MinAnswerMargin ? total / 10 : Limits.MinAnswerMargin;
        return new Deadline(now + total, margin);
    }

    /// <summary>Time left for the evaluation; zero if none is.</summary>
    public TimeSpan EvaluationTime(DateTimeOffset now) => Positive(At - Margin - now);

    /// <summary>Time left for the record; zero if none is. The other half of the margin carries the answer, or the news that there is none.</summary>
    public TimeSpan RecordingTime(DateTimeOffset now) => Positive(At - (Margin / 2) - now);

    private static TimeSpan Positive(TimeSpan time) => time > TimeSpan.Zero ? time : TimeSpan.Zero;
}
