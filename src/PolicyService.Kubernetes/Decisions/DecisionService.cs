using System.Text;
using PolicyService.Api.Clients;
using PolicyService.Api.V1;
using PolicyService.Kubernetes.Running;

namespace PolicyService.Kubernetes.Decisions;

/// <summary>Asks the service about the images of one object. It holds no policy: what it says beyond the service's answers is what is done without one.</summary>
public sealed class DecisionService
{
    private const int MaxExplanation = 32 * 1024;
    private static readonly TimeSpan LeastMargin = TimeSpan.FromMilliseconds(100);

    private readonly ServiceCall _service;
    private readonly Fallback _fallback;
    private readonly AdapterSettings _settings;
    private readonly AdapterMetrics _metrics;
    private readonly TimeProvider _time;

    internal DecisionService(ServiceCall service, Fallback fallback, AdapterSettings settings, AdapterMetrics metrics, TimeProvider time) =>
        (_service, _fallback, _settings, _metrics, _time) = (service, fallback, settings, metrics, time);

    /// <summary>Decides about every image of the question, in its order. It always answers; what cannot be decided is refused, or falls back as the documentation says.</summary>
    /// <param name="question">The question.</param>
    /// <param name="patience">How long the cluster waits for the webhook; the answer comes a margin earlier.</param>
    /// <param name="cancellation">The cluster went away.</param>
    public async Task<IReadOnlyList<ImageDecision>> DecideAsync(AdmissionQuestion question, TimeSpan patience, CancellationToken cancellation)
    {
        var started = _time.GetTimestamp();
        var margin = patience / 10 > LeastMargin ? patience / 10 : LeastMargin;
        var batch = BatchRequest.Of(question.Images.Where(IsSent), question, _settings);
        EvaluateBatchResponse? response = null;
        ServiceFailure? failure = null;
        if (batch.Requests.Count > 0)
        {
            (response, failure) = await _service.AskAsync(batch, Positive(patience - margin), cancellation);
        }

        // What is recorded now has the other half of the margin to come in.
        var decisions = await ReadAsync(question, batch, response, failure, Positive(patience - (margin / 2) - _time.GetElapsedTime(started)), cancellation);
        _metrics.Decided(decisions, _time.GetElapsedTime(started));
        return decisions;
    }

    private static TimeSpan Positive(TimeSpan time) => time > TimeSpan.Zero ? time : TimeSpan.Zero;

    /// <summary>A longer one is none, and would only make the question too large for the others.</summary>
    private static bool IsSent(string image) => image.Length <= BatchRequest.MaxImageBytes && Encoding.UTF8.GetByteCount(image) <= BatchRequest.MaxImageBytes;

    private async Task<IReadOnlyList<ImageDecision>> ReadAsync(
        AdmissionQuestion question, EvaluateBatchRequest batch, EvaluateBatchResponse? response, ServiceFailure? failure, TimeSpan left, CancellationToken cancellation)
    {
        // Answers are told apart by their place: with another number nobody knows which is whose.
        var isCounted = response is null || response.Results.Count == batch.Requests.Count;
        var decisions = new ImageDecision?[question.Images.Count];
        var failures = new List<(int Index, ServiceFailure Failure)>();
        for (var (index, sent) = (0, 0); index < question.Images.Count; index++)
        {
            if (!IsSent(question.Images[index]))
            {
                failures.Add((index, new ServiceFailure($"INVALID_ARGUMENT: the image has more than {BatchRequest.MaxImageBytes} bytes", FailureKind.InvalidImage)));
                continue;
            }

            var (request, result) = (batch.Requests[sent], isCounted ? response?.Results[sent] : null);
            sent++;
            if (failure is not null)
            {
                failures.Add((index, failure));
            }
            else if (result?.ResultCase is EvaluateBatchResult.ResultOneofCase.Error)
            {
                failures.Add((index, FailureOf(result.Error)));
            }
            else
            {
                decisions[index] = Read(DecisionGuard.Accept(request, result?.Response), question.Images[index]);
            }
        }

        foreach (var (index, decision) in await _fallback.DecideAsync(question, failures, left, cancellation))
        {
            decisions[index] = decision;
        }

        return [.. decisions.Select((decision, index) => decision ?? new ImageDecision(question.Images[index], Admission.Refused, AdmissionBasis.None, "there is no decision"))];
    }

    private static ServiceFailure FailureOf(Error error) => (Grpc.Core.StatusCode)error.Code switch
    {
        Grpc.Core.StatusCode.InvalidArgument => new ServiceFailure(PlainWords.Line($"INVALID_ARGUMENT: {error.Message}", 1000), FailureKind.InvalidImage),
        // The service itself is there: what it says of one item is no sign that it is away.
        Grpc.Core.StatusCode.PermissionDenied or Grpc.Core.StatusCode.Unauthenticated => new ServiceFailure(PlainWords.Line($"PERMISSION_DENIED: {error.Message}", 1000), FailureKind.Refused),
        var code => new ServiceFailure(PlainWords.Line($"{code}: {error.Message}", 1000), FailureKind.NoDecision),
    };

    private static ImageDecision Read(EvaluateResponse response, string image)
    {
        var explanation = PlainWords.Lines(
            string.Join('\n', response.Reasons.Select(reason => reason.Remedy.Length > 0 ? $"{reason.Text}\n  {reason.Remedy}" : reason.Text)), MaxExplanation);
        var needsWarning = response.Verdict is Verdict.Dryrun || response.BreakGlass || response.FailMode is Api.V1.FailMode.Open;
        return response.Verdict switch
        {
            Verdict.Allow or Verdict.Dryrun => new ImageDecision(image, needsWarning ? Admission.AdmittedWithWarning : Admission.Admitted, AdmissionBasis.Service, needsWarning ? explanation : "") { Response = response },
            _ => new ImageDecision(image, Admission.Refused, AdmissionBasis.Service, explanation) { Response = response },
        };
    }
}
