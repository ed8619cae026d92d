using PolicyService.Kubernetes.Reviews;

namespace PolicyService.Kubernetes.Endpoints;

/// <summary>One call of a webhook: its time, its body, and an answer in every case.</summary>
internal sealed partial class ReviewExchange(ReviewRoom room, TimeProvider time, ILogger<ReviewExchange> log)
{
    // The decision ends a tenth before the cluster gives up; this is only for what hangs all the same.
    private const double HardShare = 0.97;

    /// <summary>Answers an AdmissionReview.</summary>
    /// <param name="http">The call.</param>
    /// <param name="answer">Answers the request; it is given the time that is left.</param>
    public async Task AdmissionAsync(HttpContext http, Func<AdmissionRequest, TimeSpan, CancellationToken, Task<AdmissionAnswer>> answer)
    {
        var uid = "";
        var (result, status) = await RunAsync(http, async (body, left, cancellation) =>
        {
            uid = body.FindUid();
            ThrowIf(body.Problem);
            return await answer(AdmissionReviewReader.Read(body.Bytes.Span), left(), cancellation);
        });
        // Without a uid no answer is taken: then the status says what is wrong.
        await WriteAsync(http, uid.Length > 0 && status != StatusCodes.Status415UnsupportedMediaType ? StatusCodes.Status200OK : status, ReviewWriter.Admission(uid, result));
    }

    /// <summary>Answers an ImageReview. Its refusals have status 200: of any other the cluster makes its <c>defaultAllow</c>.</summary>
    /// <param name="http">The call.</param>
    /// <param name="answer">Answers the request; it is given the time that is left.</param>
    public async Task ImagesAsync(HttpContext http, Func<ImageRequest, TimeSpan, CancellationToken, Task<AdmissionAnswer>> answer)
    {
        var (result, status) = await RunAsync(http, (body, left, cancellation) =>
        {
            ThrowIf(body.Problem);
            return answer(ImageReviewReader.Read(body.Bytes.Span), left(), cancellation);
        });
        await WriteAsync(http, status == StatusCodes.Status415UnsupportedMediaType ? status : StatusCodes.Status200OK, ReviewWriter.Image(result));
    }

    private async Task<(AdmissionAnswer Answer, int Status)> RunAsync(HttpContext http, Func<ReviewBody, Func<TimeSpan>, CancellationToken, Task<AdmissionAnswer>> answer)
    {
        var started = time.GetTimestamp();
        var timeout = WebhookTimeout.Read(http.Request.Query["timeout"]);
        // The body has limits of its own; with the server's nothing could be said about one that is too long.
        if (http.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = null;
        }

        using var ending = new CancellationTokenSource(timeout * HardShare, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(ending.Token, http.RequestAborted);
        ReviewProblem problem;
        try
        {
            using var place = await room.EnterAsync(http.Request.ContentLength, linked.Token);
            var body = await ReviewBody.ReadAsync(http.Request, linked.Token);
            // Whatever does not look at its cancellation must not keep the cluster waiting.
            return (await answer(body, () => timeout - time.GetElapsedTime(started), linked.Token).WaitAsync(linked.Token), StatusCodes.Status200OK);
        }
        catch (ReviewException exception)
        {
            problem = exception.Problem;
        }
        catch (OperationCanceledException) when (!http.RequestAborted.IsCancellationRequested)
        {
            problem = ReviewProblem.Late($"there was no decision within the webhook's timeout of {timeout.TotalSeconds} s: raise timeoutSeconds, or look for what slows the service");
        }
        // An empty status 500 would tell nobody why, and where the cluster ignores failures it would admit.
        catch (Exception exception) when (exception is not (OperationCanceledException or IOException))
        {
            LogFault(log, exception, http.Request.Path);
            problem = new ReviewProblem(StatusCodes.Status500InternalServerError, "InternalError", "the adapter failed while it judged this object: its log says more");
        }

        return (new AdmissionAnswer(problem), problem.Code);
    }

    private static void ThrowIf(ReviewProblem? problem)
    {
        if (problem is not null)
        {
            throw new ReviewException(problem);
        }
    }

    private static async Task WriteAsync(HttpContext http, int status, ReadOnlyMemory<byte> body)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = body.Length;
        await http.Response.Body.WriteAsync(body, http.RequestAborted);
    }

    [LoggerMessage(EventId = 3101, Level = LogLevel.Error, Message = "A review at {Path} could not be judged")]
    private static partial void LogFault(ILogger logger, Exception exception, string path);
}
