using Google.Protobuf.WellKnownTypes;
using PolicyService.Api.V1;
using PolicyService.Kubernetes.Events;
using PolicyService.Kubernetes.Findings;
using PolicyService.Kubernetes.Postures;
using PolicyService.Kubernetes.Running;

namespace PolicyService.Kubernetes.Decisions;

/// <summary>What is done with images that the service gave no decision about (docs/kubernetes.md). What it admits is recorded; what must be, before it says so.</summary>
internal sealed class Fallback(ServiceWatch watch, FindingJournal journal, AdapterMetrics metrics, EventWriter events, TimeProvider time)
{
    /// <summary>Findings that nothing depends on leave half of the journal to those that an admission depends on.</summary>
    private const double Share = 0.5;
    private static readonly TimeSpan RefusedInterval = TimeSpan.FromSeconds(1);
    private long _refusedAt;

    /// <summary>Decides about images by their places.</summary>
    /// <param name="question">The question.</param>
    /// <param name="failures">The images without a decision, and why there is none.</param>
    /// <param name="left">How long there is for records.</param>
    /// <param name="cancellation">The cluster went away.</param>
    public async Task<IReadOnlyList<(int Index, ImageDecision Decision)>> DecideAsync(
        AdmissionQuestion question, IReadOnlyList<(int Index, ServiceFailure Failure)> failures, TimeSpan left, CancellationToken cancellation)
    {
        if (failures.Count == 0)
        {
            return [];
        }

        using var late = new CancellationTokenSource(left, time);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellation);
        var (posture, now) = (watch.Posture, time.GetUtcNow());
        var admitted = failures.Select(one => (one.Index, one.Failure, Basis: BasisOf(question, question.Images[one.Index], one.Failure, posture, now))).ToArray();
        var problem = await RecordAsync(question, [.. admitted.Where(one => IsBinding(one.Basis))], share: 1, now, ending.Token);
        var decisions = new List<(int, ImageDecision)>(admitted.Length);
        foreach (var (index, failure, basis) in admitted)
        {
            var image = question.Images[index];
            // Without its record it did not happen; a dry run needs none.
            var counts = problem is null || !IsBinding(basis) ? basis
                : IsDryRun(image, failure, posture, now) ? AdmissionBasis.Posture
                : AdmissionBasis.None;
            decisions.Add((index, Decide(question, image, failure, counts, problem)));
        }

        await RecordOthersAsync(question, [.. admitted.Where(one => !IsBinding(one.Basis))], now, ending.Token);
        Tell(decisions);
        return decisions;
    }

    /// <summary>Admitted because somebody, or the set-up, said so: that must be known afterwards.</summary>
    private static bool IsBinding(AdmissionBasis basis) => basis is AdmissionBasis.BreakGlass or AdmissionBasis.FailMode;

    private AdmissionBasis BasisOf(AdmissionQuestion question, string image, ServiceFailure failure, KnownPosture? posture, DateTimeOffset now)
    {
        var isAway = failure.Kind is FailureKind.Away;
        return isAway && question.IsBreakGlass && posture?.Message.HonoursBreakGlass is not false ? AdmissionBasis.BreakGlass
            : IsDryRun(image, failure, posture, now) ? AdmissionBasis.Posture
            : isAway && question.FailMode is FailMode.Open && posture?.Revokes(image) is not true ? AdmissionBasis.FailMode
            : AdmissionBasis.None;
    }

    /// <summary>
    /// While the service is away its last word counts for as long as it said. While it is there, and only this decision is missing, it counts if it was
    /// heard just now: else whoever can make a decision fail could have an older posture used.
    /// </summary>
    private bool IsDryRun(string image, ServiceFailure failure, KnownPosture? posture, DateTimeOffset now) =>
        posture is not null && posture.IsDryRunAt(now) && !posture.Revokes(image) && failure.Kind switch
        {
            FailureKind.Away => true,
            FailureKind.NoDecision or FailureKind.InvalidImage => !watch.IsSilent,
            _ => false,
        };

    private static ImageDecision Decide(AdmissionQuestion question, string image, ServiceFailure failure, AdmissionBasis basis, string? problem)
    {
        var name = PlainWords.Line(image, 1100);
        return basis switch
        {
            AdmissionBasis.BreakGlass => Admit($"Image {name} admitted by break-glass without a decision: the decision service cannot be asked ({failure.Cause})"),
            AdmissionBasis.FailMode => Admit($"Image {name} admitted without a decision, because this webhook fails open: the decision service cannot be asked ({failure.Cause})"),
            AdmissionBasis.Posture => Admit(failure.Kind is FailureKind.InvalidImage
                ? $"Image {name} would be refused if this cluster were enforced ({failure.Cause})"
                : $"Image {name} admitted without a decision, because nothing was enforced on this cluster when the decision service was last heard ({failure.Cause})"),
            _ => new ImageDecision(image, Admission.Refused, AdmissionBasis.None, Refusal(question, name, failure, problem)),
        };

        ImageDecision Admit(string explanation) => new(image, Admission.AdmittedWithWarning, basis, explanation);
    }

    private static string Refusal(AdmissionQuestion question, string name, ServiceFailure failure, string? problem) => failure.Kind switch
    {
        FailureKind.InvalidImage => $"Image {name} is refused: {failure.Cause}",
        FailureKind.Away when problem is not null => $"Image {name} is refused: the decision service cannot be asked ({failure.Cause}), and {problem}, so it cannot be admitted without it",
        FailureKind.Away when question.IsBreakGlass => $"Image {name} is refused: the decision service cannot be asked ({failure.Cause}), and when it was last heard it did not honour break-glass of this cluster",
        FailureKind.Away => $"Image {name} is refused: the decision service cannot be asked ({failure.Cause})\n  Try again when it answers, or annotate the pod with image-policy.k8s.io/break-glass: \"true\"",
        _ => $"Image {name} is refused: the decision service gave no decision ({failure.Cause})",
    };

    private async Task<string?> RecordAsync(AdmissionQuestion question, (int Index, ServiceFailure Failure, AdmissionBasis Basis)[] images, double share, DateTimeOffset now, CancellationToken ending)
    {
        // A preview admits nothing.
        if (images.Length == 0 || question.IsPreview)
        {
            return null;
        }

        try
        {
            return await journal.AddAsync(images.Select(one => FindingOf(question, question.Images[one.Index], one.Failure, KindOf(one.Basis), now)), share, ending);
        }
        catch (OperationCanceledException)
        {
            return "the adapter's journal was not written in time";
        }
    }

    private async Task RecordOthersAsync(AdmissionQuestion question, (int Index, ServiceFailure Failure, AdmissionBasis Basis)[] images, DateTimeOffset now, CancellationToken ending)
    {
        var kept = images.Where(one => one.Basis is AdmissionBasis.Posture || (one.Failure.Kind is not FailureKind.InvalidImage && MayRecordRefusal())).ToArray();
        var dropped = images.Length - kept.Length;
        if (await RecordAsync(question, kept, Share, now, ending) is not null)
        {
            dropped += kept.Length;
        }

        metrics.Dropped.Inc(question.IsPreview ? 0 : dropped);
    }

    /// <summary>An outage must not fill the disk with what was not admitted: one a second.</summary>
    private bool MayRecordRefusal()
    {
        var last = Interlocked.Read(ref _refusedAt);
        return (last == 0 || time.GetElapsedTime(last) >= RefusedInterval) && Interlocked.CompareExchange(ref _refusedAt, Math.Max(1, time.GetTimestamp()), last) == last;
    }

    private void Tell(List<(int Index, ImageDecision Decision)> decisions)
    {
        foreach (var (_, decision) in decisions)
        {
            if (decision.Basis is AdmissionBasis.BreakGlass)
            {
                events.Offer(AdapterEvent.BreakGlass, decision.Explanation);
            }
            else if (decision.Basis is AdmissionBasis.FailMode)
            {
                events.Offer(AdapterEvent.FailedOpen, decision.Explanation);
            }
        }
    }

    private static FindingKind KindOf(AdmissionBasis basis) => basis switch
    {
        AdmissionBasis.BreakGlass => FindingKind.BreakGlass,
        AdmissionBasis.FailMode => FindingKind.FailedOpen,
        AdmissionBasis.Posture => FindingKind.Posture,
        _ => FindingKind.Refused,
    };

    /// <summary>Cut to what the service takes (<c>ReportFindings</c>): a finding that it refuses would be lost.</summary>
    private static Finding FindingOf(AdmissionQuestion question, string image, ServiceFailure failure, FindingKind kind, DateTimeOffset now) => new()
    {
        Id = Guid.CreateVersion7(now).ToString(),
        Time = Timestamp.FromDateTimeOffset(now),
        Kind = kind,
        Image = PlainWords.Bytes(image, 1024) is { Length: > 0 } name ? name : "?",
        Namespace = PlainWords.Bytes(question.Namespace, 256),
        ServiceAccount = PlainWords.Bytes(question.ServiceAccount, 256),
        ObjectKind = PlainWords.Bytes(question.Subject.Kind, 256),
        ObjectName = PlainWords.Bytes(question.Subject.Name, 1024),
        Operation = PlainWords.Bytes(question.Subject.Operation, 256),
        User = PlainWords.Bytes(question.Subject.User, 1024),
        Cause = PlainWords.Bytes(failure.Cause, 1024),
    };
}
