using PolicyService.Kubernetes.Decisions;
using PolicyService.Kubernetes.Reviews;
using PolicyService.Kubernetes.Workloads;

namespace PolicyService.Kubernetes.Endpoints;

/// <summary>The validating webhook: which objects are judged, what is asked about them, and what the answer means for them.</summary>
internal sealed class ValidateEndpoint(ReviewExchange exchange, DecisionService decisions, WorkloadKinds kinds, AdapterSettings settings)
{
    private readonly WorkloadReader _reader = new(kinds);

    /// <param name="http">The call.</param>
    /// <param name="failMode">What the path says about a service that is away.</param>
    public Task HandleAsync(HttpContext http, FailMode failMode) =>
        exchange.AdmissionAsync(http, (request, patience, cancellation) => AnswerAsync(request, failMode, patience, cancellation));

    private async Task<AdmissionAnswer> AnswerAsync(AdmissionRequest request, FailMode failMode, TimeSpan patience, CancellationToken cancellation)
    {
        // Nothing starts to run: the object is gone, or a running container is entered.
        if (request.Operation is AdmissionOperation.Delete or AdmissionOperation.Connect)
        {
            return AdmissionAnswer.Admitted;
        }

        switch (kinds.ClassOf(request.Kind))
        {
            case KindClass.Imageless:
                return AdmissionAnswer.Admitted;
            case KindClass.Template when settings.Templates is TemplateMode.Off:
                return AdmissionAnswer.Admitted;
            case KindClass.Pod or KindClass.Template:
                return await JudgeAsync(request, _reader.Read(request), failMode, patience, cancellation);
            default:
                var kind = PlainText.Line(request.Kind.ToString(), 120);
                return new AdmissionAnswer(ReviewProblem.Forbidden(
                    $"kind `{kind}` is not known to run images: take it out of the webhook's rules, or, if it has pod templates, tell where: --Templates:Kinds \"{kind}=spec.template\""));
        }
    }

    private async Task<AdmissionAnswer> JudgeAsync(AdmissionRequest request, Workload workload, FailMode failMode, TimeSpan patience, CancellationToken cancellation)
    {
        var count = workload.Pods.SelectMany(pod => pod.Images).Select(image => image.Image).Distinct(StringComparer.Ordinal).Count();
        var isEnforced = workload.IsPod || settings.Templates is TemplateMode.Enforce;
        if (count > AdmissionQuestion.MaxImages)
        {
            var problem = $"{count} different images are to be judged, more than {AdmissionQuestion.MaxImages}: split the object";
            return isEnforced ? new AdmissionAnswer(ReviewProblem.Forbidden(problem)) : AdmissionAnswer.Admitted with { Warnings = WarningLines.Fit([$"its pods would be refused: {problem}"]) };
        }

        // Pods of one object may run as different service accounts, and rules may differ by them.
        var questions = workload.Pods.Where(pod => pod.Images.Count > 0).GroupBy(pod => pod.ServiceAccount, StringComparer.Ordinal)
            .Select(pods => QuestionOf(request, workload, [.. pods], isEnforced) with { FailMode = failMode });
        var answers = await Task.WhenAll(questions.Select(async question =>
            DecisionSummary.Match(question.Images, await decisions.DecideAsync(question, patience, cancellation))));
        var all = answers.SelectMany(answer => answer).ToArray();
        return all.Length == 0 ? AdmissionAnswer.Admitted with { Warnings = WarningLines.Fit(workload.Warnings) }
            : isEnforced ? DecisionSummary.Enforced(all, workload.Warnings)
            : DecisionSummary.Warned(PlainText.Line(request.Kind.Kind, 80), all, workload.Warnings);
    }

    private static AdmissionQuestion QuestionOf(AdmissionRequest request, Workload workload, IReadOnlyList<PodTemplate> pods, bool isEnforced)
    {
        string[] images = [.. pods.SelectMany(pod => pod.Images).Select(image => image.Image).Distinct(StringComparer.Ordinal)];
        var (labels, annotations) = RecordedMetadata.Fit(pods[0].Labels, pods[0].Annotations, images.Length);
        var subject = new AdmissionSubject(request.Kind.Kind, workload.Name, OperationOf(request), request.Username);
        return new AdmissionQuestion(images, request.Namespace, pods[0].ServiceAccount, subject)
        {
            Labels = labels,
            Annotations = annotations,
            // Of a template that is only warned about nothing is overridden.
            IsBreakGlass = isEnforced && workload.IsBreakGlass,
            // Nor is anything refused: what is found is no finding.
            IsPreview = request.IsDryRun || !isEnforced,
        };
    }

    private static string OperationOf(AdmissionRequest request) => request.Operation is AdmissionOperation.Create ? "CREATE" : "UPDATE";
}
