using Grpc.Core;
using PolicyService.Api.Clients;
using PolicyService.Api.V1;

namespace PolicyService.Kubernetes.Decisions;

/// <summary>Asks the service about the images of one object. It holds no policy: what it says beyond the service's answers is what is done without one.</summary>
public sealed class DecisionService(PolicyDecisionService.PolicyDecisionServiceClient client, AdapterSettings settings, TimeProvider time)
{
    /// <summary>Decides about every image of the question, in its order. It always answers; what cannot be decided is refused, or falls back as the documentation says.</summary>
    /// <param name="question">The question.</param>
    /// <param name="patience">How long the cluster waits for the webhook; the answer comes a margin earlier.</param>
    /// <param name="cancellation">The cluster went away.</param>
    public async Task<IReadOnlyList<ImageDecision>> DecideAsync(AdmissionQuestion question, TimeSpan patience, CancellationToken cancellation)
    {
        var batch = new EvaluateBatchRequest { Requests = { question.Images.Select(image => RequestFor(question, image)) } };
        try
        {
            var deadline = (time.GetUtcNow() + patience - Margin(patience)).UtcDateTime;
            var answer = await client.EvaluateBatchAsync(batch, deadline: deadline, cancellationToken: cancellation);
            return [.. batch.Requests.Select((request, index) => Read(request, index < answer.Results.Count ? answer.Results[index] : null))];
        }
        catch (RpcException exception) when (!cancellation.IsCancellationRequested)
        {
            return [.. batch.Requests.Select(request => Refused(request.ImageDigest, $"the decision service could not be asked ({exception.StatusCode})"))];
        }
    }

    private static TimeSpan Margin(TimeSpan patience) => patience / 10 > TimeSpan.FromMilliseconds(100) ? patience / 10 : TimeSpan.FromMilliseconds(100);

    private EvaluateRequest RequestFor(AdmissionQuestion question, string image) => new()
    {
        ImageDigest = image,
        Cluster = settings.Cluster,
        Project = settings.Project,
        Namespace = question.Namespace,
        ServiceAccount = question.ServiceAccount,
        BreakGlass = question.IsBreakGlass ? new BreakGlass() : null,
        Preview = question.IsPreview,
    };

    private static ImageDecision Read(EvaluateRequest request, EvaluateBatchResult? result)
    {
        if (result?.ResultCase is EvaluateBatchResult.ResultOneofCase.Error)
        {
            return Refused(request.ImageDigest, result.Error.Message);
        }

        var response = DecisionGuard.Accept(request, result?.Response);
        var explanation = string.Join('\n', response.Reasons.Select(reason => reason.Remedy.Length > 0 ? $"{reason.Text}\n  {reason.Remedy}" : reason.Text));
        return response.Verdict switch
        {
            Verdict.Allow => new ImageDecision(request.ImageDigest, response.BreakGlass ? Admission.AdmittedWithWarning : Admission.Admitted, AdmissionBasis.Service, response.BreakGlass ? explanation : "") { Response = response },
            Verdict.Dryrun => new ImageDecision(request.ImageDigest, Admission.AdmittedWithWarning, AdmissionBasis.Service, explanation) { Response = response },
            _ => new ImageDecision(request.ImageDigest, Admission.Refused, AdmissionBasis.Service, explanation) { Response = response },
        };
    }

    private static ImageDecision Refused(string image, string explanation) => new(image, Admission.Refused, AdmissionBasis.None, explanation);
}
