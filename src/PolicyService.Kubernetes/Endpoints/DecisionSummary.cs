using System.Globalization;
using System.Text;
using PolicyService.Api.V1;
using PolicyService.Kubernetes.Decisions;
using PolicyService.Kubernetes.Reviews;

namespace PolicyService.Kubernetes.Endpoints;

/// <summary>Turns decisions into what the cluster is told: a message, warnings, and annotations for its audit log.</summary>
internal static class DecisionSummary
{
    /// <summary>Longest message of a denial; bytes. 100 kB pass an API server (KUBERNETES.md point 2).</summary>
    public const int MaxMessageBytes = 64 * 1024;

    /// <summary>Longest value of an annotation; bytes (KUBERNETES.md point 4).</summary>
    public const int MaxAnnotationBytes = 2000;

    private const int TailBytes = 200;
    private const string Yes = "true";

    /// <summary>The answer for an object whose images these are.</summary>
    public static AdmissionAnswer Enforced(IReadOnlyList<ImageDecision> decisions, IEnumerable<string> warnings) =>
        new(Refusals(decisions) is { Count: > 0 } refused ? ReviewProblem.Forbidden(Message(refused)) : null)
        {
            Warnings = WarningLines.Fit([.. decisions.Where(decision => decision.Admission is Admission.AdmittedWithWarning).SelectMany(Lines), .. warnings]),
            AuditAnnotations = Annotations(decisions, VerdictOf(decisions)),
        };

    /// <summary>The answer for an object that is admitted because its pods are judged when they are made.</summary>
    /// <param name="kind">Kind of the object.</param>
    /// <param name="decisions">What its pods would get.</param>
    /// <param name="warnings">Further lines.</param>
    public static AdmissionAnswer Warned(string kind, IReadOnlyList<ImageDecision> decisions, IEnumerable<string> warnings)
    {
        var refused = Refusals(decisions).SelectMany(Lines).Select(line => $"pods of this {kind} would be refused: {line}");
        var others = decisions.Where(decision => decision.Admission is Admission.AdmittedWithWarning).SelectMany(Lines).Select(line => $"pods of this {kind}: {line}");
        var verdict = VerdictOf(decisions);
        return AdmissionAnswer.Admitted with
        {
            Warnings = WarningLines.Fit([.. refused, .. others, .. warnings]),
            // It is admitted, and what would have refused it is recorded: that is a dry run (SEMANTICS section 3).
            AuditAnnotations = Annotations(decisions, verdict == "DENY" ? "DRYRUN" : verdict),
        };
    }

    /// <summary>Each distinct image as it was answered; what has no answer of its own is refused.</summary>
    public static IReadOnlyList<ImageDecision> Match(IReadOnlyList<string> images, IReadOnlyList<ImageDecision> decisions) =>
        [.. images.Select((image, index) => index < decisions.Count && decisions[index].Image == image && images.Count == decisions.Count
            ? decisions[index]
            : new ImageDecision(image, Admission.Refused, AdmissionBasis.None, "there is no decision about this image"))];

    private static List<ImageDecision> Refusals(IReadOnlyList<ImageDecision> decisions) =>
        [.. decisions.Where(decision => decision.Admission is not (Admission.Admitted or Admission.AdmittedWithWarning))];

    private static string Message(List<ImageDecision> refused)
    {
        var message = new StringBuilder();
        var bytes = 0;
        for (var index = 0; index < refused.Count; index++)
        {
            var text = (index > 0 ? "\n" : "") + Text(refused[index]);
            if ((bytes += Encoding.UTF8.GetByteCount(text)) > MaxMessageBytes - TailBytes)
            {
                var room = MaxMessageBytes - TailBytes - (bytes - Encoding.UTF8.GetByteCount(text));
                return message.Append(PlainText.CutBytes(text, room))
                    .Append(CultureInfo.InvariantCulture, $"\n(cut here: {refused.Count} images are refused, {index} of them are explained in full)").ToString();
            }

            message.Append(text);
        }

        return message.ToString();
    }

    /// <summary>The texts of a decision, which name the image.</summary>
    private static string Text(ImageDecision decision)
    {
        var explanation = PlainText.Lines(decision.Explanation).Trim();
        var image = PlainText.Line(decision.Image, 2000);
        return explanation.Length == 0 ? $"Image {image} is refused"
            : explanation.Contains(image, StringComparison.Ordinal) ? explanation
            : $"Image {image}: {explanation}";
    }

    /// <summary>The texts for warnings: a line each, what they tell of first.</summary>
    private static IEnumerable<string> Lines(ImageDecision decision)
    {
        var prefix = decision switch
        {
            { Admission: not Admission.AdmittedWithWarning } => "",
            { Basis: AdmissionBasis.BreakGlass } or { Response.BreakGlass: true } => "admitted by break-glass: ",
            { Basis: AdmissionBasis.Service, Response.Verdict: Verdict.Dryrun } => "dry run: ",
            _ => "",
        };
        return Reasons(decision).Select(line => prefix + line);
    }

    /// <summary>What happened, without the remedies: a command that is cut at the length of a warning helps nobody.</summary>
    private static IEnumerable<string> Reasons(ImageDecision decision)
    {
        IEnumerable<string> texts = decision.Response?.Reasons is { Count: > 0 } reasons ? reasons.Select(reason => reason.Text)
            : decision.Explanation.Split('\n').Where(line => !line.StartsWith("  ", StringComparison.Ordinal));
        var image = PlainText.Line(decision.Image, 2000);
        var lines = texts.Select(text => PlainText.Line(text)).Where(text => !string.IsNullOrWhiteSpace(text)).ToArray();
        return lines.Length == 0 ? [$"Image {image} is refused"]
            : lines.Select(text => text.Contains(image, StringComparison.Ordinal) ? text : $"Image {image}: {text}");
    }

    private static string VerdictOf(IReadOnlyList<ImageDecision> decisions) =>
        Refusals(decisions).Count > 0 ? "DENY"
        : decisions.Any(IsFailedOpen) ? "FAILED_OPEN"
        : decisions.Any(IsBreakGlass) ? "BREAK_GLASS"
        : decisions.Any(decision => decision.Basis is AdmissionBasis.Posture) ? "POSTURE"
        : decisions.Any(IsDryRun) ? "DRYRUN"
        : "ALLOW";

    private static bool IsFailedOpen(ImageDecision decision) =>
        decision.Basis is AdmissionBasis.FailMode || (decision.Admission is not Admission.Refused && decision.Response?.FailMode is Api.V1.FailMode.Open);

    private static bool IsBreakGlass(ImageDecision decision) => decision.Basis is AdmissionBasis.BreakGlass || decision.Response?.BreakGlass is true;

    private static bool IsDryRun(ImageDecision decision) => decision.Basis is AdmissionBasis.Posture || decision.Response?.Verdict is Verdict.Dryrun;

    private static Dictionary<string, string> Annotations(IReadOnlyList<ImageDecision> decisions, string verdict)
    {
        var annotations = new Dictionary<string, string> { ["verdict"] = verdict };
        var ids = string.Join(',', decisions.Select(decision => decision.DecisionId).Where(id => id.Length > 0).Distinct());
        if (ids.Length > 0)
        {
            annotations["decision-ids"] = PlainText.CutBytes(PlainText.Line(ids, MaxAnnotationBytes), MaxAnnotationBytes);
        }

        Mark("dry-run", verdict == "DRYRUN" || decisions.Any(IsDryRun));
        Mark("break-glass", decisions.Any(IsBreakGlass));
        Mark("failed-open", decisions.Any(IsFailedOpen));
        var text = string.Join("; ", decisions.Where(decision => decision.Admission is not Admission.Admitted).SelectMany(Reasons));
        if (text.Length > 0)
        {
            annotations["violations"] = PlainText.CutBytes(text, MaxAnnotationBytes);
        }

        return annotations;

        void Mark(string key, bool holds)
        {
            if (holds)
            {
                annotations[key] = Yes;
            }
        }
    }
}
