using System.Globalization;
using Grpc.Core;
using PolicyService.Api.V1;
using Client = PolicyService.Api.V1.PolicyDecisionService.PolicyDecisionServiceClient;

namespace PolicyService.Cli.Evaluations;

/// <summary>Asks a server about images: one by <c>Evaluate</c>, several by <c>EvaluateBatch</c>. Every image gets an answer.</summary>
internal sealed class Asker(Client client, Uri server, TimeSpan timeout, TimeProvider time)
{
    /// <summary>Most images of one batch; more go in further batches.</summary>
    private const int BatchImages = 500;

    /// <summary>Most bytes of one batch, far enough below what a server takes: labels and annotations may be long.</summary>
    private const int BatchBytes = 3 * 1024 * 1024;

    private readonly string _server = server.GetLeftPart(UriPartial.Authority);

    public async Task<IReadOnlyList<Answer>> AskAsync(IReadOnlyList<EvaluateRequest> requests, CancellationToken cancellation)
    {
        if (requests is [var request])
        {
            return [await AskOneAsync(request, cancellation)];
        }

        var answers = new List<Answer>(requests.Count);
        foreach (var chunk in Batches(requests))
        {
            answers.AddRange(await AskSeveralAsync(chunk, cancellation));
        }

        return answers;
    }

    private static IEnumerable<EvaluateRequest[]> Batches(IReadOnlyList<EvaluateRequest> requests)
    {
        var batch = new List<EvaluateRequest>();
        var bytes = 0;
        foreach (var request in requests)
        {
            var size = request.CalculateSize();
            if (batch.Count == BatchImages || (batch.Count > 0 && bytes + size > BatchBytes))
            {
                yield return [.. batch];
                batch.Clear();
                bytes = 0;
            }

            batch.Add(request);
            bytes += size;
        }

        yield return [.. batch];
    }

    private async Task<Answer> AskOneAsync(EvaluateRequest request, CancellationToken cancellation)
    {
        try
        {
            return Answer.Of(request, await client.EvaluateAsync(request, Options(cancellation)));
        }
        catch (RpcException failure)
        {
            cancellation.ThrowIfCancellationRequested();
            return Answer.None(request, failure.StatusCode, Problem(failure));
        }
    }

    private async Task<IEnumerable<Answer>> AskSeveralAsync(EvaluateRequest[] requests, CancellationToken cancellation)
    {
        try
        {
            var batch = await client.EvaluateBatchAsync(new EvaluateBatchRequest { Requests = { requests } }, Options(cancellation));
            if (batch.Results.Count == requests.Length)
            {
                return requests.Zip(batch.Results, OfResult);
            }

            // Without one result per request nothing says which belongs to which.
            var miscounted = string.Create(CultureInfo.InvariantCulture, $"{_server} answered {batch.Results.Count} of {requests.Length} images: none of the answers counts");
            return requests.Select(request => Answer.None(request, StatusCode.Internal, miscounted));
        }
        catch (RpcException failure)
        {
            cancellation.ThrowIfCancellationRequested();
            var problem = Problem(failure);
            return requests.Select(request => Answer.None(request, failure.StatusCode, problem));
        }
    }

    private static Answer OfResult(EvaluateRequest request, EvaluateBatchResult result)
    {
        if (result.ResultCase is not EvaluateBatchResult.ResultOneofCase.Error)
        {
            return Answer.Of(request, result.Response);
        }

        var field = result.Error.Field.Length == 0 || result.Error.Message.Contains(result.Error.Field, StringComparison.Ordinal) ? "" : $"{result.Error.Field}: ";
        return Answer.None(request, (StatusCode)result.Error.Code, $"no decision about {request.ImageDigest}: {field}{result.Error.Message}");
    }

    private CallOptions Options(CancellationToken cancellation) =>
        new(deadline: time.GetUtcNow().UtcDateTime + timeout, cancellationToken: cancellation);

    private string Problem(RpcException failure) => failure.StatusCode switch
    {
        StatusCode.InvalidArgument => $"invalid input: {failure.Status.Detail}",
        // INTERNAL with an exception of our own side: something listens there, and it is no gRPC or it is the other of http and https.
        StatusCode.Unavailable or StatusCode.Internal when failure.StatusCode is StatusCode.Unavailable || failure.Status.DebugException is not null =>
            $"{_server} cannot be reached ({Cause(failure)}): start the server there, or give --server its gRPC address (http://127.0.0.1:50051 by default)",
        StatusCode.DeadlineExceeded => string.Create(
            CultureInfo.InvariantCulture, $"{_server} did not answer within {timeout.TotalSeconds} s: ask again with a longer --timeout, or see to the server"),
        StatusCode.Unimplemented => $"{_server} is no PolicyService ({failure.Status.Detail}): give --server its gRPC address (http://127.0.0.1:50051 by default)",
        StatusCode.Unauthenticated or StatusCode.PermissionDenied => $"{_server} refuses this caller: {failure.Status.Detail}",
        _ => $"{_server} made no decision: {StatusName.Of(failure.StatusCode)}: {failure.Status.Detail}",
    };

    /// <summary>The innermost message: `connection refused` says more than `error starting the call`.</summary>
    private static string Cause(RpcException failure) =>
        failure.Status.DebugException?.GetBaseException().Message ?? failure.Status.Detail;
}
