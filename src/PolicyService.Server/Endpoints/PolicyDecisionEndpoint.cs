using System.Threading.Channels;
using Grpc.Core;
using PolicyService.Api.V1;
using PolicyService.Core;
using PolicyService.Server.Access;

namespace PolicyService.Server.Endpoints;

/// <summary>The gRPC face of the service. A denial is an OK response; an error status means that there is no decision.</summary>
public sealed class PolicyDecisionEndpoint(EvaluationGate gate, StreamDrain drain, CallerWatch callers) : PolicyDecisionBinder
{
    /// <summary>Answers of a stream that are kept back, at most, to be sent together with later ones that are ready too.</summary>
    private const int AnswersTogether = 16;

    private static readonly WriteOptions WithTheNext = new(WriteFlags.BufferHint);

    public override async Task<EvaluateResponse> Evaluate(EvaluateRequest request, ServerCallContext context)
    {
        var answer = await gate.AskAsync(request, context.GetHttpContext().Caller(), gate.Version, gate.DeadlineOf(context.Deadline), context.CancellationToken);
        return answer.Response ?? throw Status(answer.Error!);
    }

    public override async Task<EvaluateBatchResponse> EvaluateBatch(EvaluateBatchRequest request, ServerCallContext context)
    {
        // That there are no more than 500 was seen before the message was made.
        var caller = context.GetHttpContext().Caller();
        if (context.GetHttpContext().Features.Get<RequestAllowance>()?.TakeBatch(request.Requests.Count) is { } refusal)
        {
            throw LimitAnswer.ToException(refusal);
        }

        var (version, deadline) = (gate.Version, gate.DeadlineOf(context.Deadline));
        var response = new EvaluateBatchResponse { Results = { Capacity = request.Requests.Count } };
        List<Task>? waiting = null;
        foreach (var item in request.Requests)
        {
            var result = new EvaluateBatchResult();
            response.Results.Add(result);
            // What is known from memory has been answered when this returns; only the rest has to be waited for.
            var answering = AnswerAsync(result, gate.AskAsync(item, caller, version, deadline, context.CancellationToken));
            if (!answering.IsCompletedSuccessfully)
            {
                (waiting ??= []).Add(answering);
            }
        }

        await (waiting is null ? Task.CompletedTask : Task.WhenAll(waiting));
        return response;
    }

    public override async Task EvaluateStream(
        IAsyncStreamReader<EvaluateStreamRequest> requestStream, IServerStreamWriter<EvaluateStreamResponse> responseStream, ServerCallContext context)
    {
        drain.Enter(context.GetHttpContext());
        // Bounded: a caller that does not read its answers stops being read.
        var answers = Channel.CreateBounded<Task<EvaluateStreamResponse>>(Limits.StreamConcurrency);
        using var failed = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
        var reading = ReadAsync(requestStream, answers.Writer, context, failed.Token);
        try
        {
            await WriteAsync(answers.Reader, responseStream, failed.Token);
        }
        finally
        {
            await failed.CancelAsync();
            await ((Task)reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        // A half-close ends well; every other end says what became of messages that were not answered.
        if (await reading is { } status)
        {
            throw new RpcException(status);
        }
    }

    private static async Task AnswerAsync(EvaluateBatchResult result, ValueTask<ItemAnswer> asking)
    {
        var answer = await asking;
        if (answer.Response is not null)
        {
            result.Response = answer.Response;
        }
        else
        {
            result.Error = answer.Error;
        }
    }

    /// <summary>Writes the answers in the order of their messages. Those that are ready together are sent together: sending is what costs.</summary>
    private static async Task WriteAsync(
        ChannelReader<Task<EvaluateStreamResponse>> answers, IServerStreamWriter<EvaluateStreamResponse> responses, CancellationToken failed)
    {
        var kept = 0;
        while (await answers.WaitToReadAsync(failed))
        {
            while (answers.TryRead(out var answer))
            {
                var response = await answer;
                kept = kept < AnswersTogether - 1 && answers.TryPeek(out var next) && next.IsCompletedSuccessfully ? kept + 1 : 0;
                responses.WriteOptions = kept > 0 ? WithTheNext : null;
                await responses.WriteAsync(response, failed);
            }
        }
    }

    /// <summary>Reads until the half-close (null), the shutdown, or until the caller must authenticate anew.</summary>
    private async Task<Status?> ReadAsync(
        IAsyncStreamReader<EvaluateStreamRequest> requests, ChannelWriter<Task<EvaluateStreamResponse>> answers, ServerCallContext context, CancellationToken failed)
    {
        var caller = context.GetHttpContext().Caller();
        using var lapsed = new CancellationTokenSource();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(failed, drain.Draining, lapsed.Token);
        var watching = callers.WaitAsync(caller, lapsed, ending.Token);
        try
        {
            var allowance = context.GetHttpContext().Features.Get<RequestAllowance>();
            for (var isFirst = true; await requests.MoveNext(ending.Token); isFirst = false)
            {
                if (callers.ProblemOf(caller) is { } problem)
                {
                    return new Status(StatusCode.Unauthenticated, problem);
                }

                await answers.WriteAsync(AnswerAsync(requests.Current, isFirst ? null : allowance?.TakeMessage(), caller, context), failed);
            }

            return null;
        }
        catch (Exception exception) when (drain.Draining.IsCancellationRequested && (exception is OperationCanceledException or RpcException or IOException))
        {
            return new Status(StatusCode.Unavailable, "the service is shutting down; every message not answered must be sent again");
        }
        catch (Exception exception) when (lapsed.IsCancellationRequested && (exception is OperationCanceledException or RpcException or IOException))
        {
            return new Status(StatusCode.Unauthenticated, callers.ProblemOf(caller) ?? "the caller has to authenticate anew");
        }
        finally
        {
            answers.TryComplete();
            await ending.CancelAsync();
            await watching;
        }
    }

    private async Task<EvaluateStreamResponse> AnswerAsync(EvaluateStreamRequest message, LimitRefusal? refusal, Caller caller, ServerCallContext context)
    {
        if (RequestParser.Limit("correlation_id", message.CorrelationId, Limits.StringBytes) is { } problem)
        {
            return new EvaluateStreamResponse { Error = new Error { Code = (int)StatusCode.InvalidArgument, Field = problem.Field, Message = problem.Message } };
        }

        if (refusal is not null)
        {
            // The stream lives: the next message may find a token.
            return new EvaluateStreamResponse
            {
                CorrelationId = message.CorrelationId,
                Error = new Error { Code = (int)StatusCode.ResourceExhausted, Message = refusal.Message },
            };
        }

        var answer = await gate.AskAsync(message.Request, caller, gate.Version, gate.DeadlineOf(context.Deadline), context.CancellationToken);
        return answer.Response is not null
            ? new EvaluateStreamResponse { CorrelationId = message.CorrelationId, Response = answer.Response }
            : new EvaluateStreamResponse { CorrelationId = message.CorrelationId, Error = answer.Error };
    }

    private static RpcException Status(Error error) => new(new Status((StatusCode)error.Code, error.Message));
}
