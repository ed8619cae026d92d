using PolicyService.Kubernetes.Decisions;
using PolicyService.Kubernetes.Reviews;
using PolicyService.Kubernetes.Workloads;

namespace PolicyService.Kubernetes.Endpoints;

/// <summary>The backend of the ImagePolicyWebhook plugin. It tells neither who asks nor what is done, and only some of a pod's annotations.</summary>
internal sealed class ImageReviewEndpoint(ReviewExchange exchange, DecisionService decisions)
{
    private static readonly Dictionary<string, string> NoLabels = [];

    public Task HandleAsync(HttpContext http) => exchange.ImagesAsync(http, AnswerAsync);

    private async Task<AdmissionAnswer> AnswerAsync(ImageRequest request, TimeSpan patience, CancellationToken cancellation)
    {
        string[] images = [.. request.Images.Distinct(StringComparer.Ordinal)];
        if (images.Length > AdmissionQuestion.MaxImages)
        {
            return new AdmissionAnswer(ReviewProblem.Forbidden($"{images.Length} different images are to be judged, more than {AdmissionQuestion.MaxImages}: split the pod"));
        }

        var (_, annotations) = RecordedMetadata.Fit(NoLabels, request.Annotations, images.Length);
        var question = new AdmissionQuestion(images, request.Namespace, "", new AdmissionSubject("Pod", "", "", ""))
        {
            Annotations = annotations,
            IsBreakGlass = BreakGlassMarker.IsSet(NoLabels, request.Annotations),
        };
        return DecisionSummary.Enforced(DecisionSummary.Match(images, await decisions.DecideAsync(question, patience, cancellation)), []);
    }
}
